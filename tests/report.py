#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the suites of both builds and counts what came out."""

import json
import os
import subprocess
import sys

SUITES = ["check", "unit", "model", "fuzz", "judge", "edge", "system", "guest"]
SANITIZED = ["unit", "model", "fuzz", "edge-c"]


def run(build, suite):
    """Runs a suite; returns meson's record of each test."""
    command = ["meson", "test", "-C", build, "--no-rebuild", "--suite", suite, "--print-errorlogs", "--num-processes",
               "1" if suite.startswith(("edge", "system", "guest")) else str(os.cpu_count())]
    log = f"{build}/meson-logs/testlog.json"
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(command, check=False)
    if not os.path.exists(log):
        return [{"name": suite, "result": "the suite has no tests"}]
    with open(log, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def reason(test):
    """Why a test was skipped: its own line "SKIP: ..."."""
    for line in (test.get("stdout", "") + "\n" + test.get("stderr", "")).splitlines():
        if line.startswith("SKIP:"):
            return line[5:].strip()
    return "no reason given"


def last_words(test):
    """The end of what a failed test said."""
    lines = (test.get("stdout", "") + "\n" + test.get("stderr", "")).splitlines()
    return [line[:200] for line in lines if line.strip()][-5:]


def main():
    wanted = sys.argv[1:] or SUITES
    unknown = [s for s in wanted if s not in SUITES]
    if unknown:
        sys.exit(f"run-tests: unknown suite {unknown[0]}; there are {' '.join(SUITES)}")
    tests = []
    for suite in wanted:
        tests += [("", t) for t in run("build", suite)]
        for sanitized in SANITIZED:
            if sanitized.split("-", maxsplit=1)[0] == suite:
                tests += [(" (sanitizers)", t) for t in run("build-asan", sanitized)]
    passed = [t for _, t in tests if t["result"] in ("OK", "EXPECTEDFAIL")]
    skipped = [(where, t) for where, t in tests if t["result"] == "SKIP"]
    failed = [(where, t) for where, t in tests if t["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")]
    print()
    for where, t in skipped:
        print(f"skipped: {t['name']}{where}: {reason(t)}")
    for where, t in failed:
        print(f"FAILED: {t['name']}{where}: {t['result']}", *last_words(t), sep="\n    ")
    line = f"{len(passed)} passed, {len(failed)} failed"
    print(line + (f", {len(skipped)} skipped" if skipped else ""))
    sys.exit(1 if failed or not passed else 0)


main()
