#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest is what the other tests take it for. Runs in the guest: test_machine.py KERNEL lsm|no-lsm"""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
from lab import BUILD, check, pcr_file, tool  # noqa: E402

SECURITY = "/sys/kernel/security"


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def test_kernel(series):
    release = os.uname().release
    check(release.startswith(f"{series}."), f"the kernel is {release}, not {series}")
    check(os.path.exists("/sys/kernel/btf/vmlinux"), "the kernel has no types")
    tool("modprobe", "dm-crypt")


def test_file_systems():
    """The host's files can be changed, for the guest only; modules bring file systems."""
    mounts = read("/proc/mounts")
    for line in (" / overlay ", " /sys/fs/bpf bpf ", " /sys/fs/cgroup cgroup2 ", " /sys/kernel/config configfs ", " /run tmpfs "):
        check(line in mounts, f"not mounted:{line}")
    with open("/usr/of-the-guest", "w", encoding="ascii") as f:
        f.write("1")
    with open("/run/disk.img", "wb") as f:
        f.truncate(16 << 20)
    tool("mkfs.ext4", "-q", "/run/disk.img")
    tool("mount", "-o", "loop", "/run/disk.img", "/mnt")
    check(" /mnt ext4 " in read("/proc/mounts"), "ext4 is not mounted")


def test_tpm():
    capabilities = tool("tpm2_getcap", "--tcti", "device:/dev/tpm0", "properties-variable")
    check(re.search(r"TPM2_PT_STARTUP_CLEAR", capabilities), f"/dev/tpm0: {capabilities}")
    pcrs = tool("tpm2_pcrread", "--tcti", "device:/dev/tpmrm0", "sha256:0,13,23")
    values = re.findall(r"(\d+)\s*: 0x([0-9A-F]{64})", pcrs)
    check([n for n, _ in values] == ["0", "13", "23"], f"/dev/tpmrm0: {pcrs}")
    check(int(values[1][1], 16) == 0, "register 13 is in use before anything of ours ran")


def test_ima():
    """A rule, a file, its digest in the kernel's list, and the list in register 10."""
    measurements = f"{SECURITY}/ima/ascii_runtime_measurements"
    check(read(measurements).count("\n") == 1, "there is more than the boot aggregate before the first rule")
    with open(f"{SECURITY}/ima/policy", "w", encoding="ascii") as f:
        f.write("measure func=BPRM_CHECK mask=MAY_EXEC\n")
    shutil.copy(f"{BUILD}/tests/tools/payload-good", "/mnt/measured")
    subprocess.run(["/mnt/measured"], check=False, stdout=subprocess.DEVNULL)
    digest = tool("sha256sum", "/mnt/measured").split()[0]
    check(re.search(rf"^10 .* sha256:{digest} /mnt/measured( |$)", read(measurements), re.MULTILINE), "no record of the program")
    with open("/run/pcrs", "w", encoding="ascii") as f:
        f.write(pcr_file(tool("tpm2_pcrread", "--tcti", "device:/dev/tpmrm0", "sha256")))
    tool("evmctl", "ima_measurement", "--pcrs", "sha256,/run/pcrs", f"{SECURITY}/ima/binary_runtime_measurements")


def test_hooks(with_lsm):
    """bpf in lsm= decides about lsm/ programs, and about nothing else. Without it they load, attach, and see nothing."""
    check(("bpf" in read(f"{SECURITY}/lsm").split(",")) == with_lsm, f"lsm: {read(f'{SECURITY}/lsm')}")
    guest = f"{BUILD}/tests/guest"
    seen = dict(line.split() for line in tool(f"{guest}/probe", f"{guest}/probe.bpf.o").splitlines())
    by_lsm = "denies" if with_lsm else "silent"
    expected = {"lsm/file_open": by_lsm, "lsm.s/file_open": by_lsm, "fmod_ret/security_file_open": "denies",
                "fentry/security_file_open": "fires", "tp_btf/sys_enter": "fires"}
    check(seen == expected, f"hooks: {seen}")


series, lsm = sys.argv[1:]
test_kernel(series)
test_file_systems()
test_tpm()
test_ima()
test_hooks(lsm == "lsm")
