#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that somebody replaces or changes between their hash and their use: what was not measured never runs. Runs in the
guest: test_races.py lsm|no-lsm. RACE_SECONDS= says how long each race takes."""

import errno
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
from lab import BUILD, ROOT, check, eventually, tool  # noqa: E402

UID = 65534
DISK = f"{ROOT}/disk"
KNOWN = f"{DISK}/known"
SECONDS = os.environ.get("RACE_SECONDS", "5")
OVERWRITE = "\n[Rule overwritten]\nEvent=overwrite\nAction=deny alert\n"
IN_PLACE = ("write", "early-write", "store", "early-store", "truncate", "punch", "direct", "uring", "rename")
RACES = [*[("disk", way, UID) for way in IN_PLACE], ("disk", "bind", 0), ("disk", "move", 0), ("tmpfs", "store", UID), ("tmpfs", "early-store", UID),
         ("btrfs", "clone", UID)]


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def race(m, place, way, uid, use, *options):
    """Returns what the racer counted."""
    directory = f"{ROOT}/{place}/{way}"
    os.makedirs(directory, exist_ok=True)
    os.chown(directory, UID, UID)
    p = m.watched(f"{DISK}/racer", f"--uid={uid}", *options, way, KNOWN, directory, SECONDS, use, timeout=float(SECONDS) + 120)
    check(p.returncode == 0, f"{place}: {way}: the race could not be held: {p.stdout}{p.stderr}")
    found = json.loads(p.stdout)
    print(f"{place}: {p.stdout.strip()}", flush=True)
    return found


def expect_nothing_unmeasured(m, place, way, found):
    """What ran is what the log has: the known content, and nothing else was let pass."""
    check(found["changed_ran"] == 0, f"{place}: {way}: what was never measured ran {found['changed_ran']} times")
    check(found["changed_mapped"] == 0, f"{place}: {way}: what was never measured was mapped {found['changed_mapped']} times")
    def measured():
        return [e for e in m.events("file") if e["path"].startswith(f"{ROOT}/{place}/{way}/")]

    eventually(lambda: found["known_ran"] == 0 or measured(), f"{place}: {way}: the record of what ran")
    check(all(e["digest"] == digest(KNOWN) for e in measured()), f"{place}: {way}: measured: {measured()}")
    check(m.status()["UngatedCount"] == 0 and m.state() == "trusted", f"{place}: {way}: {m.events('ungated')}")


def test_races(m, use):
    changed = known = refused = 0
    for place, way, uid in RACES:
        found = race(m, place, way, uid, use)
        expect_nothing_unmeasured(m, place, way, found)
        check(found["changed"] + found["refused"] > 0, f"{place}: {way}: nobody raced")
        changed += found["changed"]
        known += found["known_ran"] + found["known_mapped"]
        refused += found["exec_denied"] + found["map_denied"]
    check(changed > 0 and known > 0 and refused > 0, "the races were none")


def test_own_overlay(m):
    """Any user can have an overlayfs in a user namespace of his own, over a file that everybody knows, and change that below it."""
    for way in ("write", "store"):
        found = race(m, "disk", way, UID, "both", "--own-overlay")
        expect_nothing_unmeasured(m, "disk", way, found)
    check(found["map_denied"] > 0 and found["known_mapped"] == 0, f"mapped from layers that somebody can change: {found}")
    m.expect_event("exec", event="library", verdict="deny", failure="user-layers")


def test_new_file_system(m):
    """Between mount(2) and the mark of the gate nobody but the hook is asked."""
    place = f"{ROOT}/new"
    os.makedirs(place)
    for _ in range(10):
        p = m.watched(f"{DISK}/attack", "mount-exec", f"{ROOT}/unknown", place)
        tool("umount", place)
        check(p.returncode == 128 + errno.EPERM and "RUNS" not in p.stdout, f"it ran: {p.stdout}")
    m.expect_event("exec", path=f"{place}/program", verdict="deny")
    check(not m.events("ungated") and m.state() == "trusted", f"{m.events('ungated')}")


def mount_image(kind):
    image = f"{ROOT}/{kind}.img"
    with open(image, "wb") as f:
        f.truncate(320 << 20)
    os.makedirs(f"{ROOT}/{kind}")
    tool(f"mkfs.{kind}", "-q", image)
    tool("mount", "-o", "loop", image, f"{ROOT}/{kind}")


def prepare(m, with_lsm):
    tool("cp", f"{BUILD}/tests/tools/racer", DISK)
    tool(f"{DISK}/racer", "make", f"{BUILD}/tests/tools/payload-switch", KNOWN)
    mount_image("btrfs")
    os.makedirs(f"{ROOT}/tmpfs")
    tool("mount", "-t", "tmpfs", "races", f"{ROOT}/tmpfs")
    levels = m.watch_with_hooks(OVERWRITE, FileSystems=f"{DISK} {ROOT}/btrfs {ROOT}/tmpfs")
    check(not with_lsm or levels["library"].startswith("enforce"), f"{levels}")


def main(m):
    with_lsm = sys.argv[1] == "lsm"
    prepare(m, with_lsm)
    if with_lsm:  # first: behind a flood of refusals the events that they look for are only counted
        test_new_file_system(m)
        test_own_overlay(m)
    test_races(m, "both" if with_lsm else "exec")
    m.judge_snapshot()


lab.run(main)
