#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Races of an unprivileged user between the gate's answer and the moment his program runs, against the whole daemon.
RACE_SECONDS= says how long each takes."""

import fcntl
import os
import re
import signal
import subprocess
import time

import lab
from lab import ROOT, check, eventually

UID = 65534
SECONDS = os.environ.get("RACE_SECONDS", "3")
LOADER = b"/lib64/ld-linux-x86-64.so.2"
OUR_LOADER = f"{ROOT}/ld.so"


def race(m, directory, how):
    """Rewrites a program with known and unknown content in turn, while it is executed again and again."""
    path = f"{directory}/race"
    good_copy, evil_copy = f"{ROOT}/race-good", f"{ROOT}/race-evil"  # the build folder may be closed to others
    lab.tool("cp", f"{lab.BUILD}/tests/tools/payload-good", good_copy)
    lab.tool("cp", f"{lab.BUILD}/tests/tools/payload-evil", evil_copy)
    lab.tool("cp", good_copy, path)
    os.chown(path, UID, UID)
    words = [f"{ROOT}/disk/attack", f"--uid={UID}", "race", path, good_copy, evil_copy, SECONDS, *how]
    before = m.status()["UngatedCount"]
    p = m.watched(*words, timeout=float(SECONDS) + 180)
    print(f"{directory}: {p.stdout.strip().splitlines()[-1]}", flush=True)
    found = re.search(r"A ran (\d+) times, B was denied (\d+) times, B RAN (\d+) TIMES", p.stdout)
    check(found, f"the race did not end: {p}")
    good, denied, evil = map(int, found.groups())
    check(how or (good > 0 and denied > 0), "the race was none")
    eventually(lambda: evil <= m.status()["UngatedCount"] - before, f"the sight of unmeasured code that ran {evil} times")
    check(evil == 0 or how, f"unmeasured code ran {evil} times")
    check(not m.ended(), "the daemon died")


def slow_program(name):
    """A program that can be kept inside execve(), past the gate's answer, for as long as one likes: its loader is on a file
    system that is not watched, and the kernel waits there for a write lease to end."""
    with open("/bin/true", "rb") as f:
        program = f.read()
    check(program.count(LOADER + b"\0") == 1, "/bin/true has another loader")
    path = f"{ROOT}/disk/{name}"
    with open(path, "wb") as f:
        f.write(program.replace(LOADER + b"\0", OUR_LOADER.encode().ljust(len(LOADER) + 1, b"\0")))
        f.write(name.encode())
    os.chmod(path, 0o755)
    os.chown(path, UID, UID)
    return path


def start_slowly(m, path):
    """Returns the process, inside execve() for longer than the gate holds the lease, and what keeps it there."""
    holder = os.open(OUR_LOADER, os.O_RDWR)
    fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    process = os.fork()
    if process == 0:
        with open(f"{m.cgroup}/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))
        os.close(holder)
        os.setresuid(UID, UID, UID)
        try:
            os.execv(path, [path])
        finally:
            os._exit(100)
    m.expect_event("file", path=path)
    eventually(lambda: not is_leased(path), "the end of the lease")
    return process, holder


def is_leased(path):
    with open("/proc/locks") as f:
        return re.search(rf"LEASE .* READ .*:{os.stat(path).st_ino} ", f.read())


def late_execs(m):
    lab.tool("cp", "-L", LOADER.decode(), OUR_LOADER)
    same, changed = slow_program("same"), slow_program("changed")
    m.learn()
    m.ctl("reload")
    process, holder = start_slowly(m, same)
    os.close(holder)
    check(os.waitpid(process, 0)[1] == 0, "a slow program was not let run")
    process, holder = start_slowly(m, changed)
    os.chmod(changed, 0o700)  # moves its change time, as writing to it does
    os.close(holder)
    os.waitpid(process, 0)
    e = m.expect_event("ungated", uid=UID)
    check(e["verdict"] == "kill" and "changed after" in e["reason"] and e["path"] == changed, f"{e}")
    check(len(m.events("ungated")) == 1, f"{m.events('ungated')}")
    m.expect_state("degraded")


def failed_exec_is_forgotten(m):
    """A process that tries a file in vain, and runs another one much later, has not run the first."""
    with open(f"{ROOT}/disk/text", "w") as f:
        f.write("no program")
    os.chmod(f"{ROOT}/disk/text", 0o755)
    m.learn()
    m.ctl("reload")
    script = f"""
import os, time
open("{m.cgroup}/cgroup.procs", "w").write(str(os.getpid()))
try:
    os.execv("{ROOT}/disk/text", ["text"])
except OSError:
    pass
os.chmod("{ROOT}/disk/text", 0o700)
time.sleep(3)
os.execv("{ROOT}/disk/good", ["good"])
"""
    before = m.status()["UngatedCount"]
    p = subprocess.run(["python3", "-c", script], stdout=subprocess.PIPE, text=True, timeout=180)
    check("good one runs" in p.stdout, "the second program did not run")
    m.expect_event("file", path=f"{ROOT}/disk/text")
    eventually(lambda: m.status()["Gate"]["waiting"] == 0, "the answers")
    time.sleep(0.3)
    check(m.status()["UngatedCount"] == before, f"{m.events('ungated')[-1]}")


def main(m):
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    os.makedirs(f"{ROOT}/disk/tmpfs")
    lab.tool("mount", "-t", "tmpfs", "race", f"{ROOT}/disk/tmpfs")
    m.config(Watch={"FileSystems": f"{ROOT}/disk {ROOT}/disk/tmpfs"})
    m.start()
    late_execs(m)
    failed_exec_is_forgotten(m)
    for how in ([], ["starve"]):
        for directory in (f"{ROOT}/disk", f"{ROOT}/disk/tmpfs"):
            race(m, directory, how)


lab.run(main)
