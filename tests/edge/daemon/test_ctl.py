#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatchctl: every verb, in text and in JSON, with each exit code; progress of long work; what needs no daemon."""

import json
import os
import pty
import subprocess

import lab
from lab import BUILD, ROOT, check

CTL = f"{BUILD}/tools/ctl/sealwatchctl"


def ctl(m, *words, stdin=b"", user=0, bus=None):
    command = [CTL, "--bus", bus or m.bus, "--config-dir", f"{ROOT}/etc", *words]
    if user:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180)


def row(m, words, code, stdin=b"", **options):
    """The same verb twice: as text, and as JSON that says at least as much as an object per line."""
    for as_json in False, True:
        p = ctl(m, *words, *(["--json"] if as_json else []), stdin=stdin, **options)
        said = f"{words}: exit code {p.returncode}, not {code}: {p.stdout[-300:]} {p.stderr[-300:]}"
        check(p.returncode == code, said)
        check(code == 0 or p.stderr or p.stdout, f"{words}: fails without a word")
        if not as_json or words[0] == "release" and code == 0:
            continue
        text = p.stdout or p.stderr
        for line in text.decode().splitlines() if code != 2 else []:
            check(isinstance(json.loads(line), dict), f"{words}: no JSON object: {line}")
        if code in (1, 3, 4) and words[0] not in ("status", "policy"):
            check("error" in json.loads(text.splitlines()[0]), f"{words}: no error in {text}")


def without_the_daemon(m):
    row(m, ["policy", "check"], 0)
    out = json.loads(ctl(m, "--json", "policy", "check").stdout)
    check(out and "unknown-code" in json.dumps(out), f"the rules are not listed: {out}")
    row(m, ["policy", "learn", "--output", f"{ROOT}/tmp/learned", f"{ROOT}/disk"], 0)
    row(m, ["policy", "learn", f"{ROOT}/nowhere"], 1)
    row(m, ["policy", "learn"], 2)
    row(m, ["policy"], 2)
    m.policy(extra="[Rule a]\nAction=dney\n")
    row(m, ["policy", "check"], 1)
    m.policy()
    row(m, ["blob", f"{ROOT}/state/secrets/s.sealed"], 0)
    row(m, ["blob", f"{ROOT}/disk/good"], 1)
    row(m, ["blob"], 2)
    check(ctl(m).returncode == 2, "no verb is no mistake")
    row(m, ["nonsense"], 2)
    for words in (["status"], ["events"], ["secrets"], ["lock"], ["reload"], ["release", "s"],
                  ["log", "--snapshot", f"{ROOT}/tmp/none"]):
        row(m, words, 3)
    row(m, ["seal", "s"], 3, b"x")
    row(m, ["status"], 3, bus=f"unix:path={ROOT}/no-bus")


def with_the_daemon(m):
    row(m, ["status"], 0)
    row(m, ["events"], 0)
    row(m, ["events", "--since", "1"], 0)
    row(m, ["events", "--format=xml"], 2)
    row(m, ["secrets"], 0)
    row(m, ["reload"], 0)
    row(m, ["seal", "t"], 0, b"secret")
    row(m, ["seal", "a/b"], 2, b"secret")
    row(m, ["seal"], 2)
    row(m, ["release", "t"], 0)
    row(m, ["release", "u"], 1)
    row(m, ["release"], 2)
    for n in "1", "2":
        check(ctl(m, "log", "--snapshot", f"{ROOT}/tmp/snapshot{n}", *(["--json"] if n == "2" else [])).returncode == 0, "snapshot")
    row(m, ["log"], 2)
    check(ctl(m, "release", "t", "--output", f"{ROOT}/tmp/t").returncode == 0, "release to a file")
    check(os.stat(f"{ROOT}/tmp/t").st_mode & 0o777 == 0o600, "a released secret is for everybody")
    row(m, ["status"], 0, user=65534)  # properties are everybody's
    for words in (["events"], ["secrets"], ["lock"], ["reload"], ["release", "t"], ["log", "--snapshot", "/tmp"]):
        row(m, words, 4, user=65534)


def no_secret_on_a_terminal(m):
    master, slave = pty.openpty()
    p = subprocess.run([CTL, "--bus", m.bus, "release", "t"], stdout=slave, stderr=subprocess.PIPE)
    check(p.returncode == 2, f"a secret was written to a terminal: {p}")
    os.close(slave)
    os.close(master)


def learning_shows_progress(m):
    master, slave = pty.openpty()
    p = subprocess.run([CTL, "policy", "learn", "--output", f"{ROOT}/tmp/learned", "/usr/bin"], stderr=slave)
    os.set_blocking(master, False)
    shown = os.read(master, 65536).decode()
    check(p.returncode == 0 and "files" in shown and "B/s" in shown, f"no progress: {shown!r}")
    os.close(slave)
    os.close(master)
    check(subprocess.run(["sha256sum", "--check", "--quiet", f"{ROOT}/tmp/learned"]).returncode == 0, "sha256sum disagrees")


def not_trusted_is_no(m):
    row(m, ["lock"], 0)
    m.expect_state("locked")
    row(m, ["status"], 1)
    row(m, ["release", "t"], 1)
    row(m, ["seal", "v"], 1, b"secret")


def a_stop_is_recorded(m):
    check(m.stop() == 0, "the stop was not clean")
    m.start()
    events = m.events()
    stop = next(e for e in events if e["kind"] == "stop")
    check(stop["reason"] == "terminated" and events[stop["seq"] + 1]["kind"] == "start", f"{stop}")


def main(m):
    m.start()
    m.ctl("seal", "s", stdin=b"secret")
    a_stop_is_recorded(m)
    m.stop()
    without_the_daemon(m)
    m.power_cycle()
    m.start()
    with_the_daemon(m)
    no_secret_on_a_terminal(m)
    learning_shows_progress(m)
    not_trusted_is_no(m)


lab.run(main)
