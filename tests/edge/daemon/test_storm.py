#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storms of programs that nobody has seen before, from 64 processes: none of them is missing in log and register, also while the
daemon is stopped, killed and started again, and replaced by one of another version. SEALWATCH_FILES: how many files in all.
test_storm.py hooks: with the hooks in the kernel, and half of the files are mapped as libraries are."""

import os
import shutil
import signal
import subprocess
import sys
import time

import lab
from lab import BUILD, ROOT, check, eventually

PROCESSES = 64
HOOKS = sys.argv[1:] == ["hooks"]
FILES = int(os.environ.get("SEALWATCH_FILES", "1280"))
# While there is no daemon all of a fifth of 20,000 wait in the kernel's ring, at 320 bytes: of a library one event, and of a program that
# runs past the gate its exec (392) and, from the hooks, that it is one and that it is mapped: 2.7 MB.
RING = 4 << 20
PAUSE = float(os.environ.get("LAB_PAUSE", "5"))
FOLDER = f"{ROOT}/storm"
POLICY = "\n[Rule everything]\nEvent=exec library\nAction=allow\n"


class Storm:
    """Each process runs its own programs, one after the other, each once."""

    def __init__(self, m, name, count):
        os.makedirs(f"{FOLDER}/{name}")
        self.paths = [m.make_unknown(f"{FOLDER}/{name}/{n}", b"%s %d" % (name.encode(), n)) for n in range(count)]
        libraries = count // 2 if HOOKS else 0
        self.processes = []
        self.start(m, "map-bench", self.paths[:libraries])
        self.start(m, "exec-bench", self.paths[libraries:])

    def start(self, m, how, paths):
        for share in (paths[n::PROCESSES] for n in range(PROCESSES)):
            command = [f"{BUILD}/tests/bench/{how}", f"{m.cgroup}/cgroup.procs", str(len(share)), *share]
            if share:
                self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    def end(self):
        for p in self.processes:
            check(p.wait(timeout=600) == 0, "a program did not run")

    def is_over(self):
        return all(p.poll() is not None for p in self.processes)


def names(m, kind):
    return {e["path"] for e in m.events(kind)}


def judge(m, storm, what):
    """Measured by the gate before it ran, or seen by the programs in the kernel while there was no gate."""
    storm.end()
    eventually(lambda: not set(storm.paths) - names(m, "file") - names(m, "ungated"), f"{what}: the last of the programs in the log")
    status = m.status()
    check(status["LostCount"] == 0 and not m.events("lost"), f"{what}: events were lost: {m.events('lost')} {m.events('gap')}")
    check(status["State"] == "trusted", f"{what}: the state is {status['State']} {status['Reasons']}")
    ungated = len(set(storm.paths) & names(m, "ungated"))
    print(f"{what}: {len(storm.paths)} programs, {ungated} of them while there was no gate; {status['EventCount']} entries", flush=True)
    m.judge_snapshot()
    shutil.rmtree(os.path.dirname(storm.paths[0]))


def test_calm(m, count):
    judge(m, Storm(m, "calm", count), "a daemon that is there")
    check(not m.events("ungated"), "programs ran past the gate")


def test_stopped(m, count):
    """They wait for it."""
    storm = Storm(m, "stopped", count)
    m.daemon.send_signal(signal.SIGSTOP)
    time.sleep(PAUSE)
    check(not storm.is_over(), "nobody waited")
    m.daemon.send_signal(signal.SIGCONT)
    judge(m, storm, "stopped")
    check(not m.events("ungated"), "programs ran past the gate")


def test_killed(m, count):
    storm = Storm(m, "killed", count)
    m.kill()
    m.start()
    judge(m, storm, "killed")
    check(m.events("gap")[-1]["judging"] > 0, "nobody is said to have been there")


def test_replaced(m, count):
    """By a later version and back, once by a death and once by a restart."""
    storm = Storm(m, "later", count)
    m.kill()
    m.start(binary="sealwatchd-next")
    judge(m, storm, "replaced by a later version")
    check(all(os.path.basename(os.path.dirname(pin)).startswith("1000-") for pin in m.pins()) and m.pins(), f"pins: {m.pins()}")
    storm = Storm(m, "back", count)
    check(m.hand_over() == 0, "it did not end well")
    m.start()
    judge(m, storm, "replaced by an earlier version")
    check(m.events("gap")[-1]["judging"] > 0, "nobody is said to have been there")


def main(m):
    os.makedirs(FOLDER)
    lab.tool("mount", "-t", "tmpfs", "storm", FOLDER)
    shutil.copy(f"{BUILD}/daemon/sensor/sealwatch-canary", f"{ROOT}/small")
    m.make_unknown = make_small
    # What waits for a daemon that is stopped waits longer than the deadlines allow by themselves.
    m.config(Watch={"Hooks": "yes" if HOOKS else "no", "FileSystems": FOLDER, "RingSize": str(RING), "HashDeadlineSec": "40", "AnswerDeadlineSec": "44"},
             Registers={"ExtendDeadlineSec": "40"})
    with open(f"{ROOT}/etc/policy.d/test.policy", "w", encoding="ascii") as f:
        f.write(f"[Policy]\nMode=enforce\n{POLICY}")
    m.start()
    m.expect_state("trusted")
    check(not HOOKS or m.status()["Levels"]["library"] == "enforce (lsm)", "the hooks are not there")
    for test in (test_calm, test_stopped, test_killed, test_replaced):
        test(m, FILES // 5)


def make_small(path, extra):
    with open(f"{ROOT}/small", "rb") as f:
        program = f.read()
    with open(path, "wb") as f:
        f.write(program + extra)
    os.chmod(path, 0o755)
    return path


lab.run(main)
