#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""OnDeath=lock: when the daemon dies, sealwatch-lock shuts what the TPM holds for this boot, without daemon and log; the next
daemon says in the log what the registers got."""

import hashlib
import os
import shutil
import struct
import subprocess

import lab
from lab import BUILD, ROOT, check, eventually

RUN = f"{ROOT}/run/sealwatch"
NOTE, DONE = f"{RUN}/on-death", f"{RUN}/died"
BLOB = f"{ROOT}/state/secrets/s.sealed"
ZERO = "00" * 32


def helper():
    """As the service manager runs it."""
    return subprocess.run([f"{BUILD}/daemon/sealwatch-lock", RUN], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)


def locks(m):
    p = helper()
    check(p.returncode == 0 and os.path.exists(DONE) and not os.path.exists(NOTE), f"sealwatch-lock: {p.stdout}")


def does_nothing(m, why):
    before = [m.pcr(i) for i in (7, 11, 12, 13)]
    check(not os.path.exists(NOTE), f"{why}: there is a note")
    p = helper()
    check(p.returncode == 0 and not p.stdout, f"{why}: sealwatch-lock: {p.stdout}")
    check([m.pcr(i) for i in (7, 11, 12, 13)] == before, f"{why}: registers were extended")


def extended(value, data):
    return hashlib.sha256(bytes.fromhex(value) + hashlib.sha256(data).digest()).hexdigest()


def lock_records(path):
    """The template data of the lock records in a log."""
    with open(path, "rb") as f:
        log = f.read()
    at, found = 0, []
    while at < len(log):
        name = struct.unpack_from("<I", log, at + 24)[0]
        size = struct.unpack_from("<I", log, at + 28 + name)[0]
        data = log[at + 32 + name:at + 32 + name + size]
        if b"sealwatch:lock\0" in data:
            found.append(data)
        at += 32 + name + size
    return found


def expect_locked(m, trigger_kind="start"):
    """The next daemon: the registers hold once what the log says, and the log what the registers hold."""
    m.start()
    m.expect_state("locked")
    records = lock_records(f"{m.judge_snapshot()}/measurements")
    check(len(records) == 1, f"{len(records)} lock records")
    for pcr in (7, 11):
        check(m.pcr(pcr) == extended(ZERO, records[0]), f"PCR {pcr} does not hold the lock record, once")
    lock = m.events("lock")[0]
    check(lock["reason"] == "death" and lock["poison"] == [7, 11], f"the lock: {lock}")
    check(m.events()[lock["trigger"]]["kind"] == trigger_kind, f"what triggered it: {m.events()[lock['trigger']]}")
    gap = m.events("gap")[-1]
    check(gap["verdict"] == "lock" and gap["clean"] is False, f"the gap: {gap}")
    check(not os.path.exists(NOTE) and not os.path.exists(DONE), "the note is there still")
    m.ctl("release", "s", code=1)
    does_nothing(m, "locked")


def seal_as_others_do(m):
    """To PCR 7 alone, with tpm2-tools: what a disk's key is sealed to."""
    attributes = "restricted|decrypt|fixedtpm|fixedparent|noda|sensitivedataorigin|userwithauth"
    m.tpm2("tpm2_createprimary", "-C", "o", "-g", "sha256", "-G", "ecc256:aes128cfb", "-a", attributes, "-c", "other.ctx")
    m.tpm2("tpm2_flushcontext", "-t")
    m.tpm2("tpm2_createpolicy", "--policy-pcr", "-l", "sha256:7", "-L", "other.policy")
    m.tpm2("sh", "-c", "echo disk key | tpm2_create -C other.ctx -L other.policy -i- -u other.pub -r other.priv")
    m.tpm2("tpm2_flushcontext", "-t")


def others_unseal(m):
    m.tpm2("tpm2_load", "-C", "other.ctx", "-u", "other.pub", "-r", "other.priv", "-c", "object.ctx")
    m.tpm2("tpm2_flushcontext", "-t")
    p = m.tpm2("tpm2_unseal", "-c", "object.ctx", "-p", "pcr:sha256:7", code=None)
    m.tpm2("tpm2_flushcontext", "-t", code=None)
    m.tpm2("tpm2_flushcontext", "-l", code=None)
    return p.returncode == 0 and "disk key" in p.stdout


def while_it_guards(m):
    m.start()
    m.expect_state("trusted")
    check(os.path.exists(NOTE), "there is no note")
    m.ctl("seal", "s", stdin=b"secret")
    seal_as_others_do(m)
    m.kill()
    check(others_unseal(m), "nobody locked, and others' key does not open: the test proves nothing")
    locks(m)
    check(not others_unseal(m), "others' key opens after the lock")
    check(not m.root_unseals(BLOB), "root could unseal our secret")
    check(helper().returncode == 0, "a second run of sealwatch-lock fails")
    expect_locked(m)


