#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input, one row each: what is done to a machine, and how it must take it."""

import os
import re
import shutil
import subprocess

import lab
from lab import ROOT, check, eventually

LOG = f"{ROOT}/run/sealwatch/measurements"


def refuses_to_start(m, text):
    """The daemon must end by itself, and say why."""
    m.start(wait=False)
    eventually(m.ended, f"the daemon's refusal ({text})")
    code = m.wait()
    check(code in (69, 73, 78), f"exit code {code} for {text}")
    check(m.said(text), f"it did not say: {text}")
    m.stderr.truncate(0)


def fresh(m):
    m.power_cycle() if os.path.exists(f"{ROOT}/tpm/swtpm.pid") else None
    m.config()
    m.policy()


def tampered(m, what):
    """After the restart the guard locks, names why, and goes on recording."""
    m.start()
    m.expect_state("locked")
    m.expect_event("tamper", what=what)
    check(not m.root_unseals(f"{ROOT}/state/secrets/s.sealed"), f"{what}: root could unseal")
    m.ctl("release", "s", code=1)


def started_and_stopped(m):
    fresh(m)
    m.start()
    m.expect_state("trusted")
    m.runs(f"{ROOT}/disk/good")
    check(m.stop() == 0, "the stop was not clean")


def truncated_log(m):
    started_and_stopped(m)
    os.truncate(LOG, os.path.getsize(LOG) - 1)
    tampered(m, "log-cut")
    m.kill()
    started_and_stopped(m)  # cut between two records: a good log that does not reach the register
    with open(LOG, "rb") as f:
        log = f.read()
    os.truncate(LOG, len(log) - len(last_record(log)))
    tampered(m, "foreign-extend")


def changed_log(m):
    started_and_stopped(m)
    with open(LOG, "r+b") as f:
        f.seek(os.path.getsize(LOG) - 40)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 1]))
    tampered(m, "log-bad")


def removed_log(m):
    started_and_stopped(m)
    shutil.rmtree(f"{ROOT}/run/sealwatch")
    shutil.rmtree(f"{ROOT}/log", ignore_errors=True)
    tampered(m, "log-missing")


def kexec(m):
    """The runtime directory is gone, the TPM's registers are not: the archived log goes on."""
    started_and_stopped(m)
    shutil.rmtree(f"{ROOT}/run/sealwatch")
    m.start()
    m.expect_state("trusted")
    m.judge_snapshot()
    check(m.events("gap"), "the time in between is not in the log")


def appended_log(m):
    started_and_stopped(m)
    with open(LOG, "rb") as f:
        log = f.read()
    with open(LOG, "ab") as f:  # one more record of the right shape: the last one again
        f.write(last_record(log))
    tampered(m, "log-forged")


def last_record(log):
    at = last = 0
    while at < len(log):
        last = at
        name = int.from_bytes(log[at + 24:at + 28], "little")
        data = int.from_bytes(log[at + 28 + name:at + 32 + name], "little")
        at += 32 + name + data
    return log[last:]


def foreign_extend(m):
    started_and_stopped(m)
    m.tpm2("tpm2_pcrextend", "13:sha1=" + "11" * 20 + ",sha256=" + "11" * 32)
    tampered(m, "foreign-extend")


def foreign_extend_while_running(m):
    fresh(m)
    m.start()
    m.tpm2("tpm2_pcrextend", "13:sha256=" + "11" * 32)
    m.ctl("log", "--snapshot", f"{ROOT}/tmp/no", code=1)
    m.expect_state("locked")
    m.expect_event("tamper", what="foreign-extend")


def foreign_cap(m):
    started_and_stopped(m)
    m.tpm2("tpm2_pcrextend", "12:sha256=" + "11" * 32)
    tampered(m, "foreign-cap")


def tpm_reset(m):
    started_and_stopped(m)
    m.kill_tpm()
    tampered(m, "tpm-reset")


def tpm_killed(m):
    """Nothing is held any more, and everybody is told why."""
    fresh(m)
    m.start()
    m.ctl("seal", "k", stdin=b"secret")
    m.kill_tpm()
    m.make_unknown(f"{ROOT}/disk/killed")
    check(not m.runs(f"{ROOT}/disk/killed"), "an unknown program ran that could not be measured")
    m.expect_state("locked")
    check(m.status()["Failures"]["tpm-lost"] >= 1, f"{m.status()['Failures']}")
    eventually(lambda: m.said("failure tpm-lost, time 1, answered with lock: the TPM cannot be opened"), "an alert that says why")
    check("locked" in m.ctl("release", "k", code=1), "the refusal does not say why")


