# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of hooks have shown, one line of JSON each, for the table in docs/hooks.md (tests/tools/hook-table). Written where
SEALWATCH_RESULTS says; without it nowhere.

A line: the event of the policy, in which way it was brought about, the hook's name in the kernel (or what else saw it), the
kernel's series, which programs watched (the rung), the level, and what came of it: "denied", "seen", or more words."""

import json
import os


def show(rung, levels, event, way, hook, done):
    """levels: the property of that name. To be called once the real thing was done, its record found, and its verdict carried out."""
    directory = os.environ.get("SEALWATCH_RESULTS")
    if not directory:
        return
    line = {"event": event, "way": way, "hook": hook, "kernel": ".".join(os.uname().release.split(".")[:2]), "rung": rung,
            "level": levels[event].split()[0], "done": done}
    with open(f"{directory}/hooks.jsonl", "a", encoding="ascii") as f:
        f.write(json.dumps(line) + "\n")
