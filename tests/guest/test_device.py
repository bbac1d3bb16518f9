#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon on a TPM that the kernel drives and that firmware has used: it finds it by itself, denies, seals, caps, locks,
and what the registers hold agrees with the log."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
from lab import ROOT, check  # noqa: E402
from test_loop import allowed_and_denied, poison_is_the_lock_record, registers, restart_keeps_the_secret_closed  # noqa: E402


def sealed(m):
    m.ctl("seal", "launch-code", stdin=b"0000\n")
    check(m.ctl("release", "launch-code") == "0000\n", "the secret came out different")
    blob = f"{ROOT}/state/secrets/launch-code.sealed"
    check(not m.root_unseals(blob), "root could unseal after the cap")
    return blob


def locked(m, blob):
    before = registers(m)
    check(any(before[7]), "firmware left register 7 alone")
    m.watched(f"{ROOT}/disk/attack", "memfd", f"{ROOT}/unknown")
    m.expect_event("ungated", privileged=True, verdict="lock")
    m.expect_state("locked")
    check(not m.root_unseals(blob), "root could unseal from a locked machine")
    steps = m.expect_event("locked")["steps"]
    check(steps["wipe"].startswith("done") and steps["poison"].startswith("done"), f"{steps}")
    poison_is_the_lock_record(m, before)


def judged(m):
    """By registers that the daemon did not read."""
    m.judge_snapshot()
    m.judge_log(f"{ROOT}/run/sealwatch/measurements", m.write_pcrs(f"{ROOT}/tmp/pcrs"))


def main(m):
    m.software_tpm = False
    m.tcti = "device:/dev/tpmrm0"
    m.start()
    m.expect_state("trusted")
    check(m.status()["Tainted"] == [], f"tainted: {m.status()['Tainted']}")
    allowed_and_denied(m)
    blob = sealed(m)
    restart_keeps_the_secret_closed(m, blob)
    locked(m, blob)
    judged(m)
    m.kill()
    m.start()
    m.expect_state("locked")
    judged(m)


lab.run(main)