def tpm_reset_while_running(m):
    """Killed, and another one in its place: the daemon does not go on as if it were the same."""
    fresh(m)
    m.start()
    m.kill_tpm()
    m.start_tpm()
    m.make_unknown(f"{ROOT}/disk/reset")
    check(not m.runs(f"{ROOT}/disk/reset"), "an unknown program ran that no log explains")
    m.expect_state("locked")
    eventually(lambda: m.said("failure tpm-reset, time 1, answered with lock: the TPM was reset"), "an alert that says why")
    check(m.ctl("release", "s", code=1), "a secret was released after the TPM was reset")


def damaged_life_file(m):
    started_and_stopped(m)
    with open(f"{ROOT}/state/life", "w") as f:
        f.write("nonsense")
    m.start()  # the log is there, and explains the register
    m.expect_state("trusted")


def register_in_use(m):
    fresh(m)
    os.path.exists(f"{ROOT}/state/life") and os.unlink(f"{ROOT}/state/life")
    shutil.rmtree(f"{ROOT}/log", ignore_errors=True)
    m.start()
    m.stop()
    m.power_cycle()
    m.start()  # the new TPM is up now
    m.stop()
    shutil.rmtree(f"{ROOT}/run/sealwatch")
    os.unlink(f"{ROOT}/state/life")
    shutil.rmtree(f"{ROOT}/log", ignore_errors=True)
    refuses_to_start(m, "set MeasurementPCR= to a register that nothing else extends")


# Mistakes of two lines together.
ABOUT_THE_WHOLE = ("must be different registers", "must name neither MeasurementPCR= nor CapPCR=",
                   "its value is different at every boot")


def configuration_mistakes(m):
    rows = {
        ("Registers", "MeasurementPCR", "16"): "root can reset PCR 16 and 23",
        ("Registers", "MeasurementPCR", "23"): "root can reset PCR 16 and 23",
        ("Registers", "MeasurementPCR", "17"): "dynamic launch",
        ("Registers", "CapPCR", "16"): "root can reset PCR 16 and 23",
        ("Registers", "PoisonPCRs", "7 23"): "root can reset PCR 16 and 23",
        ("Registers", "PoisonPCRs", "7 13"): "must name neither MeasurementPCR= nor CapPCR=",
        ("Secrets", "SealPCRs", "7 17"): "dynamic launch",
        ("Secrets", "SealPCRs", "13"): "its value is different at every boot",
        ("Registers", "CapPCR", "13"): "must be different registers",
        ("Registers", "MeasurmentPCR", "13"): 'did you mean "MeasurementPCR"?',
        ("Regsters", "MeasurementPCR", "13"): 'did you mean "Registers"?',
        ("Watch", "HashDeadlineSec", "soon"): "HashDeadlineSec= expects a time",
        ("Daemon", "LogMaxSize", "1"): "LogMaxSize= expects a size",
    }
    for (section, key, value), text in rows.items():
        fresh(m)
        m.config(**{section: {key: value}})
        refuses_to_start(m, text)
        out = m.ctl("policy", "check", code=1)
        check(text in out, f"policy check does not say: {text}: {out}")
        check(re.search(r"sealwatchd\.conf:\d+:\d+: ", out) or text in ABOUT_THE_WHOLE, f"no file, line and column: {out}")


