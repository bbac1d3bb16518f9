#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""evmctl and sealwatch-verify on the same large logs, of every kind of record: both accept them, in every bank that evmctl
knows, and neither accepts them for another value of the register."""

import json
import os
import struct
import subprocess
import sys
import tempfile

WRITE_LOG, VERIFY = map(os.path.abspath, sys.argv[1:])
RECORDS = 10000
BANKS = ["sha1", "sha256", "sha384", "sha512"]
EVMCTL_BANKS = ["sha1", "sha256"]  # of others it says that it cannot read any PCR, and is content
DATA_MAX = 4096  # evmctl 1.5 refuses template data above it


def records(log):
    """(template name, template data) of each record, read with none of the project's code."""
    with open(log, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        name_size = struct.unpack_from("<I", data, at + 24)[0]
        name = data[at + 28:at + 28 + name_size]
        size = struct.unpack_from("<I", data, at + 28 + name_size)[0]
        at += 32 + name_size
        yield name.decode(), data[at:at + size]
        at += size


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def check_shape(log, least):
    """The log is what it is meant to be: large, mixed, and at the limit."""
    sizes, batches, files, events = [], 0, 0, set()
    for template, data in records(log):
        sizes.append(len(data))
        name = data[48:].split(b"\0")[0].decode() if template == "ima-buf" else ""
        batches += name == "sealwatch:batch"
        files += template == "ima-ng"
        events.add(name)
    check(len(sizes) >= least, f"{len(sizes)} records are too few")
    check(max(sizes) == DATA_MAX, f"the largest template data is of {max(sizes)} bytes")
    check(batches > 1000 and files > 1000 and len(events) > 20, "the log is not mixed")


def evmctl(log, bank, pcrs, *options):
    return subprocess.run(["evmctl", "ima_measurement", *options, "--pcrs", f"{bank},{pcrs}", log], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def verify(log, bank, pcrs):
    done = subprocess.run([VERIFY, "log", log, "--pcrs", f"{bank}:{pcrs}", "--json"], stdout=subprocess.PIPE, text=True,
                          check=False)
    return done.returncode, json.loads(done.stdout)["result"]


def change(pcrs):
    """The same file with one bit of PCR 13 changed."""
    with open(pcrs, encoding="ascii") as f:
        lines = f.read().splitlines()
    lines[13] = lines[13][:-1] + f"{int(lines[13][-1], 16) ^ 1:x}"
    with open("changed", "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    return "changed"


def judge_by_evmctl(bank, *options):
    done = evmctl("log", bank, f"pcrs.{bank}", *options)
    check(done.returncode == 0 and "Matched per TPM bank" in done.stdout, f"evmctl {bank}: {done.stdout}")
    check(evmctl("log", bank, change(f"pcrs.{bank}"), *options).returncode != 0, f"evmctl accepts another value ({bank})")


def judge(bank):
    check(verify("log", bank, f"pcrs.{bank}") == (0, "pass"), f"sealwatch-verify {bank}")
    check(verify("log", bank, change(f"pcrs.{bank}"))[0] == 1, f"sealwatch-verify accepts another value ({bank})")


def main():
    version = subprocess.run(["evmctl", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        # evmctl extends what IMA does for a violation only when it is told to ignore violations.
        for kind, options in (["plain"], []), ([], ["--ignore-violations"]):
            subprocess.run([WRITE_LOG, ".", str(2 * RECORDS if kind else RECORDS), "1", *kind], check=True)
            check_shape("log", RECORDS)
            for bank in BANKS:
                judge(bank)
            for bank in EVMCTL_BANKS:
                judge_by_evmctl(bank, *options)
        os.chdir("/")
    print(f"{version}: agreed")


main()
