#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Things that stand still, are full or are gone around the daemon; what a secret leaves behind; and the register that root
cannot open, whatever the state."""

import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time

import lab
from lab import ROOT, check, eventually

BLOB = f"{ROOT}/state/secrets/s.sealed"
SECRET = secrets.token_bytes(48)
ROUNDS = int(os.environ.get("LAB_EXECS", "3000"))


def fresh(m, mode="enforce", **config):
    m.power_cycle()
    m.config(**config)
    m.policy(mode=mode)
    m.start()
    m.expect_state("trusted")


def root_never_unseals(m):
    """Past the cap: with a guard in each of its states, stopped, killed, gone, and of another mode."""
    def closed(when):
        check(not m.root_unseals(BLOB), f"root could unseal: {when}")

    fresh(m, "observe")
    closed("observe")
    m.watched(f"{ROOT}/disk/attack", "memfd", f"{ROOT}/unknown")
    m.expect_state("degraded")
    closed("degraded in observe")
    fresh(m)
    closed("trusted")
    m.daemon.send_signal(signal.SIGSTOP)
    closed("a daemon that stands still")
    m.daemon.send_signal(signal.SIGCONT)
    m.kill()
    closed("a killed daemon")
    m.start()
    m.stop()
    closed("no daemon")
    m.start()
    m.ctl("lock")
    m.expect_state("locked")
    closed("locked")


def traces(m):
    """How often a part of the secret is in memory of the daemon that others than itself can read."""
    found = 0
    with open(f"/proc/{m.daemon.pid}/maps") as maps, open(f"/proc/{m.daemon.pid}/mem", "rb", 0) as mem:
        for line in maps:
            start, end, mode = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if "r" not in mode or "[v" in line:
                continue
            try:
                mem.seek(int(start, 16))
                found += mem.read(int(end, 16) - int(start, 16)).count(SECRET[:24])
            except OSError:
                continue  # memfd_secret
    return found


def secrets_leave_no_trace(m):
    fresh(m)
    check(traces(m) <= 1, "a harvested secret is in memory more than once")
    m.ctl("seal", "s", stdin=SECRET)
    check(traces(m) <= 1, "a sealed secret is in memory more than once")
    with open(f"{ROOT}/tmp/released", "wb") as f:
        check(subprocess.run([f"{lab.BUILD}/tools/ctl/sealwatchctl", "--bus", m.bus, "release", "s"], stdout=f).returncode == 0,
              "the release failed")
    with open(f"{ROOT}/tmp/released", "rb") as f:
        check(f.read() == SECRET, "the secret came out different")
    check(traces(m) <= 1, "a released secret is in memory more than once")
    with open(f"/proc/{m.daemon.pid}/limits") as f:
        check(re.search(r"Max core file size +0 +0 ", f.read()), "core dumps are allowed")
    with open(f"/proc/{m.daemon.pid}/status") as f:
        check(int(re.search(r"VmLck:\s+(\d+)", f.read()).group(1)) > 0, "memory is not locked")
    m.ctl("lock")
    m.expect_state("locked")
    check(traces(m) == 0, "a wiped secret is still in memory")
    m.daemon.send_signal(signal.SIGABRT)
    check(m.wait() == -signal.SIGABRT, "it did not end")
    os.unlink(f"{ROOT}/tmp/released")
    for directory, below, files in os.walk(ROOT):
        if directory == ROOT:
            below.remove("bpf")  # no files
        for name in files:
            path = f"{directory}/{name}"
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as f:
                    check(SECRET[:24] not in f.read(), f"the secret is in {path}")


def a_daemon_that_stands_still(m):
    """Nothing passes it meanwhile, and what waits is judged when it goes on."""
    fresh(m)
    m.make_unknown(f"{ROOT}/disk/waits")
    m.daemon.send_signal(signal.SIGSTOP)
    waits = subprocess.Popen(["bash", "-c", f'echo $$ >"{m.cgroup}/cgroup.procs" && exec "{ROOT}/disk/waits"'],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    check(waits.poll() is None, "a program ran, or was denied, while nobody could judge it")
    m.daemon.send_signal(signal.SIGCONT)
    check(b"RUNS" not in waits.communicate(timeout=180)[0], "an unknown program ran")
    m.expect_event("exec", path=f"{ROOT}/disk/waits", verdict="deny")


def a_tpm_that_stands_still(m):
    fresh(m)
    m.make_unknown(f"{ROOT}/disk/still", b"still")
    m.learn()
    m.ctl("reload")
    os.kill(m.tpm_pid(), signal.SIGSTOP)
    check(m.runs(f"{ROOT}/disk/still"), "a known program waits for the TPM")
    m.make_unknown(f"{ROOT}/disk/unknown-still")
    check(not m.runs(f"{ROOT}/disk/unknown-still"), "an unknown program ran")
    m.ctl("lock")
    m.expect_state("violated")
    check(lab.json.loads(m.ctl("--json", "secrets"))["s"] != "held", "a secret is held although the guard is violated")
    check(traces(m) == 0, "the wipe waits for the TPM")
    os.kill(m.tpm_pid(), signal.SIGCONT)
    m.expect_state("locked")
    check(m.pcr(7) == m.pcr(11) != "00" * 32, "the registers are not poisoned")
    eventually(lambda: (s := m.status())["EventCount"] == s["AnchoredCount"], "the log's recovery")
    m.judge_snapshot()


def an_unmeasured_program_waits_at_most_for_its_deadline(m):
    """In observe what is in no reference set runs after its deadline, and the record says why."""
    fresh(m, "observe", Registers={"ExtendDeadlineSec": "500ms"})
    m.make_unknown(f"{ROOT}/disk/slow")
    os.kill(m.tpm_pid(), signal.SIGSTOP)
    check(m.runs(f"{ROOT}/disk/slow"), "observe denied a program")
    os.kill(m.tpm_pid(), signal.SIGCONT)
    m.expect_event("exec", path=f"{ROOT}/disk/slow", failure="extend-deadline", verdict="would-deny")
    m.judge_snapshot()


def gate_rows(m):
    """The rows about one file: closed in enforce, open and recorded in observe."""
    big, busy = f"{ROOT}/disk/big", f"{ROOT}/disk/busy"
    m.make_unknown(big, b"\0" * (2 << 20))
    m.make_unknown(busy, b"busy")
    m.learn()  # known: only the row can be the reason
    for mode, runs in ("enforce", False), ("observe", True):
        fresh(m, mode, Watch={"MaxFileSize": "1M"})
        check(m.runs(big) == runs, f"{mode}: a file that is too large")
        e = m.expect_event("exec", path=big, failure="file-too-large")
        check(e["verdict"] == ("would-deny" if runs else "deny"), f"{e}")
        # Open for writing and executed: only a mapping that outlives its descriptor gets as far as the kernel's answer.
        fd = os.open(busy, os.O_RDWR)
        check(not m.runs(busy), "a file that is open for writing ran: the kernel forbids it")
        os.close(fd)
        e = m.expect_event("open-writers" if runs else "exec", path=busy)
        check(runs or e["failure"] == "open-writers", f"{e}")
        m.judge_snapshot()


def a_file_system_that_is_mounted_later(m):
    """Held, or, in the moment between its mount and its mark, seen: never neither."""
    image, point = f"{ROOT}/later.img", f"{ROOT}/disk/later"
    with open(image, "wb") as f:
        f.truncate(8 << 20)
    lab.tool("mkfs.ext4", "-q", image)
    os.makedirs(point, exist_ok=True)
    lab.tool("mount", "-o", "loop", image, point)
    m.make_unknown(f"{point}/unknown")
    lab.tool("umount", point)
    fresh(m, Watch={"FileSystems": f"{ROOT}/disk {point}"})
    for _ in range(10):
        before = m.status()
        lab.tool("mount", "-o", "loop", image, point)
        key = "UngatedCount" if m.runs(f"{point}/unknown") else "DeniedCount"
        eventually(lambda: m.status()[key] > before[key], f"the {key} of a program's start")
        eventually(lambda: not m.runs(f"{point}/unknown"), "the gate's mark")
        lab.tool("umount", "-l", point)


def a_full_disk(m):
    fresh(m)
    m.stop()
    for d in "state", "log":
        lab.tool("mount", "-t", "tmpfs", "-o", "size=300k", "small", f"{ROOT}/{d}")
    m.power_cycle()
    m.start()
    m.ctl("seal", "s", stdin=SECRET)
    for d in "state", "log":
        with open(f"{ROOT}/{d}/filler", "wb", 0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
    check("could not be written" in m.ctl("seal", "t", stdin=SECRET, code=1), "a full disk is not named")
    check("could not be written" in m.ctl("seal", "s", stdin=b"another", code=1), "a full disk is not named")
    m.expect_event("failure", row="archive-write")
    m.expect_state("degraded")
    check(m.runs(f"{ROOT}/disk/good"), "a known program waits for a disk")
    for d in "state", "log":
        os.unlink(f"{ROOT}/{d}/filler")
    m.power_cycle()
    m.start()
    p = subprocess.run([f"{lab.BUILD}/tools/ctl/sealwatchctl", "--bus", m.bus, "release", "s"], stdout=subprocess.PIPE)
    check(p.stdout == SECRET, "a full disk has changed a sealed secret")
    m.stop()
    for d in "state", "log":
        lab.tool("umount", f"{ROOT}/{d}")


def a_bus_that_stands_still(m):
    fresh(m)
    os.kill(m.bus_pid, signal.SIGSTOP)
    for n in range(400):  # more signals than a socket holds
        m.make_unknown(f"{ROOT}/disk/bus", f"{n}".encode())
        check(not m.runs(f"{ROOT}/disk/bus"), "without a bus the gate is open")
    m.daemon.send_signal(signal.SIGTERM)
    check(m.wait() == 0, "it did not end well")
    os.kill(m.bus_pid, signal.SIGCONT)


def a_journal_that_is_dead(m):
    lab.tool("mount", "-t", "tmpfs", "run", "/run")
    os.makedirs("/run/systemd/journal")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("/run/systemd/journal/socket")
    fresh(m)
    m.make_unknown(f"{ROOT}/disk/alert")
    check(not m.runs(f"{ROOT}/disk/alert"), "an unknown program ran")
    eventually(lambda: m.said(f"deny: {ROOT}/disk/alert"), "the alert on standard error")
    m.ctl("release", "nothing", code=1)
    eventually(lambda: m.status()["Failures"].get("journal-gone", 0) > 0, "the failure's counter")
    m.stop()
    lab.tool("umount", "/run")


def refusals_without_end(m):
    """All are denied, not all are recorded, and it is said how many were not. One shell tries them all: more in a minute than the
    limit, on any machine."""
    n, folder = 700, f"{ROOT}/disk/refused"
    fresh(m)
    os.makedirs(folder)
    for k in range(n):
        m.make_unknown(f"{folder}/{k}", f"refused {k}".encode())
    p = subprocess.run(["bash", "-c", 'echo $$ >"$0/cgroup.procs"; for x in "$1"/*; do "$x"; done', m.cgroup, folder],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    check(p.stdout == b"", "an unknown program ran")
    shutil.rmtree(folder)
    status = m.status()
    check(status["DeniedCount"] == n, f"{status['DeniedCount']} of {n} were denied")
    check(status["SuppressedCount"] > 0, f"{status}")
    records = n - status["SuppressedCount"]
    eventually(lambda: len([e for e in m.events("exec") if e["path"].startswith(f"{folder}/")]) == records, f"{records} records")
    check(status["State"] == "trusted", "a user's refused programs changed the state")
    m.stop()
    m.start()
    check(m.expect_event("suppressed")["count"] == n - records, "the record of what was not recorded")


def no_state_gets_better(m):
    """Neither by a restart, nor by another policy, nor by being killed in between."""
    fresh(m)
    m.watched(f"{ROOT}/disk/attack", "--uid=65534", "memfd", f"{ROOT}/unknown")
    m.expect_state("degraded")
    m.stop()
    m.start()
    m.expect_state("degraded")
    m.kill()
    m.start()
    m.expect_state("degraded")
    m.policy(mode="observe")
    m.ctl("reload")
    m.expect_state("degraded")
    m.ctl("lock")
    m.expect_state("locked")
    m.policy(mode="enforce")
    m.ctl("reload")
    m.expect_state("locked")


def descriptors(m):
    return len(os.listdir(f"/proc/{m.daemon.pid}/fd"))


def resident(m):
    with open(f"/proc/{m.daemon.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def nothing_grows(m):
    fresh(m)
    bench = [f"{lab.BUILD}/tests/bench/exec-bench", f"{m.cgroup}/cgroup.procs"]
    lab.tool(*bench, 500, f"{ROOT}/disk/good")
    time.sleep(3)
    fds, rss = descriptors(m), resident(m)
    lab.tool(*bench, ROUNDS, f"{ROOT}/disk/good")
    eventually(lambda: descriptors(m) <= fds, f"the descriptors' return to {fds} ({descriptors(m)} now)")
    print(f"{ROUNDS} execs: {fds} descriptors, {rss} KiB, then {resident(m)} KiB")
    check(resident(m) - rss < 512, f"resident memory grew from {rss} to {resident(m)} KiB")
    check(m.status()["UngatedCount"] == 0 and m.status()["LostCount"] == 0, "execs were not seen as they were")


ROWS = [root_never_unseals, secrets_leave_no_trace, a_daemon_that_stands_still, a_tpm_that_stands_still,
        an_unmeasured_program_waits_at_most_for_its_deadline, gate_rows, a_file_system_that_is_mounted_later, a_full_disk,
        a_bus_that_stands_still, a_journal_that_is_dead, refusals_without_end,
        no_state_gets_better, nothing_grows]


def main(m):
    only = os.environ.get("LAB_ROW")
    m.start()
    m.ctl("seal", "s", stdin=SECRET)
    for row in ROWS:
        if only and row.__name__ != only:
            continue
        row(m)
        if m.daemon:
            m.kill()
        print(f"{row.__name__}: ok", flush=True)


lab.run(main)
