#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole loop: allow, deny, seal, cap, harvest, release, see what ran past the gate, lock, restart."""

import hashlib
import re
import struct
import subprocess

import lab
from lab import ROOT, check, eventually


def allowed_and_denied(m):
    check(m.runs(f"{ROOT}/disk/good"), "a known program did not run")
    check(m.runs(f"{ROOT}/disk/good"), "a known program did not run a second time")
    m.make_unknown(f"{ROOT}/disk/unknown")
    p = m.watched(f"{ROOT}/disk/unknown")
    check("RUNS" not in p.stdout and p.returncode != 0, "an unknown program ran")
    e = m.expect_event("exec", path=f"{ROOT}/disk/unknown", verdict="deny", rule="unknown-code")
    check(e["technique"] == "T1204.002" and e["severity"] == "critical", f"the denial's record is wrong: {e}")
    files = [e for e in m.events("file") if e["path"] == f"{ROOT}/disk/good"]
    check(len(files) == 1, f"the good program was measured {len(files)} times")
    eventually(lambda: m.said(f"deny: {ROOT}/disk/unknown"), "the alert")


def scope_is_kept(m):
    """What is not in the cgroup runs unjudged."""
    p = subprocess.run([f"{ROOT}/disk/unknown"], stdout=subprocess.PIPE, text=True)
    check("RUNS" in p.stdout, "a program outside the scope was denied")


def secrets(m):
    m.ctl("seal", "launch-code", stdin=b"0000\n")
    blob = f"{ROOT}/state/secrets/launch-code.sealed"
    check(m.ctl("release", "launch-code") == "0000\n", "the secret came out different")
    check(not m.root_unseals(blob), "root could unseal after the cap")
    m.power_cycle()
    m.start_tpm()
    check(m.root_unseals(blob), "root could not unseal before the daemon started: the test proves nothing")
    m.start()
    m.expect_event("harvest", held=re.compile("launch-code"))
    check(m.ctl("release", "launch-code") == "0000\n", "the harvested secret is different")
    check(not m.root_unseals(blob), "root could unseal after the cap")
    e = m.expect_event("release", name="launch-code", verdict="released")
    check(e["uid"] == 0, "the release's record lacks its user")
    m.ctl("release", "nothing-of-that-name", code=1)
    return blob


def restart_keeps_the_secret_closed(m, blob):
    check(m.stop() == 0, "the stop was not clean")
    m.start()
    m.expect_state("trusted")
    check("restarted" in m.ctl("release", "launch-code", code=1), "a restart does not say why the secret is gone")
    check(not m.root_unseals(blob), "root could unseal after a restart")
    gap = m.events("gap")[-1]
    check(gap["clean"] is True and gap["since"] <= gap["until"], f"the gap is wrong: {gap}")


def past_the_gate(m, blob):
    m.power_cycle()
    m.start()
    before = registers(m)
    check(m.ctl("release", "launch-code") == "0000\n", "the secret was not harvested")
    p = m.watched(f"{ROOT}/disk/attack", "--uid=65534", "userns-tmpfs", f"{ROOT}/unknown")
    e = m.expect_event("ungated", uid=65534)
    check(e["verdict"] == "kill" and e["privileged"] is False, f"{e} {p}")
    m.expect_state("degraded")
    m.ctl("release", "launch-code", code=1)
    m.watched(f"{ROOT}/disk/attack", "memfd", f"{ROOT}/unknown")
    m.expect_event("ungated", privileged=True, verdict="lock")
    m.expect_state("locked")
    check("locked" in m.ctl("release", "launch-code", code=1), "a locked guard released a secret")
    check(not m.root_unseals(blob), "root could unseal from a locked machine")
    locked = m.expect_event("locked")
    check(locked["steps"]["wipe"].startswith("done") and locked["steps"]["poison"].startswith("done"), f"{locked}")
    poison_is_the_lock_record(m, before)


def lock_record():
    """The template data of the log's lock record (the layout of the kernel's binary_runtime_measurements)."""
    with open(f"{ROOT}/run/sealwatch/measurements", "rb") as f:
        while header := f.read(28):
            name = f.read(struct.unpack_from("<24xI", header)[0])
            data = f.read(struct.unpack("<I", f.read(4))[0])
            if name == b"ima-buf" and b"sealwatch:lock\0" in data:
                return data
    raise AssertionError("no lock record in the log")


def registers(m):
    return {n: bytes.fromhex(m.pcr(n)) for n in (7, 11)}


def poison_is_the_lock_record(m, before):
    """The registers hold the digest of the lock record, which a verifier finds in the log. before: registers() then."""
    poison = hashlib.sha256(lock_record()).digest()
    for n, value in registers(m).items():
        check(value == hashlib.sha256(before[n] + poison).digest(), f"register {n} was not poisoned with the lock record")


def still_locked(m):
    m.stop()
    m.start()
    m.expect_state("locked")
    m.judge_snapshot()
    m.kill()
    m.start()
    m.expect_state("locked")
    m.expect_event("gap", clean=False)


def main(m):
    m.start()
    m.expect_state("trusted")
    status = m.status()
    check(status["Tainted"] == ["software-tpm"], f"the taint is missing: {status['Tainted']}")
    check(status["Levels"]["exec"].startswith("gate"), f"the gate's level: {status['Levels']}")
    check(status["Levels"]["ungated"].startswith("observe"), f"the observer's level: {status['Levels']}")
    allowed_and_denied(m)
    scope_is_kept(m)
    blob = secrets(m)
    restart_keeps_the_secret_closed(m, blob)
    past_the_gate(m, blob)
    still_locked(m)


if __name__ == "__main__":
    lab.run(main)
