#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bus front end: the contract, who may call, busctl as the judge, exit codes of sealwatchctl, alerts in a journal."""

import json
import os
import re
import select
import subprocess
import xml.etree.ElementTree as ElementTree

import lab
from lab import BUILD, ROOT, SOURCE, check, eventually

NAME = ["org.sealwatch1", "/org/sealwatch1"]


def busctl(m, *words, user=None):
    command = ["busctl", f"--address={m.bus}", *words]
    if user:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)


def interface(text):
    """{(kind, name): (arguments, access)} of our interface in introspection data."""
    found = {}
    root = ElementTree.fromstring(re.sub(r"<!DOCTYPE.*?>", "", text, flags=re.S))
    for i in root.iter("interface"):
        if i.get("name") != "org.sealwatch1.Manager":
            continue
        for member in i:
            arguments = tuple((a.get("name"), a.get("type"), a.get("direction") or "out") for a in member.findall("arg"))
            notes = tuple(sorted((n.get("name"), n.get("value")) for n in member.findall("annotation")))
            found[member.tag, member.get("name")] = (arguments, member.get("type"), member.get("access"), notes)
    return found


def contract(m):
    p = busctl(m, "call", *NAME, "org.freedesktop.DBus.Introspectable", "Introspect")
    text = re.search(r's "(.*)"\s*$', p.stdout, re.S).group(1).encode().decode("unicode_escape")
    with open(f"{SOURCE}/dbus/org.sealwatch1.xml") as f:
        written = f.read()
    live, written = interface(text), interface(written)
    check(set(live) == set(written), f"members differ: {set(live) ^ set(written)}")
    for member, value in written.items():
        check(live[member] == value, f"{member}: {live[member]} is not {value}")
    check(len(written) > 20, "the contract is empty")


def properties_by_busctl(m):
    p = busctl(m, "get-property", *NAME, "org.sealwatch1.Manager", "State", "MeasurementPCR", "Tainted")
    check(p.returncode == 0 and 's "trusted"' in p.stdout and "u 13" in p.stdout and '"software-tpm"' in p.stdout, p.stdout)
    p = busctl(m, "call", *NAME, "org.sealwatch1.Manager", "ListEvents", "tu", "0", "1")
    check(p.returncode == 0 and '"boot"' in p.stdout, p.stdout)


def only_root(m):
    p = busctl(m, "get-property", *NAME, "org.sealwatch1.Manager", "State", user=65534)
    check(p.returncode == 0 and '"trusted"' in p.stdout, f"the properties are everybody's: {p.stdout}")
    for words in (["call", *NAME, "org.sealwatch1.Manager", "ListEvents", "tu", "0", "1"],
                  ["call", *NAME, "org.sealwatch1.Manager", "Lock", "s", "no"]):
        p = busctl(m, *words, user=65534)
        check(p.returncode != 0 and re.search("denied|permission", p.stdout, re.I), f"{words}: {p.stdout}")
    check(m.state() == "trusted", "a stranger changed the state")


def the_daemon_checks_by_itself(m):
    """With a bus policy that lets everybody through, the daemon still refuses."""
    m.stop()
    m.power_cycle()
    os.kill(m.bus_pid, 9)
    os.unlink(f"{ROOT}/run/bus")
    with open(f"{ROOT}/open.conf", "w") as f:
        f.write('<busconfig><policy context="default"><allow own="org.sealwatch1"/><allow send_destination="*"/>'
                "</policy></busconfig>")
    with open(f"{ROOT}/bus.conf") as f:
        text = f.read().replace(f"{SOURCE}/dbus/org.sealwatch1.conf", f"{ROOT}/open.conf")
    with open(f"{ROOT}/bus.conf", "w") as f:
        f.write(text)
    m.bus_pid = int(lab.tool("dbus-daemon", f"--config-file={ROOT}/bus.conf", "--fork", "--print-pid"))
    m.start()
    p = busctl(m, "get-property", *NAME, "org.sealwatch1.Manager", "State", user=65534)
    check(p.returncode == 0, f"the bus is not open, the test proves nothing: {p.stdout}")
    check("only root may do this" in ctl_as(m, 65534, "lock").stdout, "the daemon did not refuse by itself")
    check("only root may do this" in ctl_as(m, 65534, "release", "x").stdout, "the daemon did not refuse by itself")
    m.expect_state("trusted")


