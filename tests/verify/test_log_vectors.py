#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-verify firmware-log on logs of real machines, check by check. $SEALWATCH_VECTORS is the folder that holds them."""

import json
import os
import re
import subprocess
import sys
import tempfile

VERIFY = os.path.abspath(sys.argv[1])
VECTORS = os.environ.get("SEALWATCH_VECTORS") and os.path.abspath(os.environ["SEALWATCH_VECTORS"])
BANKS = ["sha1", "sha256", "sha384"]


def verify(*arguments):
    done = subprocess.run([VERIFY, "firmware-log", *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    checks = {c["name"]: (c["result"], c["detail"]) for c in json.loads(done.stdout)["checks"]}
    return done.returncode, checks


def expect(got, code, **checks):
    assert got[0] == code, got
    for name, (result, detail) in checks.items():
        found = got[1][name.replace("_", "-")]
        assert found[0] == result and detail in found[1], (name, found)


def policy(directory, text):
    path = os.path.join(directory, "policy")
    with open(path, "w", encoding="ascii") as f:
        f.write("[Firmware]\n" + text)
    return ["--policy", path]


def google(directory):
    log = os.path.join(VECTORS, "gce/cos-85/eventlog.bin")
    pcrs = {bank: ["--pcrs", f"{bank}:{VECTORS}/gce/cos-85/pcrs.{bank}.txt"] for bank in BANKS}
    for options in [*pcrs.values(), sum(pcrs.values(), [])]:
        got = verify(log, *options)
        expect(got, 0, log_structure=("pass", "45 events in the banks sha1, sha256, sha384"),
               event_data=("pass", "40 events say what was measured; 4 only name it"),
               log_replay=("pass", "PCRs 0-9, 14 hold what the log says"), firmware_error=("pass", ""),
               secure_boot=("pass", "on"), debugger=("pass", "off"), sbat=("na", ""),
               boot_loader=("na", "3 images"), command_line=("na", "/syslinux/vmlinuz.A init="))
    images = [re.search(r"sha256:(\w{64})", got[1][c][1])[1] for c in ("boot-loader", "boot-files", "command-line")]
    good = f"RequireSecureBoot=yes\nBootFiles={images[1]}\nCommandLine={images[2]}\n"
    expect(verify(log, *pcrs["sha256"], *policy(directory, good)), 0, boot_files=("pass", "all 1 files"),
           command_line=("pass", "all 1 command lines"), secure_boot=("pass", "on"))
    expect(verify(log, *pcrs["sha1"], *policy(directory, good)), 1, command_line=("fail", "not among the reference values"))
    expect(verify(log, *policy(directory, good)), 2)
    expect(verify(log, *pcrs["sha256"], *policy(directory, f"BootLoader={images[0]}\n")), 1, boot_loader=("fail", "not among"))
    expect(verify(log, *pcrs["sha256"], *policy(directory, "MinimumSbat=1\n")), 1, sbat=("fail", "no SBAT level"))
    other = os.path.join(VECTORS, "eventlog/ubuntu-2104-no-secure-boot.bin")
    expect(verify(other, *pcrs["sha256"]), 1, log_replay=("fail", "do not hold what the log says"))
    changed_bytes(directory, log, pcrs["sha256"])


def changed_bytes(directory, log, pcrs):
    """One bit of every 97th byte. What no digest covers is what event-data names."""
    with open(log, "rb") as f:
        data = f.read()
    path, accepted = os.path.join(directory, "changed"), 0
    for at in range(0, len(data), 97):
        with open(path, "wb") as f:
            f.write(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
        code, checks = verify(path, *pcrs)
        assert code in (0, 1), (at, checks)
        accepted += code == 0
    assert accepted < len(data) / 97 / 3, f"{accepted} changes accepted"
    for size in range(0, len(data), 499):
        with open(path, "wb") as f:
            f.write(data[:size])
        assert verify(path, *pcrs)[0] == 1, f"accepted: cut to {size} bytes"


def others():
    folder = os.path.join(VECTORS, "eventlog")
    expect(verify(f"{folder}/ubuntu-2104-no-secure-boot.bin"), 0, log_structure=("pass", "106 events"),
           log_replay=("na", "no PCR values"), secure_boot=("na", "off"), sbat=("na", "level 2021030218"),
           boot_loader=("na", "2 images"), boot_files=("na", "9 files"), command_line=("na", "1 command lines"))
    expect(verify(f"{folder}/event-sd-boot-fedora37.bin"), 0, log_structure=("pass", "28 events in the banks sha256"),
           secure_boot=("na", "off"), command_line=("na", "console=ttyS0 console=tty0 efi=debug"))
    expect(verify(f"{folder}/event-uefiaction.bin"), 0, log_structure=("pass", "2 events in the banks sha1, sha256, sha384, sha512"),
           event_data=("pass", "1 events say"))
    expect(verify(f"{folder}/short_no_action_eventlog"), 1, log_structure=("fail", "this is no crypto-agile log"))


def agree(directory):
    """tpm2_eventlog replays the same."""
    for name in ("ubuntu-2104-no-secure-boot.bin", "event-sd-boot-fedora37.bin", "event-uefiaction.bin"):
        log = os.path.join(VECTORS, "eventlog", name)
        out = subprocess.run(["tpm2_eventlog", log], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        bank, options = None, []
        for line in out.decode("latin-1").rpartition("\npcrs:\n")[2].splitlines():
            key, _, value = line.partition(":")
            if not value.strip():
                bank = key.strip()
                options += ["--pcrs", f"{bank}:{directory}/{bank}"]
                open(f"{directory}/{bank}", "w", encoding="ascii").close()
            else:
                with open(f"{directory}/{bank}", "a", encoding="ascii") as f:
                    f.write(f"{key.strip()} {value.strip().removeprefix('0x')}\n")
        expect(verify(log, *options), 0, log_replay=("pass", "hold what the log says"))


def main():
    if not VECTORS:
        print("SKIP: SEALWATCH_VECTORS names no folder of real evidence")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        google(directory)
        others()
        agree(directory)


main()
