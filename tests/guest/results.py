# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests in the guest have shown, one line of JSON each, for the tables of docs/ (tests/tools/tables.py). Written where
SEALWATCH_RESULTS says; without it nowhere. Each line has the kernel's series, and which programs watched (the rung)."""

import json
import os


def keep(table, rung, line):
    directory = os.environ.get("SEALWATCH_RESULTS")
    if directory:
        kernel = ".".join(os.uname().release.split(".")[:2])
        with open(f"{directory}/{table}.jsonl", "a", encoding="ascii") as f:
            f.write(json.dumps({**line, "kernel": kernel, "rung": rung}) + "\n")


def show(rung, levels, event, way, hook, done):
    """For docs/hooks.md: the event of the policy, in which way it was brought about, the hook's name in the kernel (or what else saw
    it), the level, and what came of it: "denied", "seen", or more words. levels: the property of that name. To be called once the
    real thing was done, its record found, and its verdict carried out."""
    keep("hooks", rung, {"event": event, "way": way, "hook": hook, "level": levels[event].split()[0], "done": done})


def show_drill(rung, said):
    """For docs/drill.md: what sealwatchctl drill --json said, in enforce, once it was found to be so."""
    for item in said["items"]:
        keep("drill", rung, item)
