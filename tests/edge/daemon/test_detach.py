#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatchctl detach: a record first, then nothing is left in the kernel but the gate; and what is left of a dead daemon."""

import glob
import signal
import subprocess

import lab
from lab import ROOT, check, eventually

LEFT = f"{ROOT}/bpf/sealwatch"


def test_asked(m):
    check(m.pins(), "nothing is pinned")
    m.ctl("detach", code=2)
    m.ctl("detach", "--reason", "upgrade", "--force", "--bpf-dir", LEFT, code=1)  # it runs, and has to do it itself
    check(m.pins(), "pins are gone although the daemon was not asked")
    m.ctl("detach", "--reason", "upgrade")
    check(not glob.glob(f"{LEFT}/*"), f"pins are left: {glob.glob(f'{LEFT}/*')}")
    e = m.expect_event("detach")
    check(e["reason"] == "upgrade" and e["uid"] == 0, f"the record: {e}")
    check(m.status()["Levels"]["ungated"] == "off (detached)", f"the level: {m.status()['Levels']}")
    m.expect_state("degraded")
    level = m.expect_event("level", event="ungated", to="off")
    check(level["boottime"] >= e["boottime"], "the record came after the fact")
    check(not m.runs(f"{ROOT}/disk/unknown") and m.runs(f"{ROOT}/disk/good"), "the gate does not work any more")
    m.ctl("detach", "--reason", "again")
    m.ctl("reload")
    m.judge_snapshot()


def test_next_start(m):
    """It attaches again, and what was asked for is no tampering."""
    check(m.stop() == 0, "it did not end well")
    m.start()
    m.expect_state("trusted")
    check(m.pins(), "nothing is pinned")
    check(m.status()["Levels"]["ungated"].startswith("observe"), "nothing is seen")
    check(m.events("gap")[-1]["judging"] == 0, "somebody is said to have judged")


def stands_still(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


def test_last_words(m):
    """What the programs have told, and nobody has read when their end is due, is not lost with them."""
    check(m.stop() == 0, "it did not end well")
    m.start(stop_at="detach:before-end")
    m.expect_state("trusted")
    asking = subprocess.Popen(m.asking("detach", "--reason", "upgrade"))
    eventually(lambda: stands_still(m.daemon.pid), "the step")
    for n in range(20):
        lab.shutil.copy(f"{ROOT}/disk/good", f"{ROOT}/last-{n}")
        check(m.watched(f"{ROOT}/last-{n}").returncode == 11, "a program did not run")
    m.daemon.send_signal(signal.SIGCONT)
    check(asking.wait() == 0, "who asked was not answered")
    check(not glob.glob(f"{LEFT}/*"), "pins are left")
    m.expect_state("locked")  # for what they told
    for n in range(20):
        m.expect_event("ungated", path=f"{ROOT}/last-{n}")
    m.judge_snapshot()
    m.power_cycle()
    m.start()


def test_nobody_there(m):
    m.kill()
    check(m.pins(), "the pins went with the daemon")
    m.ctl("detach", "--reason", "cleaning up", code=3)
    check(m.pins(), "pins were removed without a word")
    m.ctl("detach", "--reason", "cleaning up", "--force", "--bpf-dir", LEFT)
    check(not glob.glob(f"{LEFT}/*"), "pins are left")
    m.start()
    m.expect_state("trusted")
    gap = m.events("gap")[-1]
    check(gap["clean"] is False and gap["judging"] == 0, f"the gap: {gap}")


def test_stop_behind_a_death(m):
    """What a dead daemon's programs could not tell is told when the next one ends them, and that may be when it ends itself."""
    m.power_cycle()
    m.start()
    m.expect_state("trusted")
    m.kill()
    in_scope = f'echo $$ >"{m.cgroup}/cgroup.procs"; for n in $(seq 6000); do /bin/true; done'
    lab.tool("sh", "-c", in_scope)
    m.start()
    check(m.events("gap")[-1]["lost"] > 0, f"nothing was lost, so the test proves nothing: {m.events('gap')[-1]}")
    check(m.stop() == 0, "it did not end well")
    m.start()
    check(any(e["count"] > 0 for e in m.events("lost")), "the loss is in no record")
    m.judge_snapshot()


def test_hooks(m):
    """A kernel that takes none of the hooks that were asked for is noticed at the first start; unless nobody relies on them."""
    def first_start(**watch):
        m.power_cycle()
        m.config(Watch=watch)
        m.start()
        return m.status()

    status = first_start(Hooks="yes")
    came = status["Levels"]["library"].split()[0] != "off"
    check(status["State"] == ("trusted" if came else "degraded"), f"the state with hooks {status['Levels']}: {status['State']}")
    check(status["Reasons"] == ([] if came else ["level"]), f"the reasons: {status['Reasons']}")
    status = first_start(Hooks="yes", RequireLevels="library:off")
    check(status["State"] == "trusted", f"the state where nobody relies on them: {status['State']} {status['Reasons']}")


def main(m):
    m.make_unknown(f"{ROOT}/disk/unknown")
    m.start()
    m.expect_state("trusted")
    for test in (test_asked, test_next_start, test_last_words, test_nobody_there, test_stop_behind_a_death, test_hooks):
        test(m)
        print(f"{test.__name__}: ok")


lab.run(main)
