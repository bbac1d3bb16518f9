#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registers that somebody extends behind the daemon's back while it runs: found without being asked."""

import lab
from lab import ROOT, check, eventually


def extend(m, pcr, times=1):
    for _ in range(times):
        m.tpm2("tpm2_pcrextend", f"{pcr}:sha1={'11' * 20},sha256={'22' * 32}")
    m.runs(f"{ROOT}/disk/good")  # something happens: soon afterwards it looks


def fresh(m, mode="enforce"):
    if m.daemon:
        m.kill()
        m.power_cycle()
    m.policy(mode)
    m.start()
    m.expect_state("trusted")


def levels(m):
    fresh(m)
    found = m.status()["Levels"]
    check(found["pcr"] == "observe", f"{found}")
    check(found["ima"] == "off (the kernel measures into another TPM)", f"{found}")


def one_that_the_system_goes_on_to_extend(m):
    """Nobody explains it: people are told, and nothing else."""
    extend(m, 11)
    event = m.expect_event("activity", event="pcr", target="11", verdict="alert", severity="notice")
    check(event["rule"] == "default" and "pid" not in event and "uid" not in event, f"{event}")
    eventually(lambda: m.said("alert: pcr of 11 by rule default | kind=activity"), "an alert that names nobody")
    extend(m, 15)
    m.expect_event("activity", event="pcr", target="15")
    m.expect_state("trusted")
    check(len([e for e in m.events("activity") if e["event"] == "pcr"]) == 2, "told more than once")


def one_of_the_boot(m):
    fresh(m)
    extend(m, 4)
    m.expect_state("locked")
    event = m.expect_event("tamper", what="pcr-changed", verdict="lock")
    check(event["detail"].endswith(": 4"), f"{event}")


def our_own(m):
    fresh(m)
    extend(m, 13)
    m.expect_state("locked")
    m.expect_event("tamper", what="foreign-extend")


def the_cap(m):
    fresh(m)
    extend(m, 12)
    m.expect_state("locked")
    m.expect_event("tamper", what="pcr-changed", detail="of registers that nobody extends after boot: 12")


def in_observe(m):
    fresh(m, "observe")
    extend(m, 7)
    m.expect_event("tamper", what="pcr-changed", verdict="would-lock")
    m.expect_state("degraded")


def while_no_daemon_ran(m):
    """The boot record knows what it was."""
    fresh(m)
    m.stop()
    m.tpm2("tpm2_pcrextend", f"0:sha256={'22' * 32}")
    m.start()
    eventually(lambda: m.state() == "locked", "the lock")
    m.expect_event("tamper", what="pcr-changed", verdict="lock")


def main(m):
    for row in (levels, one_that_the_system_goes_on_to_extend, one_of_the_boot, our_own, the_cap, in_observe, while_no_daemon_ran):
        row(m)
        print(f"{row.__name__}: ok", flush=True)


lab.run(main)