def ctl_as(m, user, *words):
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", f"{BUILD}/tools/ctl/sealwatchctl", "--bus", m.bus]
    return subprocess.run([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)


def exit_codes(m):
    m.ctl("status", code=0)
    m.ctl("release", "nothing", code=1)
    m.ctl("nonsense", code=2)
    m.ctl("events", "--since", "x", code=2)
    check(ctl_as(m, 65534, "lock").returncode == 4, "a stranger's lock is not exit code 4")
    p = m.ctl("--json", "release", "nothing", code=1)
    check("error" in json.loads(p.splitlines()[0]), f"no JSON error: {p}")
    m.stop()
    m.ctl("status", code=3)
    m.start()


def follows(m):
    """events --follow shows what happens later, and ends with the daemon."""
    follower = subprocess.Popen([f"{BUILD}/tools/ctl/sealwatchctl", "--bus", m.bus, "events", "--follow", "--format=json"],
                                stdout=subprocess.PIPE, text=True)
    seen = []
    while not seen or seen[-1]["kind"] != "state":
        seen.append(json.loads(follower.stdout.readline()))
    m.ctl("release", "nothing", code=1)
    seen.append(json.loads(follower.stdout.readline()))
    check(seen[-1]["kind"] == "release" and [e["seq"] for e in seen] == list(range(len(seen))), f"{seen[-1]}")
    m.stop()
    check(follower.wait(timeout=180) == 3, "the follower's exit code")
    m.start()


def signals(m):
    monitor = subprocess.Popen(["timeout", "180", "busctl", f"--address={m.bus}", "monitor", "--json=short",
                                "--match", "type='signal',interface='org.sealwatch1.Manager'",
                                "--match", "type='signal',member='NameOwnerChanged'"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    # Not every version says that it has begun. Every client that comes and goes is a signal.
    eventually(lambda: m.state() and select.select([monitor.stdout], [], [], 0)[0], "the monitor's first signal")
    m.ctl("lock", "--reason", "a drill")
    members = []
    while "StateChanged" not in members or "Violation" not in members:
        line = monitor.stdout.readline()
        check(line, f"no signals but {members} within three minutes")
        if line.startswith("{"):
            members.append(json.loads(line).get("member"))
    monitor.kill()
    m.expect_event("lock", reason="a drill", uid=0)
    m.expect_state("locked")


def journal(m):
    """Alerts land in a real journald with their fields; with none they go to standard error."""
    if not os.path.exists("/lib/systemd/systemd-journald"):
        print("no systemd-journald here: that part is not tested")
        return
    lab.tool("mount", "-t", "tmpfs", "run", "/run")
    os.makedirs("/run/systemd/journal")
    journald = subprocess.Popen(["/lib/systemd/systemd-journald"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: os.path.exists("/run/systemd/journal/socket"), "the journal")
    m.power_cycle()
    m.start()
    m.make_unknown(f"{ROOT}/disk/journal")
    check(not m.runs(f"{ROOT}/disk/journal"), "an unknown program ran")

    def entries():
        p = subprocess.run(["journalctl", "--directory=/run/log/journal", "-o", "json", "SEALWATCH_KIND=exec"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return [json.loads(line) for line in p.stdout.splitlines() if line.startswith("{")]

    eventually(entries, "the alert in the journal")
    e = entries()[0]
    check(e["SEALWATCH_VERDICT"] == "deny" and e["SEALWATCH_RULE"] == "unknown-code" and e["PRIORITY"] == "2", f"{e}")
    check(re.fullmatch("[0-9a-f]{32}", e["MESSAGE_ID"]) and e["SEALWATCH_TECHNIQUE"] == "T1204.002", f"{e}")
    check(f"{ROOT}/disk/journal" in e["MESSAGE"] and "[SIMULATED]" in e["MESSAGE"], f"{e['MESSAGE']}")
    check(json.loads(e["SEALWATCH_JSON"])["path"] == f"{ROOT}/disk/journal", f"{e}")
    journald.terminate()
    journald.wait()


def main(m):
    m.start()
    contract(m)
    properties_by_busctl(m)
    only_root(m)
    exit_codes(m)
    follows(m)
    the_daemon_checks_by_itself(m)
    signals(m)
    journal(m)


lab.run(main)
