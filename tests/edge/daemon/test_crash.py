#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of the real daemon at every named step, and at random during an exec storm; the software TPM killed as well.
After every restart the log replays to the register or a violation names why, and nothing is recorded twice."""

import collections
import os
import random
import subprocess
import time

import lab
from lab import BUILD, ROOT, check, eventually

STEPS = {
    # what makes the daemon come by the step
    "record:before-pending": "known",
    "record:after-pending": "known",
    "record:before-commit": "known",
    "record:after-commit": "known",
    "extend:before-submit": "known",
    "extend:after-submit": "known",
    "extend:before-ack": "known",
    "extend:after-ack": "known",
    "release:before-answer": "known",
    "release:after-answer": "known",
    "secret:before-release": "release",
    "secret:after-release": "release",
    "secret:before-harvest": "start",
    "secret:after-harvest": "start",
    "lock:before-wipe": "lock",
    "lock:after-wipe": "lock",
    "lock:before-poison": "lock",
    "lock:after-poison": "lock",
}
RANDOM_KILLS = int(os.environ.get("LAB_RANDOM_KILLS", "50"))
TPM_KILLS = int(os.environ.get("LAB_TPM_KILLS", "5"))


def consistent(m, what):
    """The judges on what is on disk, with the daemon running again."""
    m.judge_snapshot()
    events = m.events()
    files = collections.Counter((generation, e["path"], e.get("digest")) for generation, e in with_generation(events)
                                if e["kind"] == "file")
    doubles = [k for k, n in files.items() if n > 1]
    check(not doubles, f"{what}: recorded twice: {doubles}")
    check([e["seq"] for e in events] == list(range(len(events))), f"{what}: the numbers have a hole")
    check(events[0]["kind"] == "boot", f"{what}: the log does not start with the boot record")


def with_generation(events):
    generation = 0
    for e in events:
        if e["kind"] == "policy":
            generation = e["generation"]
        yield generation, e


def provoke(m, how, n):
    path = f"{ROOT}/disk/known-{n}"
    if how == "known":
        m.watched(path)
    elif how == "release":
        m.ctl("release", "s", code=None)
    elif how == "lock":
        m.ctl("lock", code=None)


def at_every_step(m):
    for n, (step, how) in enumerate(STEPS.items()):
        m.power_cycle()
        if how != "known":
            m.start(kill_at=step, wait=False)
        else:  # the step is passed at start as well: die at it later
            m.start()
            check(m.stop() == 0, f"{step}: the stop was not clean")
            m.start(kill_at=f"{step}#{passes_at_restart(step)}", wait=False)
        eventually(lambda: m.ended() or m.state() in ("trusted", "degraded"), f"{step}: the start")
        if not m.ended():
            provoke(m, how, n)
        eventually(m.ended, f"{step}: the death")
        m.wait()
        m.start()
        expected = ("locked",) if how == "lock" and step != "lock:never" else ("trusted", "degraded")
        m.expect_state(expected[0]) if len(expected) == 1 else eventually(lambda: m.state() in expected, f"{step}: the state")
        consistent(m, step)
        gap = m.events("gap")[-1]
        check(gap["clean"] is False, f"{step}: an unclean death is called clean")
        if how == "start":
            check(not m.root_unseals(f"{ROOT}/state/secrets/s.sealed"), f"{step}: root could unseal afterwards")
        if how == "lock":
            check(m.pcr(7) == m.pcr(11) != "00" * 32, f"{step}: the registers are not poisoned")
        print(f"{step}: {m.state()}")


def passes_at_restart(step):
    """How often a restart passes the step before anything is provoked, plus one: start, gap and state are three entries,
    known programs a fourth."""
    if step.startswith(("record:before-pending", "record:after-pending")):
        return 4
    if step.startswith(("record:", "extend:")):
        return 4
    return 1


class Storm:
    """Programs that run all the time in the watched cgroup: a small set of known ones, over and over."""

    def __init__(self, m, programs):
        command = [f"{BUILD}/tests/bench/exec-bench", f"{m.cgroup}/cgroup.procs", "100000000"]
        self.processes = [subprocess.Popen(command + random.sample(programs, len(programs))) for _ in range(3)]

    def end(self):
        for p in self.processes:
            check(p.poll() is None, "a program of the storm was denied")
            p.kill()
            p.wait()


def at_random(m):
    seed = int(os.environ.get("LAB_SEED", time.time_ns() % 1000000))
    print(f"seed {seed}")
    random.seed(seed)
    m.power_cycle()
    m.start()
    storm = Storm(m, [f"{ROOT}/disk/known-{n}" for n in range(40)])
    for n in range(RANDOM_KILLS):
        time.sleep(random.random() * 0.1)
        m.kill()
        m.start()
        # programs that ran while nobody watched, or were on their way, are not held against anybody
        check(m.state() in ("trusted", "degraded"), f"kill {n}: the state is {m.state()}")
    storm.end()
    consistent(m, "random kills")
    gaps = [e for e in m.events("gap") if not e["clean"]]
    check(len(gaps) == RANDOM_KILLS, f"{len(gaps)} gaps for {RANDOM_KILLS} deaths")


def with_the_tpm(m):
    for n in range(TPM_KILLS):
        m.power_cycle()
        m.start()
        m.kill_tpm()
        m.make_unknown(f"{ROOT}/disk/new-{n}")
        m.watched(f"{ROOT}/disk/new-{n}")  # something to measure: the loss is noticed
        m.expect_state("locked")
        check(m.ctl("release", "s", code=1), "a secret was released without a TPM")
        m.kill()
        m.start()  # with a new software TPM: its reset is noticed, and named
        m.expect_state("locked")
        m.expect_event("tamper", what="tpm-reset")
        check(not m.root_unseals(f"{ROOT}/state/secrets/s.sealed"), "root could unseal after the TPM was reset")
        consistent(m, f"TPM kill {n}")


def main(m):
    for n in range(40):
        m.make_unknown(f"{ROOT}/disk/known-{n}", f"{n}".encode())
    m.learn()
    check(os.path.exists(f"{BUILD}/daemon/sealwatchd-steps"), "the build with steps in it is missing")
    m.start()
    m.ctl("seal", "s", stdin=b"secret")
    at_every_step(m)
    at_random(m)
    with_the_tpm(m)


lab.run(main)
