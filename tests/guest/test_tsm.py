#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Evidence from the kernel's own TSM reports (configfs-tsm), made by a module of ours with the simulator's processor behind
it; what the guest gathered is judged here. test_tsm.py KERNEL"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE, BUILD = os.environ["SEALWATCH_SOURCE"], os.environ["SEALWATCH_BUILD"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon"]
import module  # noqa: E402
from lab import check  # noqa: E402
from process import skipping  # noqa: E402

TOOLS = f"{BUILD}/tests/guest"
NONCE = b"0123456789abcdef"  # of tests/edge/attest/rig.h
SIM_TIME = 1767225600  # when what is simulated is valid
HOLD = ["evidence-nonce", "hardware", "signature", "chain", "chip-id", "reported-tcb", "report-data", "ak-binding", "ak-attributes",
        "ak-name", "quote-signature", "quote-nonce", "quote-selection", "pcr-digest"]
NO_LOGS = {"event-log-structure", "event-log-replay", "firmware-log", "ima-list", "boot-record", "guard-state", "mode", "proof-of-denial"}


def guest(series, directory, script):
    return subprocess.run([sys.executable, f"{SOURCE}/tests/guest/run", "--kernel", series, "--timeout", "240", "--results", directory,
                           "--", "sh", "-ec", script], check=False).returncode


def judge(directory):
    """All that is of hardware and TPM holds. Of the daemon's logs there are none here, and nothing else is wrong."""
    done = subprocess.run([f"{BUILD}/tools/verify/sealwatch-verify", "evidence", f"{directory}/evidence.json", "--nonce", NONCE.hex(),
                           "--allow-simulated", "--at", str(SIM_TIME), "--json"], stdout=subprocess.PIPE, text=True, check=False)
    checks = {c["name"]: c["result"] for c in json.loads(done.stdout)["checks"]}
    for name in HOLD:
        check(checks.get(name) == "pass", f"{name}: {checks.get(name)}")
    failed = {name for name, result in checks.items() if result == "fail"}
    check(failed <= NO_LOGS, f"also failed: {failed - NO_LOGS}")


def main(series):
    with tempfile.TemporaryDirectory() as directory:
        if series == "6.1":  # the interface came with 6.7
            script = f"! test -e /sys/kernel/config/tsm; exec {TOOLS}/tsm-client {directory}"
            check(guest(series, directory, script) == 0, "it is not said that the interface is missing")
            print("SKIP: Linux 6.1 has no configfs-tsm, and the attester says so")
            return 77
        subprocess.run([f"{TOOLS}/tsm-server", "prepare", directory], check=True)
        with skipping():
            ko = module.build(series, f"{SOURCE}/tests/guest/tsm/tsm_double.c")
        script = f"insmod {ko}; {TOOLS}/tsm-server serve {directory} & until test -e /dev/tsm-double; do sleep 0.1; done; " \
                 f"{TOOLS}/tsm-client {directory}; kill $!; exit 0"
        status = guest(series, directory, script)
        if status != 0:
            return status
        judge(directory)
        return 0


sys.exit(main(sys.argv[1]))
