#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as a service of a real systemd, from boot to shutdown. test_service.py SUITE"""

import errno
import json
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import machine  # noqa: E402
from machine import GUARDED, check, eventually  # noqa: E402

UNIT = "sealwatchd.service"
EXPOSURE_MAX = 20  # tenths
SECRET = "open sesame"


def test_units_are_right(m):
    units = m.run("sh", "-c", "ls -d /usr/lib/systemd/system/sealwatch*").split()
    complaints = m.process("systemd-analyze", "--man=no", "verify", *units)
    check(complaints.returncode == 0 and not complaints.stderr, f"systemd-analyze verify: {complaints.stderr}")
    for unit in (UNIT, "sealwatch-probe@0.service"):
        p = m.process("systemd-analyze", "security", "--no-pager", f"--threshold={EXPOSURE_MAX}", unit)
        check(p.returncode == 0, f"{unit}: too much exposure: {p.stdout.splitlines()[-1:]}")


def test_fetch_helper(m):
    """Each connection has a process without privileges, which answers and ends."""
    eventually(lambda: m.show("ActiveState", "sealwatch-fetch.socket") == "active", "the socket beside the daemon")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(f"/proc/{m.first()}/root/run/sealwatch-fetch.sock")
        eventually(lambda: "sealwatch-fetch@" in m.run("systemctl", "list-units", "--no-legend", "sealwatch-fetch@*"), "an instance")
        unit = m.run("systemctl", "list-units", "--no-legend", "--plain", "sealwatch-fetch@*").split()[0]
        eventually(lambda: m.show("SubState", unit) == "running", "its start")  # before that it is systemd's own
        with open(f"/proc/{m.first()}/root/proc/{m.show('MainPID', unit)}/status", encoding="ascii") as f:
            status = dict(line.split(":", 1) for line in f if ":" in line)
        check("0" not in status["Uid"].split(), f"it runs as {status['Uid']}")
        check({status[f"Cap{n}"].strip() for n in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}, "it has capabilities")
        check(status["NoNewPrivs"].strip() == "1", "it can gain privileges")
        s.sendall(b"x" * 84)
        answer = b"".join(iter(lambda: s.recv(4096), b""))
    check(answer[:6] == b"SWFA\1\5" and answer.endswith(b"this is no request"), answer)
    eventually(lambda: not m.run("systemctl", "list-units", "--no-legend", "sealwatch-fetch@*"), "its end")


def test_starts_before_what_it_guards(m):
    m.await_state("trusted")
    check(m.show("ActiveState") == "active" and m.show("SubState") == "running", "the service is not running")
    check("trusted" in m.show("StatusText"), f"STATUS= says {m.show('StatusText')}")
    up = int(m.show("ActiveEnterTimestampMonotonic"))
    for other in ("sysinit.target", "dbus.service"):
        check(0 < up <= int(m.show("ActiveEnterTimestampMonotonic", other)), f"{other} was there first")


def test_watches(m):
    m.run("cp", "/usr/bin/true", "/usr/local/bin/unknown")
    with open(f"/proc/{m.first()}/root/usr/local/bin/unknown", "ab") as f:
        f.write(b"unknown")
    check(m.guarded("/usr/bin/true") == "", "a known program does not run")
    m.guarded("/usr/local/bin/unknown", code=203)  # EXEC: it could not be executed
    m.run("/usr/local/bin/unknown")  # outside of the scope
    eventually(lambda: [e["verdict"] for e in m.events("exec") if e["path"] == "/usr/local/bin/unknown"] == ["deny"], "the denial's one record")


def test_journal_and_catalog(m):
    def entries():
        return [e for e in m.journal(f"--unit={UNIT}", "SEALWATCH_KIND=exec") if e["SEALWATCH_PATH"] == "/usr/local/bin/unknown"]

    eventually(entries, "the alert in the journal")
    entry = entries()[0]
    check(entry["PRIORITY"] <= "4" and entry["SYSLOG_FACILITY"] == "10", f"priority and facility: {entry}")
    check(json.loads(entry["SEALWATCH_JSON"])["verdict"] == "deny", "the JSON field is not the event")
    m.run("journalctl", "--update-catalog")  # as the package manager does
    explained = m.run("journalctl", "--catalog", "--no-pager", f"--unit={UNIT}", "SEALWATCH_KIND=exec")
    check("Code that a rule names asked to run" in explained and "unknown-code decided about /usr/local/bin/unknown" in explained,
          f"no text of the catalog: {explained}")


def test_bus(m):
    members = m.run("busctl", "introspect", "org.sealwatch1", "/org/sealwatch1", "org.sealwatch1.Manager")
    check(".ReleaseSecret" in members and ".Violation" in members, f"busctl introspect: {members}")
    state = m.run("busctl", "get-property", "org.sealwatch1", "/org/sealwatch1", "org.sealwatch1.Manager", "State")
    check(state.strip() == 's "trusted"', f"the property: {state}")
    p = m.process("busctl", "call", "org.sealwatch1", "/org/sealwatch1", "org.sealwatch1.Manager", "Reload", user="nobody")
    check(p.returncode != 0, "nobody may reload")
    m.run("systemctl", "restart", "dbus.service")
    eventually(lambda: m.status().get("State"), "the daemon's return to the bus")