def policy_mistakes(m):
    more = {
        "[Policy x]\nMode=enforce\n": "[Policy] takes no name",
        "[Reference base]\n": 'the reference set "base" is there already',
        "[Rule default]\nAction=deny\n": '"default" is what records say when no rule matched',
        "[Rule a]\nAction=allow deny\n": "but not both",
        "[Rule a]\nAction=ignore alert\n": "ignore alone",
        "[Rule a]\nEvent=exek\nAction=deny\n": "Event= expects events like exec",
        "[Rule a]\nPath=usr/bin/x\nAction=deny\n": "Path= expects absolute paths",
        "[Rule a]\nUnit=!\nAction=deny\n": "expects a word behind the !",
        "[Rule a]\nSeverity=bad\nAction=deny\n": "Severity= expects notice, warning, error or critical",
        "[Rule a]\nTechnique=1204\nAction=deny\n": "Technique= expects a MITRE ATT&CK technique",
        "[Failures]\nTpmLost=deny\n": "TpmLost= expects count, degrade or lock",
        "[Failures]\nTpmLots=lock\n": 'did you mean "TpmLost"?',
        "[Failures]\nTpmLost=lock\nTpmLost=lock\n": "TpmLost= is given twice",
        "[Rule a\nAction=deny\n": "expected ] at the end of the section header",
        "[Rule a/b]\nAction=deny\n": "section names are up to 64 letters",
        "[Rule a]\nAction deny\n": 'expected "Key=value"',
        "[Rule a]\n=deny\n": "expected a key",
        "[Rule a]\nAction=deny\x07\n": "expected text, found the byte 0x07",
        "[Rule a]\nPath=/\u202e\nAction=deny\n": "expected text, found the byte 0xe2",
    }
    for extra, text in more.items():
        m.policy(extra=extra)
        out = m.ctl("policy", "check", code=1)
        check(text in out and re.search(r"test\.policy:\d+", out), f"policy check on {extra!r}: {out}")
    rows = {
        "[Rule a]\nAction=dney\n": "Action= expects some of",
        "[Rule a]\nActon=deny\n": 'unknown key "Acton"; did you mean "Action"?',
        "[Rul a]\nAction=deny\n": 'unknown section "Rul"; did you mean "Rule"?',
        "[Rule a]\nReference=bas\nAction=deny\n": 'unknown reference set "bas"; did you mean "base"?',
        "[Rule a]\nUser=nobody-of-that-name\nAction=deny\n": "there is none",
        "[Rule a]\n": "has no Action=",
        "[Rule]\nAction=deny\n": "expected a name",
        "[Rule unknown-code]\nAction=deny\n": "is there already",
        "[Reference other]\nFile=/nonexistent/*.sha256\n": "no reference file",
        "[Failures]\nHashDeadline=degrade\n": "HashDeadline= expects allow, deny or lock",
        "[Rule a]\nAction=deny\\\n": "lines cannot be continued",
        "Action=deny\n": None,  # belongs to the rule before: a second Action=
    }
    for extra, text in rows.items():
        fresh(m)
        m.policy(extra=extra)
        text = text or "Action= is given twice"
        out = m.ctl("policy", "check", code=1)
        check(text in out and re.search(r"test\.policy:\d+", out), f"policy check on {extra!r}: {out}")
        refuses_to_start(m, text)


def unreadable_policy(m):
    fresh(m)
    os.mkdir(f"{ROOT}/etc/policy.d/there.policy")
    refuses_to_start(m, "there.policy")
    os.rmdir(f"{ROOT}/etc/policy.d/there.policy")
    os.symlink("loop.policy", f"{ROOT}/etc/policy.d/loop.policy")
    refuses_to_start(m, "loop.policy")
    os.unlink(f"{ROOT}/etc/policy.d/loop.policy")


def reference_mistakes(m):
    fresh(m)
    reference = f"{ROOT}/etc/reference.d/base.sha256"
    with open(reference, "a") as f:
        f.write("not a digest  /bin/x\n")
    out = m.ctl("policy", "check", code=1)
    check(re.search(r"base\.sha256:\d+:1: expected the 64 hexadecimal digits", out), out)
    refuses_to_start(m, "expected the 64 hexadecimal digits")
    os.unlink(reference)
    os.mkdir(reference)  # there, and unreadable
    refuses_to_start(m, "cannot read")
    os.rmdir(reference)
    m.learn()


def bad_policy_never_replaces_a_good_one(m):
    fresh(m)
    m.start()
    m.policy(extra="[Rule a]\nAction=dney\n")
    check("Action= expects" in m.ctl("reload", code=1), "reload does not say what is wrong")
    e = m.expect_event("policy-refused")
    check("Action= expects" in e["error"], f"{e}")
    m.make_unknown(f"{ROOT}/disk/bad-policy")
    check(not m.runs(f"{ROOT}/disk/bad-policy"), "the good policy is not in force any more")
    m.policy(mode="observe")
    m.ctl("reload")
    eventually(lambda: m.status()["Mode"] == "observe", "the new policy")
    check(m.runs(f"{ROOT}/disk/bad-policy"), "observe denied a program")
    m.expect_event("exec", verdict="would-deny")


def secrets_of_bad_sizes(m):
    fresh(m)
    m.start()
    check("at most" in m.ctl("seal", "big", stdin=b"x" * (2 << 20), code=2), "2 MiB was not refused by the client")
    check("empty" in m.ctl("seal", "empty", stdin=b"", code=2), "an empty secret was not refused")
    m.ctl("seal", "a/b", stdin=b"x", code=2)
    m.ctl("seal", "largest", stdin=b"x" * (1 << 20))
    check(len(m.ctl("release", "largest")) == 1 << 20, "1 MiB did not come back")
    # The daemon refuses by itself as well, whatever a client leaves unchecked.
    for size, how, text in ((2 << 20, "sealed", "at most 1 MiB"), (0, "sealed", "the secret is empty"),
                            (6, "open", "must come in a sealed memory file")):
        p = subprocess.run([f"{lab.BUILD}/tests/tools/seal-raw", m.bus, "raw", str(size), how], stdout=subprocess.PIPE,
                           text=True, timeout=180)
        check(p.returncode == 1 and text in p.stdout, f"{size} bytes, {how}: {p}")
    check("raw" not in m.ctl("secrets"), "one of them is there all the same")


