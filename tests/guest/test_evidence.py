#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Evidence of a guest with a TPM of its own, a kernel that measures by itself, and hooks: the verifier confirms it, IMA's
own tool confirms the kernel's list in it, and hooks that somebody silenced are found out."""

import json
import os
import secrets
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
from lab import ROOT, check, eventually  # noqa: E402

PATH = f"{ROOT}/tmp/evidence.json"
UNPROTECTED = "[Rule self]\nEvent=self\nAction=allow\n"  # else the kernel refuses to silence the hooks


def verify(m):
    nonce = secrets.token_hex(32)
    m.ctl("evidence", "--nonce", nonce, "--output", PATH)
    p = subprocess.run([f"{lab.BUILD}/tools/verify/sealwatch-verify", "evidence", PATH, "--nonce", nonce, "--allow-simulated",
                        "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checks = json.loads(p.stdout)["checks"]
    return p.returncode, {c["name"]: c["result"] for c in checks}, [c for c in checks if c["result"] == "fail"]


def a_good_guest(m):
    result = json.loads(m.ctl("attest", "--json"))
    check(result["result"] == "passed", [c for c in result["checks"] if c["result"] != "pass"])
    code, checks, failed = verify(m)
    check(code == 0, failed)
    for name in ("proof-of-denial", "ima-list-replay", "quote-signature"):
        check(checks[name] == "pass", f"{name}: {checks[name]}")


def replayed(eventlog):
    """What tpm2_eventlog makes of the SHA-256 bank: register -> digest."""
    values, bank = {}, None
    for line in lab.tool("tpm2_eventlog", eventlog).split("\npcrs:\n")[1].splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        bank = bank if value else key
        if value and bank == "sha256":
            values[int(key)] = value.removeprefix("0x")
    return values


def parts(m):
    """Each tool that others have made sees the same quote, the same logs, the same certificates."""
    directory, nonce = f"{ROOT}/tmp/parts", secrets.token_hex(32)
    m.ctl("evidence", "--nonce", nonce, "--format=parts", "--output", directory)
    lab.tool("tpm2_checkquote", "-u", f"{directory}/ak.pub", "-m", f"{directory}/quote.attest", "-s", f"{directory}/quote.signature",
             "-f", f"{directory}/pcrs.serialized", "-q", nonce)
    for name in "ima-list", "measurements":
        lab.tool("evmctl", "ima_measurement", "--ignore-violations", "--pcrs", f"sha256,{directory}/pcrs.sha256", f"{directory}/{name}")
    with open(f"{directory}/evidence.json", encoding="utf-8") as f:
        quoted = json.load(f)["pcrs"]["sha256"]
    boot = {pcr: value for pcr, value in replayed(f"{directory}/firmware-log").items() if pcr < 8}
    check(boot and all(quoted[str(pcr)] == value for pcr, value in boot.items()), f"{boot}, {quoted}")
    lab.tool("openssl", "verify", "-no_check_time", "-CAfile", f"{directory}/ark.pem", "-untrusted", f"{directory}/ask.pem",
             f"{directory}/vcek.pem")


def silenced_hooks(m):
    with open("/proc/sys/kernel/ftrace_enabled", "w") as f:
        f.write("0")
    m.runs(f"{ROOT}/disk/good")
    m.expect_state("locked")
    code, checks, failed = verify(m)
    check(code == 1 and checks["guard-state"] == "fail", failed)


def main(m):
    m.software_tpm = False
    m.tcti = "device:/dev/tpmrm0"
    m.policy(extra=UNPROTECTED)
    m.config(Attestation={"Provider": "simulator"}, Watch={"Hooks": "yes"})
    m.start()
    eventually(lambda: any(e["result"] == "passed" for e in m.events("attest")), "a round that passes")
    a_good_guest(m)
    parts(m)
    silenced_hooks(m)


lab.run(main)
