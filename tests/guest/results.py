# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of hooks have shown, one line of JSON each, for the table in docs/hooks.md (tests/tools/hook-table). Written where
SEALWATCH_RESULTS says; without it nowhere.

A line: the hook's name in the kernel, the event of the policy, the kernel's series, whether bpf is in lsm=, by which programs
(the level's text up to a colon), the level, and what was done: "denied", "seen", or more words."""

import json
import os
import re


def show(levels, event, hook, done):
    """levels: the property of that name. To be called once the real thing was done, its record found, and its verdict carried out."""
    directory = os.environ.get("SEALWATCH_RESULTS")
    if not directory:
        return
    level, rung = re.fullmatch(r"(\w+) \((\w+).*\)", levels[event]).groups()
    with open("/sys/kernel/security/lsm", encoding="ascii") as f:
        with_lsm = "bpf" in f.read().split(",")
    line = {"hook": hook, "event": event, "kernel": ".".join(os.uname().release.split(".")[:2]), "lsm": with_lsm,
            "rung": rung, "level": level, "done": done}
    with open(f"{directory}/hooks.jsonl", "a", encoding="ascii") as f:
        f.write(json.dumps(line) + "\n")
