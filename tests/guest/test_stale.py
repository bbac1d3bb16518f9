#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where IMA has a policy the kernel gives us the digests that IMA took at some time. Runs in the guest, with ima_policy=tcb."""

import mmap
import os
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
from lab import ROOT, check, tool  # noqa: E402

DISK = f"{ROOT}/disk"
DONE, REFUSED = 0, 1


def expect(m, code, path):
    found = m.watched(f"{DISK}/attack", "map", path).returncode
    check(found == code, f"map {path}: {found}, not {code}")


def read(path):
    """By root: IMA measures it."""
    with open(path, "rb") as f:
        f.read()


def measurements():
    with open("/sys/kernel/security/ima/ascii_runtime_measurements", encoding="utf-8", errors="replace") as f:
        return f.read().splitlines()


def test_known(m):
    """What nobody changed has the right digest."""
    read(f"{DISK}/known.so")
    check(any(f"{DISK}/known.so" in line for line in measurements()), f"IMA measures nothing: {measurements()[-5:]}")
    expect(m, DONE, f"{DISK}/known.so")
    expect(m, REFUSED, m.make_unknown(f"{DISK}/unknown.so"))


def test_truncated(m):
    path = f"{DISK}/cut.so"
    read(path)
    os.truncate(path, os.path.getsize(path) - 1)
    expect(m, REFUSED, path)
    m.expect_event("exec", event="library", path=path, verdict="deny", failure="stale-digest")


def test_truncated_by_opening(m):
    path = f"{DISK}/emptied.so"
    read(path)
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
    os.truncate(path, 4096)
    expect(m, REFUSED, path)


def test_below_an_overlay(m):
    """A store through a mapping whose descriptor is closed."""
    for d in ("lower", "upper", "work", "merged"):
        os.makedirs(f"{DISK}/{d}", exist_ok=True)
    tool("mount", "-t", "overlay", "-o", f"lowerdir={DISK}/lower,upperdir={DISK}/upper,workdir={DISK}/work", "overlay", f"{DISK}/merged")
    path = f"{DISK}/merged/layered.so"
    with open(path, "r+b") as f:
        page = mmap.mmap(f.fileno(), 0)
    read(path)
    page[0] ^= 1
    page.flush()
    expect(m, REFUSED, path)
    m.expect_event("exec", event="library", path=path, verdict="deny", failure="stale-digest")


def main(m):
    m.software_tpm = False
    m.tcti = "device:/dev/tpmrm0"
    os.makedirs(f"{DISK}/lower")
    for name in ("known", "cut", "emptied", "lower/layered"):
        m.make_unknown(f"{DISK}/{name}.so", os.urandom(8192))
    levels = m.watch_with_hooks()
    check(levels["library"].startswith("enforce"), f"{levels}")
    for test in (test_known, test_truncated, test_truncated_by_opening, test_below_an_overlay):
        test(m)
        print(f"{test.__name__}: ok", flush=True)


lab.run(main)
