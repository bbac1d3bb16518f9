#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""OnDeath=lock with the shipped unit: a death locks, whether or not another daemon follows; what systemd is asked for does
not. test_death.py SUITE"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import machine  # noqa: E402
from machine import check, eventually  # noqa: E402

UNIT = "sealwatchd.service"
SECRET = "open sesame"
ZERO = "00" * 32
LAST_ONE = "/run/systemd/system/sealwatchd.service.d/last-one.conf"


def test_what_is_asked_for(m):
    m.await_state("trusted")
    m.run("sealwatchctl", "seal", "token", stdin=SECRET)
    for words in (["reload", UNIT], ["restart", UNIT], ["kill", "--signal=SIGUSR2", UNIT], ["stop", UNIT], ["start", UNIT]):
        pid = m.show("MainPID")
        m.run("systemctl", *words)
        if words[0] == "kill":
            eventually(lambda before=pid: m.show("MainPID") not in ("0", before), "the next daemon")
        if words[0] != "stop":
            m.await_state("trusted")
        check(m.pcrs()[7] == ZERO, f"{words[0]} locked")
    check(m.show("Result") == "success", f"the unit's result: {m.show('Result')}")


def test_death(m):
    """The one that dies is the last one: nothing but sealwatch-lock runs after it."""
    m.run("sh", "-c", f"mkdir -p {os.path.dirname(LAST_ONE)}; printf '[Service]\\nRestart=no\\n' >{LAST_ONE}; systemctl daemon-reload")
    cap = m.pcrs()[12]
    m.run("kill", "-KILL", m.show("MainPID"))
    eventually(lambda: m.show("ActiveState") == "failed", "the unit's end")
    registers = m.pcrs()
    check(registers[7] == registers[11] != ZERO, f"what is sealed to PCR 7 or 11 still opens: {registers}")
    check(registers[12] == cap != ZERO, "the cap changed")
    eventually(lambda: m.journal(f"--unit={UNIT}", "SEALWATCH_KIND=died"), "its words in the journal")
    said = m.journal(f"--unit={UNIT}", "SEALWATCH_KIND=died")
    check(len(said) == 1 and said[0]["PRIORITY"] == "2" and "died" in said[0]["MESSAGE"], f"what the journal has of it: {said}")
    m.run("journalctl", "--update-catalog")
    explained = m.run("journalctl", "--catalog", "--no-pager", f"--unit={UNIT}", "SEALWATCH_KIND=died")
    check("OnDeath=lock" in explained and "Only a reboot" in explained, f"no text of the catalog: {explained}")


def test_the_next_one_knows(m):
    before = m.pcrs()[7]
    m.run("rm", LAST_ONE)
    m.run("systemctl", "daemon-reload")
    m.run("systemctl", "start", UNIT)
    m.await_state("locked")
    check(m.pcrs()[7] == before, "PCR 7 was extended once more")
    check(m.events("lock")[-1]["reason"] == "death", f"the lock: {m.events('lock')}")
    check(m.process("sealwatchctl", "release", "token").returncode != 0, "a locked guard handed a secret out")
    m.shut_down_and_judge()


machine.main(lambda: machine.run_tests({"/etc/sealwatch/sealwatchd.conf.d/death.conf": "[Daemon]\nOnDeath=lock\n"},
                                       [test_what_is_asked_for, test_death, test_the_next_one_knows]))