def test_reload(m):
    before = m.status()["PolicyGeneration"]
    m.run("systemctl", "reload", UNIT)
    eventually(lambda: m.status()["PolicyGeneration"] > before, "the reload")
    check(m.show("SubState") == "running", f"after a reload it is {m.show('SubState')}")
    check(m.events("policy")[-1]["generation"] > before, f"the record of a reload: {m.events('policy')[-1]}")


def ask_probe(m, order):
    """What the process says that may load modules, of a file that is none."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"/proc/{m.first()}/root/run/sealwatch/probe")
        file = os.memfd_create("probe")
        os.write(file, b"no module")
        socket.send_fds(s, [order], [file])
        os.close(file)
        return struct.unpack("i", s.recv(4))[0]


def test_probe(m):
    """It tries, and is refused by the kernel for what the file is."""
    for order in (b"m", b"k"):
        answer = ask_probe(m, order)
        check(-answer in (errno.ENOEXEC, errno.EINVAL, errno.ENOSYS, errno.EPERM), f"the probe's answer: {answer}")
    check(ask_probe(m, b"x") == -errno.EINVAL, "an order that nobody knows")
    for path in (b"", b"/sys/fs/cgroup", b"/etc", b"/sys/fs/cgroup/../../etc", b"/sys/fs/cgroup/" + b"x" * 1000):
        check(ask_probe(m, b"j" + path) < 0, f"it joins {path[:30]}")
    failed = m.run("systemctl", "--failed", "--plain", "--no-legend").strip()
    check(not failed, f"failed units: {failed}")


def test_crash(m):
    pid = m.show("MainPID")
    m.run("kill", "-KILL", pid)
    eventually(lambda: m.show("MainPID") not in ("0", pid), "the restart")
    m.await_state("trusted")
    gap = m.events("gap")[-1]
    check(gap["clean"] is False, f"the gap of a crash: {gap}")


def links(m):
    """Pins of programs, by the directory of the daemon that made them."""
    found = {}
    for line in m.run("find", "/sys/fs/bpf/sealwatch", "-name", "link-*").split():
        found[os.path.dirname(line)] = found.get(os.path.dirname(line), 0) + 1
    return found


def test_pins(m):
    """The unit's sandbox lets them be made, found by the next daemon, and removed."""
    before = links(m)
    if not before and any("cannot be seen" in e["MESSAGE"] for e in m.journal(f"--unit={UNIT}")):
        print("SKIP of a part: this kernel takes no programs of ours")
        return
    check(len(before) == 1, f"pins of one daemon: {before}")
    check(m.events("start")[-1]["pinned"] == sum(before.values()), f"the start record says {m.events('start')[-1]['pinned']}: {before}")
    restart_by(m, "kill", "-KILL", m.show("MainPID"))
    check(m.events("gap")[-1]["judging"] == sum(before.values()), f"the gap: {m.events('gap')[-1]}")
    eventually(lambda: len(links(m)) == 1 and links(m).keys() != before.keys(), "the end of the dead daemon's pins")
    m.run("systemctl", "stop", UNIT)
    check(m.run("find", "/sys/fs/bpf/sealwatch", "-mindepth", "1") == "", f"a stop leaves pins: {links(m)}")
    m.run("systemctl", "start", UNIT)
    m.await_state("trusted")


def watchdog(m, settings):
    where = f"/run/systemd/system/{UNIT}.d"
    m.run("sh", "-c", f"mkdir -p {where} && cat >{where}/watchdog.conf && systemctl daemon-reload", stdin=settings)
    restart_by(m, "systemctl", "restart", UNIT)


def test_watchdog(m):
    """A daemon that stands still is not there. The time for that is this test's alone: in the others a slow machine is none."""
    watchdog(m, "[Service]\nWatchdogSec=2s\n")
    pid, restarts = m.show("MainPID"), int(m.show("NRestarts"))
    check(m.show("WatchdogUSec") == "2s", f"WatchdogSec= of this test: {m.show('WatchdogUSec')}")
    m.run("kill", "-STOP", pid)
    eventually(lambda: int(m.show("NRestarts")) > restarts and m.show("SubState") == "running", "the watchdog's restart")
    m.await_state("trusted")
    eventually(lambda: any("watchdog" in e["MESSAGE"].lower() for e in m.journal("--unit", UNIT, "_PID=1")), "systemd's word of a watchdog")
    watchdog(m, "")


def expect_asked_for(m, reason):
    """The log says that the daemon before was ended, by which way, and the next one that it was so."""
    stop, gap = m.events("stop")[-1], m.events("gap")[-1]
    check(stop["reason"] == reason and gap["clean"] is True and stop["seq"] < gap["seq"], f"the records of it: {stop}, {gap}")


