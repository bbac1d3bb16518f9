#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was built, installed in a whole Debian system: it watches all of the machine.
test_system.py KERNEL"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE, BUILD = os.environ["SEALWATCH_SOURCE"], os.environ["SEALWATCH_BUILD"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon"]
from full import Guest  # noqa: E402
from process import Unavailable  # noqa: E402
from lab import check, eventually  # noqa: E402

UNKNOWN = "cp /usr/bin/env /root/unknown && echo >>/root/unknown && /root/unknown echo it runs"


def install(g):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True,
                       env=dict(os.environ, DESTDIR=directory))
        g.put(directory, "/")
    g.output("mkdir", "-p", "/etc/sealwatch/reference.d")
    g.put(f"{SOURCE}/policy/profiles/enforce.policy", "/etc/sealwatch/policy.d/enforce.policy")
    g.output("sh", "-c", "systemd-sysusers && systemd-tmpfiles --create && journalctl --update-catalog && systemctl daemon-reload")
    g.output("systemctl", "reload", "dbus")
    g.output("sealwatchctl", "policy", "learn", "--output", "/etc/sealwatch/reference.d/base.sha256", "/usr")


def status(g):
    return json.loads(g.output("sealwatchctl", "status", "--json"))


def test_watches_the_machine(g):
    check(g.run(["sh", "-c", UNKNOWN]) == 0, "an unknown program does not run before anybody watches: the test proves nothing")
    g.output("systemctl", "enable", "--now", "sealwatchd")
    eventually(lambda: status(g)["State"] == "trusted", "trust")
    check(status(g)["Tainted"] == [], f"tainted: {status(g)['Tainted']}")
    expect_levels(g)
    g.output("systemctl", "daemon-reload")
    check(g.run(["sh", "-c", UNKNOWN]) == 126, "an unknown program ran")
    events = [json.loads(line) for line in g.output("sealwatchctl", "events", "--format=json").splitlines()]
    denied = [e for e in events if e["kind"] == "exec" and e["path"] == "/root/unknown"]
    check([e["verdict"] for e in denied] == ["deny"], f"the denial's record: {denied}")
    check(status(g)["State"] == "trusted", "a denial changed the state")


def expect_levels(g):
    """The unit takes nothing away from what the kernel can do: what its programs claim by hand, they claim as a service."""
    levels = status(g)["Levels"]
    for what in ("exec", "library", "overwrite"):
        check(levels[what] == "enforce (lsm)", f"the level of {what}: {levels}")


def test_alert_is_explained(g):
    explained = g.output("journalctl", "--catalog", "--no-pager", "--unit=sealwatchd", "SEALWATCH_KIND=exec").decode()
    check("Code that a rule names asked to run" in explained and "/root/unknown" in explained, f"the alert: {explained}")
    members = g.output("busctl", "introspect", "org.sealwatch1", "/org/sealwatch1").decode()
    check("org.sealwatch1.Manager" in members and ".StateChanged" in members, f"busctl introspect: {members}")


def main_pid(g):
    return g.output("systemctl", "show", "--value", "--property=MainPID", "sealwatchd").strip()


def test_restart_keeps_watching(g):
    """It is another process that denies now."""
    pid = main_pid(g)
    g.output("systemctl", "restart", "sealwatchd")
    check(main_pid(g) != pid, "it was not restarted")
    eventually(lambda: status(g)["State"] == "trusted", "trust after a restart")
    expect_levels(g)
    check(g.run(["/root/unknown", "echo", "it runs"]) == 126, "an unknown program ran")


def test_stop(g):
    g.output("systemctl", "stop", "sealwatchd")
    check(g.run(["/root/unknown", "true"]) == 0, "a service that was stopped still denies")
    check(g.run(["sh", "-c", "! ls /sys/fs/bpf/sealwatch/*"]) == 0, "a service that was stopped leaves pins")


try:
    with Guest(sys.argv[1]) as guest:
        install(guest)
        for test in (test_watches_the_machine, test_alert_is_explained, test_restart_keeps_watching, test_stop):
            try:
                test(guest)
            except AssertionError:
                print(guest.output("sh", "-c", "systemctl status --lines=60 sealwatchd; sealwatchctl status; true").decode())
                raise
except Unavailable as why:
    print(f"SKIP: {why}")
    sys.exit(77)
