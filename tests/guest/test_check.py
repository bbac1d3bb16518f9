#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that is only asked about (execveat(2), AT_EXECVE_CHECK, Linux 6.14) gets the verdict that it would get if it ran, and is told
as what it is. Runs in the guest: test_check.py lsm|fmod_ret."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
import results  # noqa: E402
from lab import ROOT, check, eventually  # noqa: E402

DISK = f"{ROOT}/disk"
MAY, MAY_NOT = 0, 1
RUNG = sys.argv[1]


def expect(m, code, path):
    p = m.watched(f"{DISK}/attack", "check", path)
    check(p.returncode == code, f"{path}: {p.returncode}, not {code}: {p.stdout}")
    check("one runs" not in p.stdout.lower(), f"{path} was executed")


def test_at_the_gate(m):
    """The kernel tells the gate of an opening for execution, and not what it is for: it is held, judged and measured."""
    m.make_unknown(f"{DISK}/evil")
    expect(m, MAY, f"{DISK}/good")
    eventually(lambda: [e for e in m.events("file") if e["path"] == f"{DISK}/good"], "the measurement")
    expect(m, MAY_NOT, f"{DISK}/evil")
    m.expect_event("exec", path=f"{DISK}/evil", verdict="deny")


def test_past_the_gate(m):
    expect(m, MAY_NOT, f"{ROOT}/unknown")
    e = m.expect_event("exec", path=f"{ROOT}/unknown", verdict="deny")
    check(e.get("check") is True, f"the record does not say that nothing ran: {e}")
    shutil.copy(f"{DISK}/good", f"{ROOT}/elsewhere")
    expect(m, MAY if RUNG == "lsm" else MAY_NOT, f"{ROOT}/elsewhere")  # else nobody has hashed it


def test_observe(m):
    m.policy("observe")
    m.ctl("reload")
    m.make_unknown(f"{ROOT}/other")
    expect(m, MAY, f"{ROOT}/other")
    e = m.expect_event("exec", path=f"{ROOT}/other", verdict="would-deny")
    check(e.get("check") is True, f"the record does not say that nothing ran: {e}")


def main(m):
    levels = m.watch_with_hooks()
    check(levels["exec"].startswith(f"enforce ({RUNG}"), f"exec: {levels['exec']}")
    test_at_the_gate(m)
    test_past_the_gate(m)
    results.show(RUNG, levels, "exec", "AT_EXECVE_CHECK", "security_bprm_creds_for_exec", "denied")
    check(m.state() == "trusted", f"the state is {m.state()}")
    test_observe(m)
    check(not m.events("ungated"), f"what was only asked about counts as executed: {m.events('ungated')}")


lab.run(main)