def before_the_cap(m):
    """In the moment in which the door to the secrets is open."""
    m.power_cycle()
    m.start(kill_at="secret:before-harvest", wait=False)
    eventually(m.ended, "the death")
    m.wait()
    check(m.root_unseals(BLOB), "the door is shut by itself: the test proves nothing")
    locks(m)
    check(not m.root_unseals(BLOB), "root could unseal our secret")
    capped = m.pcr(12)
    expect_locked(m)
    check(m.pcr(12) == capped, "the cap was extended twice")


def without_the_helper(m):
    """The next daemon does what is left to do."""
    m.power_cycle()
    m.start()
    m.expect_state("trusted")
    m.kill()
    expect_locked(m)


def a_lock_that_was_begun(m):
    """Wherever the lock plan is cut off, sealwatch-lock finishes it before there is another daemon; and the registers get one
    digest, that of the one lock record."""
    m.power_cycle()
    m.start()
    m.expect_state("trusted")
    before = len(m.events())
    records = [f"record:before-pending#{before + n}" for n in (1, 2)]
    for step in (*records, "lock:before-wipe", "lock:after-wipe", "lock:before-poison", "lock:after-poison"):
        m.power_cycle()
        m.start(kill_at=step)
        m.ctl("lock", code=None)
        eventually(m.ended, f"the death at {step}")
        m.wait()
        check(helper().returncode == 0, f"{step}: sealwatch-lock fails")
        shut = [m.pcr(i) for i in (7, 11)]
        check(ZERO not in shut, f"{step}: what is sealed to PCR 7 or 11 opens still")
        check(os.path.exists(DONE) and not os.path.exists(NOTE), f"{step}: nothing says that it is done")
        m.start()
        m.expect_state("locked")
        records = lock_records(f"{m.judge_snapshot()}/measurements")
        check(len(records) == 1, f"{step}: {len(records)} lock records")
        check([m.pcr(i) for i in (7, 11)] == shut == 2 * [extended(ZERO, records[0])], f"{step}: not the lock record, once")
        check(m.events("lock")[0]["reason"] != "death", f"{step}: it died before the lock began")


def registers_of_others(m):
    """Systemd extends PCR 11 as the boot goes on. However often somebody goes on with the lock, each register gets it once."""
    m.power_cycle()
    m.start()
    m.expect_state("trusted")
    m.tpm2("tpm2_pcrextend", f"11:sha256={'11' * 32}")
    m.kill()
    moved = m.pcr(11)
    locks(m)
    shut = [m.pcr(i) for i in (7, 11)]
    check(shut[0] != ZERO and shut[1] != moved, "a register was left out")
    os.rename(DONE, NOTE)  # as if it had been killed in between
    locks(m)
    check([m.pcr(i) for i in (7, 11)] == shut, "what had the digest got it again")
    m.start()
    m.expect_state("locked")
    records = lock_records(f"{m.judge_snapshot()}/measurements")
    check(len(records) == 1 and [extended(ZERO, records[0]), extended(moved, records[0])] == shut, "not the lock record, once")
    check([m.pcr(i) for i in (7, 11)] == shut, "the next daemon extended again")


def no_room_for_a_note(m):
    """A guard that nobody would finish is not trusted; and it is tried again."""
    m.power_cycle()
    os.makedirs(f"{NOTE}/in-the-way")
    m.start()
    m.expect_state("degraded")
    m.expect_event("failure", row="log-write", detail="the note of OnDeath=lock cannot be written")
    shutil.rmtree(NOTE)
    m.ctl("reload")
    check(os.path.isfile(NOTE), "there is no note")
    m.kill()
    locks(m)
    expect_locked(m)


def authorised(m):
    m.power_cycle()
    m.start()
    m.expect_state("trusted")
    check(m.hand_over() == 0, "the hand-over was not clean")
    does_nothing(m, "handed over")
    m.start()
    m.expect_state("trusted")
    m.policy(mode="observe")
    m.ctl("reload")
    does_nothing(m, "in observe")
    m.policy()
    m.ctl("reload")
    check(os.path.exists(NOTE), "back in enforce there is no note")
    check(m.stop() == 0, "the stop was not clean")
    does_nothing(m, "stopped")
    m.config()
    m.start()
    m.expect_state("trusted")
    does_nothing(m, "OnDeath=gap")
    check(m.stop() == 0, "the stop was not clean")


def damaged(m):
    """Nothing is locked by what cannot be read, and the next daemon locks all the same."""
    m.config(Daemon={"OnDeath": "lock"})
    m.power_cycle()
    m.start()
    m.expect_state("trusted")
    m.kill()
    with open(NOTE, "r+b") as f:
        f.truncate(100)
    p = helper()
    check(p.returncode != 0 and "cannot be read" in p.stdout, f"of a damaged note: {p.stdout}")
    check(m.pcr(7) == ZERO, "a register was extended")
    m.start()
    m.expect_state("locked")
    m.judge_snapshot()


def main(m):
    m.config(Daemon={"OnDeath": "lock"})
    for test in (while_it_guards, before_the_cap, without_the_helper, a_lock_that_was_begun, registers_of_others, no_room_for_a_note,
                 authorised, damaged):
        test(m)
        print(f"{test.__name__}: ok", flush=True)


lab.run(main)
