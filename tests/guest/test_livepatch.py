#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A livepatch whose module the policy lets in is told all the same, and switching it is refused.
test_livepatch.py KERNEL lsm|fmod_ret makes one and runs test_livepatch.py inside RUNG MODULE in a guest."""

import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
SOURCE = os.environ["SEALWATCH_SOURCE"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon"]
import lab  # noqa: E402
import module  # noqa: E402
import results  # noqa: E402
from lab import ROOT, check, eventually  # noqa: E402
from process import skipping  # noqa: E402

DISK = f"{ROOT}/disk"
PATCH = f"{DISK}/livepatch_double.ko"
SWITCH = "/sys/kernel/livepatch/livepatch_double/enabled"


def found(m, **keys):
    """The event of the daemon's own with these keys."""
    def matches(e):
        return e["event"] == "self" and all({**e, **e["details"]}.get(k) == v for k, v in keys.items())

    eventually(lambda: any(map(matches, m.events("activity"))), f"the event {keys}")
    return next(filter(matches, m.events("activity")))


def load(m):
    """Where user space hashes modules, they are refused until that is done."""
    eventually(lambda: m.watched(f"{DISK}/attack", "module", PATCH).returncode == 0, "the module's loading")


def switch_off():
    try:
        with open(SWITCH, "wb", buffering=0) as f:
            f.write(b"0")
    except PermissionError:
        return False
    return True


def inside(m, rung):
    shutil.copy(sys.argv[3], PATCH)
    levels = m.watch_with_hooks()
    check(levels["self"].startswith(f"enforce ({rung}"), f"self: {levels['self']}")
    load(m)
    with open("/proc/cmdline", encoding="ascii") as f:
        check(f.read() == "patched\n", "the kernel was not patched")
    e = found(m, how="livepatch", target="livepatch_double", verdict="alert", severity="warning")
    check(e["exe"] == f"{DISK}/attack", f"who did it: {e}")
    results.show(rung, levels, "self", "a livepatch", "module_load", "seen")
    check(not switch_off(), "the switch was not refused")
    found(m, how="kernel", target=SWITCH, verdict="deny")
    results.show(rung, levels, "self", "switching a livepatch", "security_file_open", "denied")
    check(m.state() == "trusted", f"the state is {m.state()}")


def main(series, rung):
    with skipping():
        path = module.build(series, f"{SOURCE}/tests/guest/livepatch/livepatch_double.c")
    options = ["--no-bpf-lsm"] if rung != "lsm" else []
    return subprocess.run([sys.executable, f"{SOURCE}/tests/guest/run", "--kernel", series, *options, "--timeout", "300", "--", "python3",
                           __file__, "inside", rung, path], check=False).returncode


if sys.argv[1] == "inside":
    lab.run(lambda m: inside(m, sys.argv[2]))
sys.exit(main(*sys.argv[1:]))