def test_restart_and_stop(m):
    m.run("systemctl", "restart", UNIT)
    m.await_state("trusted")
    expect_asked_for(m, "restart")
    m.run("systemctl", "stop", UNIT)
    check(m.show("Result") == "success" and m.show("ExecMainStatus") == "0", f"the stop: {m.show('Result')}")
    check(m.process("sealwatchctl", "status").returncode == 3, "a stopped daemon answers")
    m.run("systemctl", "start", UNIT)
    m.await_state("trusted")
    expect_asked_for(m, "terminated")


def kept(m, wanted):
    """wanted, where the kernel has memfd_secret."""
    lost = any("secrets are lost" in e["MESSAGE"] for e in m.journal("--unit", UNIT))
    return ["0"] if lost else [wanted]


def held(m, name="token"):
    return m.process("sealwatchctl", "release", name).stdout == SECRET


def restart_by(m, *words):
    pid = m.show("MainPID")
    m.run(*words)
    eventually(lambda: m.show("MainPID") not in ("0", pid), "the restart")
    m.await_state("trusted")


def test_secrets_outlive_a_restart(m):
    m.run("sealwatchctl", "seal", "token", stdin=SECRET)
    check(held(m), "a secret that was just sealed is not held")
    check(m.show("NFileDescriptorStore") in kept(m, "1"), "nothing is kept, and nobody says so")
    if kept(m, "1") == ["0"]:
        print("SKIP of a part: this kernel has no memfd_secret")
        return
    restart_by(m, "systemctl", "restart", UNIT)
    check(held(m), "a restart lost the secret")
    restart_by(m, "kill", "-KILL", m.show("MainPID"))
    check(held(m), "a crash lost the secret")
    m.run("systemctl", "stop", UNIT)
    m.run("systemctl", "start", UNIT)
    m.await_state("trusted")
    check(not held(m), "a stop kept the secret")
    state = m.run("sealwatchctl", "secrets")
    check("opens again after a reboot" in state, f"what is said of it: {state}")


def test_what_does_not_fit_is_wiped(m):
    """A locked guard gives nothing to the one after it."""
    m.run("sealwatchctl", "seal", "other", stdin=SECRET)
    check(m.show("NFileDescriptorStore") in kept(m, "1") and held(m, "other"), "the secret is not kept: the test proves nothing")
    m.run("sealwatchctl", "lock", "--reason", "test")
    m.await_state("locked")
    check(m.show("NFileDescriptorStore") == "0", "a locked guard leaves secrets with the service manager")
    m.run("systemctl", "restart", UNIT)
    m.await_state("locked")
    check(not held(m, "other"), "a locked guard handed a secret out")


def test_canary_in_scope(m):
    """The sandbox lets nobody into the scope's cgroup; sealwatch-probe does, and so a round has its proof of denial."""
    where = "/run/sealwatch/sealwatchd.conf.d"
    m.run("sh", "-c", f"mkdir {where}; printf '[Attestation]\\nProvider=simulator\\nInterval=0\\n' >{where}/attest.conf")
    restart_by(m, "systemctl", "restart", UNIT)
    m.run("sealwatchctl", "attest", "--json", code=None)
    announced = m.events("canary")[-1]
    denied = [e for e in m.events("exec") if e.get("digest") == announced["digest"]]
    check([e["verdict"] for e in denied] == ["deny"], f"the canary: {denied}, {m.events('attest')[-1:]}")
    check(GUARDED in denied[0]["cgroup"], f"it ran in {denied[0]['cgroup']}")
    m.run("rm", "-r", where)
    restart_by(m, "systemctl", "restart", UNIT)


def test_bad_configuration_is_not_tried_again(m):
    m.run("sh", "-c", "mkdir /run/sealwatch/sealwatchd.conf.d; echo '[Nothing]' >/run/sealwatch/sealwatchd.conf.d/bad.conf")
    m.run("systemctl", "restart", UNIT, code=1)
    check(m.show("ActiveState") == "failed" and m.show("ExecMainStatus") == "78", f"a mistake: {m.show('ExecMainStatus')}")
    m.run("rm", "-r", "/run/sealwatch/sealwatchd.conf.d")
    m.run("systemctl", "start", UNIT)
    m.await_state("trusted")


def test_shutdown(m):
    """What is on the disk then is what the TPM says, to the last record."""
    with open(m.shut_down_and_judge(), "rb") as f:
        last = f.read().rpartition(b"sealwatch:")[2]
    check(last.startswith(b"stop"), f"the last record: {last}")


TESTS = [test_units_are_right, test_fetch_helper, test_starts_before_what_it_guards, test_watches, test_journal_and_catalog,
         test_bus, test_reload, test_probe, test_crash, test_pins, test_watchdog, test_restart_and_stop, test_secrets_outlive_a_restart, test_canary_in_scope,
         test_bad_configuration_is_not_tried_again,
         test_what_does_not_fit_is_wiped, test_shutdown]


machine.main(lambda: machine.run_tests({f"/etc/systemd/system/{UNIT}.d/test.conf": "[Service]\nRestartSec=50ms\n[Unit]\nStartLimitIntervalSec=0\n"},
                                       TESTS))
