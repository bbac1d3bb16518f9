#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-verify firmware-log and ima-log on simulated logs: tpm2_eventlog and evmctl come to the same register values, the
verifier accepts these and no others, and large logs do not become large memory."""

import glob
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

WRITE, VERIFY = map(os.path.abspath, sys.argv[1:])
RESIDENT_MAX = 64 * 1024  # kB
LARGE = 160 * 1024 * 1024


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def verify(verb, log, *options):
    """(exit code, {check: result})"""
    done = subprocess.run([VERIFY, verb, log, *options, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, {c["name"]: c["result"] for c in json.loads(done.stdout)["checks"]}


def write_pcrs(bank, values, path):
    size = hashlib.new(bank).digest_size
    with open(path, "w", encoding="ascii") as f:
        for pcr in range(24):
            f.write(f"PCR-{pcr:02}: {values.get(pcr, bytes(size)).hex()}\n")
    return f"{bank}:{path}"


def changed(values, pcr):
    return {**values, pcr: bytes([values[pcr][0] ^ 1]) + values[pcr][1:]}


def eventlog(log):
    """What tpm2_eventlog replays: {bank: {PCR: value}}."""
    out = subprocess.run(["tpm2_eventlog", log], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    out = out.decode("latin-1")
    banks, bank = {}, None
    for line in out[out.rindex("\npcrs:\n") + 7:].splitlines():
        key, _, value = line.partition(":")
        if value:
            banks[bank][int(key)] = bytes.fromhex(value.strip().removeprefix("0x"))
        elif key.strip():
            bank = key.strip()
            banks[bank] = {}
    return banks


def first_register(log):
    """PCR 0 in every bank. tpm2_eventlog 5.4 does not know the startup locality, and extends what extends nothing."""
    with open(log, "rb") as f:
        data = f.read()
    sizes = {4: "sha1", 11: "sha256", 12: "sha384", 13: "sha512"}
    values, at = {}, 32 + struct.unpack_from("<I", data, 28)[0]
    while at < len(data):
        pcr, event, n = struct.unpack_from("<III", data, at)
        at, digests = at + 12, {}
        for _ in range(n):
            bank = sizes[struct.unpack_from("<H", data, at)[0]]
            size = hashlib.new(bank).digest_size
            digests[bank] = data[at + 2:at + 2 + size]
            at += 2 + size
        size = struct.unpack_from("<I", data, at)[0]
        body = data[at + 4:at + 4 + size]
        at += 4 + size
        for bank, digest in digests.items():
            start = values.setdefault(bank, bytes(len(digest)))
            if event == 3 and body.startswith(b"StartupLocality\0"):
                values[bank] = start[:-1] + body[16:]
            elif event != 3 and pcr == 0:
                values[bank] = hashlib.new(bank, start + digest).digest()
    return values


def judge_firmware(log):
    banks = eventlog(log)
    for bank, value in first_register(log).items():
        banks[bank][0] = value
    check(banks, f"tpm2_eventlog found no bank in {log}")
    every = []
    for bank, values in banks.items():
        option = write_pcrs(bank, values, f"pcrs.{bank}")
        every += ["--pcrs", option]
        code, checks = verify("firmware-log", log, "--pcrs", option)
        check((code, checks["log-replay"], checks["event-data"]) == (0, "pass", "pass"), f"{log} {bank}: {checks}")
        for pcr in values:
            code, checks = verify("firmware-log", log, "--pcrs", write_pcrs(bank, changed(values, pcr), "changed"))
            check((code, checks["log-replay"]) == (1, "fail"), f"{log} {bank}: accepts another value of PCR {pcr}")
    check(verify("firmware-log", log, *every)[0] == 0, f"{log}: all banks together")
    check(verify("firmware-log", log)[1]["log-replay"] == "na", f"{log}: nothing to compare with")


def entries(log):
    """(template digest, template, data) of each entry, read with none of the project's code."""
    with open(log, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        digest, size = data[at + 4:at + 24], struct.unpack_from("<I", data, at + 24)[0]
        name = data[at + 28:at + 28 + size].decode()
        at += 28 + size
        if name == "ima":
            size = 24 + struct.unpack_from("<I", data, at + 20)[0]
        else:
            size = struct.unpack_from("<I", data, at)[0]
            at += 4
        yield digest, name, data[at:at + size]
        at += size


def hashed(name, data):
    return data[:20] + data[24:].ljust(256, b"\0") if name == "ima" else data


def replay(log, bank, padded=False):
    size = hashlib.new(bank).digest_size
    value = bytes(size)
    for digest, name, data in entries(log):
        extended = hashlib.new(bank, hashed(name, data)).digest()
        if padded:
            extended = digest.ljust(size, b"\0")
        if digest == bytes(20):
            extended = b"\xff" * size
        value = hashlib.new(bank, value + extended).digest()
    return {10: value}


def evmctl(log, bank, path):
    return subprocess.run(["evmctl", "ima_measurement", *(["--ignore-violations"] if "violations" in log else []), "--pcrs",
                           f"{bank},{path}", log], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def judge_list(log):
    for bank in ("sha1", "sha256", "sha384", "sha512"):
        value = replay(log, bank)
        for good, values in ((True, value), (False, changed(value, 10))):
            option = write_pcrs(bank, values, f"pcrs.{bank}")
            for form in (log, log.removesuffix("bin") + "txt"):
                code, checks = verify("ima-log", form, "--pcrs", option)
                check((code == 0) == good and (checks["log-replay"] == "pass") == good, f"{form} {bank} {good}: {checks}")
            if bank in ("sha1", "sha256"):  # evmctl reads no others, and is content
                done = evmctl(log, bank, f"pcrs.{bank}")
                check((done.returncode == 0) == good, f"evmctl, {log} {bank} {good}: {done.stdout}")


def judge_padded(log):
    option = write_pcrs("sha256", replay(log, "sha256", padded=True), "pcrs.sha256")
    done = evmctl(log, "sha256", "pcrs.sha256")
    check(done.returncode == 0 and "padded" in done.stdout, f"evmctl, padded: {done.stdout}")
    check(verify("ima-log", log, "--pcrs", option)[1]["log-replay"] == "fail", "SHA-1 passes for SHA-256")
    with open("padded", "w", encoding="ascii") as f:
        f.write("[Log]\nAllowPaddedSha1=yes\n")
    check(verify("ima-log", log, "--pcrs", option, "--policy", "padded")[1]["log-replay"] == "pass", "not what the policy allows")
    with open(log, "rb") as f: # a pipe cannot be read twice
        done = subprocess.run([VERIFY, "ima-log", "-", "--pcrs", option, "--policy", "padded"], input=f.read(), check=False,
                              capture_output=True)
    check(done.returncode == 2 and b"must be a file" in done.stderr, f"padded, from a pipe: {done}")


def resident(verb, what, *writer):
    """The most that the verifier has in memory while it reads a large log from a pipe, in kB."""
    with subprocess.Popen(writer, stdout=subprocess.PIPE) as source, \
            subprocess.Popen([VERIFY, verb, "-", "--json"], stdin=source.stdout, stdout=subprocess.PIPE) as judge:
        source.stdout.close()
        checks = {c["name"]: c for c in json.load(judge.stdout)["checks"]}
        _, _, usage = os.wait4(judge.pid, 0)
        judge.returncode = 0
    check(source.returncode == 0, f"{what}: the writer ended with {source.returncode}")
    check(checks["log-structure"]["result"] == "pass", f"{what}: {checks}")
    check(usage.ru_maxrss <= RESIDENT_MAX, f"{what}: {usage.ru_maxrss} kB resident for {LARGE} bytes")
    return usage.ru_maxrss


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        subprocess.run([WRITE, "."], check=True)
        firmware, lists = sorted(glob.glob("firmware-*.bin")), sorted(glob.glob("ima*.bin") + glob.glob("evm*.bin"))
        check(len(firmware) == 30 and len(lists) == 16, "the logs are there")
        for log in firmware:
            judge_firmware(log)
        for log in lists:
            judge_list(log)
        judge_padded("ima-ng.bin")
        for verb, what in (("firmware-log", "firmware"), ("ima-log", "ima"), ("ima-log", "ima-text")):
            print(f"{what}: {resident(verb, what, WRITE, what, str(LARGE))} kB resident")
        os.chdir("/")


main()
