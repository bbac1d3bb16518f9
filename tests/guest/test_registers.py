#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's own measurement list on a TPM of its own: followed while it grows, judged by the policy, and found out when its
register is extended behind it."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
from lab import ROOT, check, eventually  # noqa: E402

LIST = "/sys/kernel/security/ima/binary_runtime_measurements"
RULE = f"[Rule seen]\nEvent=ima\nPath={ROOT}/disk/measured-*\nAction=alert\nSeverity=error\n"


def list_size():
    with open(LIST, "rb") as f:
        return len(f.read())


def told(m):
    return {e["target"] for e in m.events("activity") if e["rule"] == "seen" and e["severity"] == "error"}


def follows(m):
    """As it grows, list and register go on to fit; only what a rule is about is told."""
    before = list_size()
    for i in range(20):
        m.make_unknown(f"{ROOT}/disk/measured-{i}")
        with open(f"{ROOT}/disk/measured-{i}", "rb") as f:
            f.read()
    m.runs(f"{ROOT}/disk/good")
    check(list_size() > before, "IMA measures nothing here")
    eventually(lambda: told(m) >= {f"{ROOT}/disk/measured-{i}" for i in range(20)}, "all entries being told of")
    check({e["rule"] for e in m.events("activity") if e["event"] == "ima"} == {"seen"}, "told of what no rule is about")
    check(m.events("tamper") == [], f"{m.events('tamper')}")
    m.expect_state("trusted")


def forged(m):
    m.tpm2("tpm2_pcrextend", f"10:sha256={'11' * 32}")
    m.runs(f"{ROOT}/disk/good")
    m.expect_state("locked")
    m.expect_event("tamper", what="ima-list", verdict="lock")
    check(m.status()["Levels"]["ima"].startswith("off (PCR 10"), f"{m.status()['Levels']['ima']}")


def main(m):
    m.software_tpm = False
    m.tcti = "device:/dev/tpmrm0"
    m.policy(extra=RULE)
    m.start()
    m.expect_state("trusted")
    check(m.status()["Levels"]["ima"] == "observe", f"{m.status()['Levels']['ima']}")
    follows(m)
    forged(m)


lab.run(main)
