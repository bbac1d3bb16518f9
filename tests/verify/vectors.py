# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests on real attestation data have in common. The data is where SEALWATCH_VECTORS points."""

import json
import os
import subprocess
import sys

VERIFY = os.path.abspath(sys.argv[1])
ROOT = os.environ.get("SEALWATCH_VECTORS", "")
NOW = "1790000000"  # 2026-09-21: later than all of the data


def need():
    """Ends the test as skipped where there is no data."""
    if not ROOT:
        print("SKIP: SEALWATCH_VECTORS does not say where real attestation data is")
        sys.exit(77)


def path(name):
    return f"{ROOT}/{name}"


def run(*command, data=None):
    return subprocess.run(command, input=data, capture_output=True, check=False)


def checks(*arguments):
    """Judges, as JSON and for people, which must agree. Returns the exit code and {name: (result, detail)}."""
    done = run(VERIFY, *arguments, "--json")
    answer = json.loads(done.stdout)
    assert {0: "pass", 1: "fail", 2: "error"}[done.returncode] == answer["result"], (arguments, done)
    assert run(VERIFY, *arguments).returncode == done.returncode, arguments
    names = [c["name"] for c in answer["checks"]]
    assert len(names) == len(set(names)), f"a name twice among {names}"
    assert all(c["detail"] for c in answer["checks"]), arguments
    return done.returncode, {c["name"]: (c["result"], c["detail"]) for c in answer["checks"]}


def failed(found):
    return {name for name, (result, _) in found.items() if result == "fail"}