def wrong_tpm(m):
    """A blob of another TPM, and one that was changed, are named in the harvest record; the others open."""
    fresh(m)
    m.start()
    m.ctl("seal", "s", stdin=b"secret")
    m.power_cycle()
    shutil.move(f"{ROOT}/tpm", f"{ROOT}/other-tpm")
    m.start()
    m.ctl("seal", "other", stdin=b"x")
    m.power_cycle()
    shutil.rmtree(f"{ROOT}/tpm")
    shutil.move(f"{ROOT}/other-tpm", f"{ROOT}/tpm")
    with open(f"{ROOT}/state/secrets/s.sealed", "rb") as f:
        blob = bytearray(f.read())
    blob[-20] ^= 1
    with open(f"{ROOT}/state/secrets/changed.sealed", "wb") as f:
        f.write(blob)
    with open(f"{ROOT}/state/secrets/short.sealed", "wb") as f:
        f.write(blob[:50])
    m.start()
    e = m.expect_event("harvest")
    check(e["held"] == ["s"], f"{e}")
    check(e["failed"]["other"] == "it was sealed by another TPM", f"{e}")
    check("another name" in e["failed"]["changed"], f"{e}")
    check("wrong length" in e["failed"]["short"], f"{e}")
    for name in ("other", "changed", "short"):
        os.unlink(f"{ROOT}/state/secrets/{name}.sealed")


def full_runtime_directory(m):
    fresh(m)
    m.make_unknown(f"{ROOT}/disk/full", b"full")
    m.learn()  # known, so only the log can be the reason
    os.makedirs(f"{ROOT}/run/sealwatch", exist_ok=True)
    lab.tool("mount", "-t", "tmpfs", "-o", "size=256k", "small", f"{ROOT}/run/sealwatch")
    m.start()
    m.expect_state("trusted")
    filler = os.open(f"{ROOT}/run/sealwatch/filler", os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(filler, b"x" * 4096):
            pass
    except OSError:
        os.close(filler)
    check(not m.runs(f"{ROOT}/disk/full"), "a program ran although nothing could be recorded")
    eventually(lambda: m.status()["Failures"].get("log-write", 0) > 0, "the failure's counter")
    os.unlink(f"{ROOT}/run/sealwatch/filler")
    eventually(lambda: (s := m.status())["EventCount"] == s["AnchoredCount"], "the log's recovery")
    check(m.runs(f"{ROOT}/disk/full"), "the program does not run although all is well again")
    m.judge_snapshot()
    m.stop()
    lab.tool("umount", f"{ROOT}/run/sealwatch")


def bus_gone(m):
    fresh(m)
    m.start()
    os.kill(m.bus_pid, 9)
    m.make_unknown(f"{ROOT}/disk/bus")
    check(not m.runs(f"{ROOT}/disk/bus"), "without a bus the gate is open")
    m.ctl("status", code=3)
    os.path.exists(f"{ROOT}/run/bus") and os.unlink(f"{ROOT}/run/bus")
    m.start_bus()
    eventually(lambda: m.state() == "trusted", "the daemon's return to the bus")
    check(m.status()["Failures"]["bus-gone"] >= 1, "the loss of the bus was not counted")


def second_daemon(m):
    fresh(m)
    m.start()
    p = subprocess.run(m.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)
    check(p.returncode == 73 and "another sealwatchd" in p.stdout, f"{p}")
    m.expect_state("trusted")


def tpm_gone_at_start(m):
    fresh(m)
    m.software_tpm = False
    m.config(Registers={"Tpm": f"swtpm:{ROOT}/nothing.sock"})
    refuses_to_start(m, "TPM")
    m.config(Registers={"Tpm": "device:/dev/nothing"})
    refuses_to_start(m, "TPM")
    m.software_tpm = True
    m.config()


ROWS = [wrong_tpm, truncated_log, changed_log, removed_log, kexec, appended_log, foreign_extend, foreign_extend_while_running,
        foreign_cap, tpm_reset, tpm_killed, tpm_reset_while_running, damaged_life_file, register_in_use, configuration_mistakes, policy_mistakes,
        unreadable_policy, reference_mistakes, bad_policy_never_replaces_a_good_one, secrets_of_bad_sizes, full_runtime_directory, bus_gone,
        second_daemon, tpm_gone_at_start]


def main(m):
    only = os.environ.get("LAB_ROW")
    m.start()
    m.ctl("seal", "s", stdin=b"secret")
    m.stop()
    for row in ROWS:
        if only and row.__name__ != only:
            continue
        row(m)
        if m.daemon:
            m.kill()
        print(f"{row.__name__}: ok", flush=True)


lab.run(main)
