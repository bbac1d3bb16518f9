#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatchctl drill where there is a gate and no hook: programs and races are tried, everything else is left out, with the reason;
nothing comes of it, and the verifier knows why."""

import json
import os
import secrets
import shutil
import subprocess

import lab
from lab import BUILD, ROOT, check, eventually

DISK = f"{ROOT}/disk"
CTL = f"{DISK}/sealwatchctl"
TRIED = {"denied": {"exec", "race-rename", "race-write"}, "seen": {"exec", "race-rename"}}  # in enforce, in observe
MANAGER = ("org.sealwatch1", "/org/sealwatch1", "org.sealwatch1.Manager")


def drill(m, *options):
    script = 'echo $$ >"$0/cgroup.procs"; exec "$@"'
    p = subprocess.run(["bash", "-c", script, m.cgroup, CTL, "--bus", m.bus, "drill", "--directory", DISK, *options],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    print(p.stdout, p.stderr)
    check(p.returncode == 0, f"exit code {p.returncode}: {p.stdout} {p.stderr}")
    return p.stdout


def call(m, method, *arguments, code=0):
    p = subprocess.run(["busctl", f"--address={m.bus}", "--json=short", "call", *MANAGER, method, *arguments],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check((p.returncode == 0) == (code == 0), f"{method} {arguments}: {p.returncode} {p.stderr}")
    return json.loads(p.stdout)["data"] if code == 0 and p.stdout else p.stderr


def verify(m, *options):
    nonce, path = secrets.token_hex(32), f"{ROOT}/tmp/evidence.json"
    m.ctl("evidence", "--nonce", nonce, "--output", path)
    p = subprocess.run([f"{BUILD}/tools/verify/sealwatch-verify", "evidence", path, "--nonce", nonce, "--allow-simulated", "--json",
                        *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return {c["name"]: c["result"] for c in json.loads(p.stdout)["checks"]}


def test_tried(m, outcome):
    result = json.loads(drill(m, "--json"))
    for item in result["items"]:
        expected = outcome if item["item"] in TRIED[outcome] else "n/a"
        check(item["outcome"] == expected, f"{item}, not {expected}")
        check(item["outcome"] != "n/a" or item["why"], f"no reason: {item}")
    check(result["result"] == "pass" and m.state() == "trusted", f"{result['result']} {m.events('state')}")
    left = [name for name in os.listdir(DISK) if "drill" in name]
    check(not left and not os.path.exists(f"{ROOT}/run/sealwatch/drill"), f"files are left: {left}")
    begin, end = m.events("drill")[-2:]
    check(begin["id"] == end["id"] == result["id"] and begin["seq"] == result["announced"], f"{begin} {end}")
    check(set(begin["items"]) == TRIED[outcome] == set(end["used"]) and end["reason"] == "request", f"{begin} {end}")
    for e in m.events("exec"):
        if "drill" in e and e["seq"] > begin["seq"]:
            check(e["seq"] < end["seq"] and begin["items"][e["drill"]] == f"exec {e['digest']}", f"{e}")
    return result


def test_verifier(m):
    checks = verify(m)
    check(checks["drills"] == "pass" and checks["guard-transitions"] == "pass", f"{checks}")
    with open(f"{ROOT}/tmp/no-drills.appraisal", "w", encoding="ascii") as f:
        f.write("[Guest]\nAllowDrills=none\n")
    check(verify(m, "--policy", f"{ROOT}/tmp/no-drills.appraisal")["drills"] == "fail", "a drill that is forbidden")


def test_text(m):
    lines = drill(m).splitlines()
    check(any(line.split()[:2] == ["exec", "denied"] for line in lines), f"{lines}")
    check(any(line.split()[:2] == ["signal", "n/a"] for line in lines), f"{lines}")


def test_requests(m):
    """One at a time, of items that there are; and what is over is not to be ended."""
    call(m, "BeginDrill", "a{su}", "1", "nothing", "0", code=1)
    call(m, "BeginDrill", "a{su}", "0", code=1)
    call(m, "EndDrill", "s", "0" * 32, code=1)
    name, announced, targets, left_out = call(m, "BeginDrill", "a{su}", "2", "exec", "0", "signal", str(os.getpid()))
    check(targets["run"] == f"{ROOT}/run/sealwatch" and list(left_out) == ["signal"], f"{targets} {left_out}")
    check(m.events("drill")[-1]["seq"] == announced, "the announcement is another record")
    call(m, "BeginDrill", "a{su}", "1", "exec", "0", code=1)
    call(m, "EndDrill", "s", "0" * 32, code=1)
    check(not m.runs(f"{DISK}/unknown"), "unknown code runs while there is a drill")
    check("drill" not in m.events("exec")[-1], "somebody else's program counts as the drill's")
    call(m, "EndDrill", "s", name)
    call(m, "EndDrill", "s", name, code=1)


def test_locks(m):
    """A rule that locks is not for the drill's programs, and for all others."""
    with open(f"{ROOT}/etc/policy.d/test.policy", "w", encoding="ascii") as f:
        f.write("[Policy]\nMode=enforce\n[Reference base]\n[Rule harsh]\nEvent=exec\nReference=!base\nAction=deny lock\n")
    m.ctl("reload")
    test_tried(m, "denied")
    call(m, "BeginDrill", "a{su}", "1", "exec", "0")
    check(not m.runs(f"{DISK}/unknown"), "unknown code runs")
    m.expect_state("locked")


def main(m):
    shutil.copy(f"{BUILD}/tools/ctl/sealwatchctl", CTL)
    shutil.copy("/usr/bin/false", f"{DISK}/false")
    m.config(Attestation={"Provider": "simulator"})
    m.learn()
    m.make_unknown(f"{DISK}/unknown")
    m.start()
    m.expect_state("trusted")
    eventually(lambda: any(e["result"] == "passed" for e in m.events("attest")), "a round that passes")
    test_tried(m, "denied")
    test_verifier(m)
    for test in (test_text, test_requests):
        test(m)
        check(m.state() == "trusted", f"{test.__name__}: {m.state()}")
    m.policy("observe")
    m.ctl("reload")
    test_tried(m, "seen")
    m.judge_snapshot()
    test_locks(m)


lab.run(main)
