#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-verify evidence as people call it, on documents of simulated guests: honest ones, such with one thing wrong, every
member of a document changed on its way, increments with a state folder, and many documents at once.

    test_evidence.py VERIFY WRITE-GUEST"""

import base64
import json
import os
import subprocess
import sys
import tempfile

VERIFY, WRITE = (os.path.abspath(a) for a in sys.argv[1:3])
AT = "1767225600"  # when simulated evidence is valid

# What is wrong with a guest, and which checks say so.
GUESTS = {
    "configfs-tsm": set(), "sev-guest": set(), "azure": set(), "simulator": set(),
    "violated": {"guard-state"},
    "killed": {"gaps"},
    "hooks-dead": {"proof-of-denial"},
    "debug-bit": {"guest-policy"},
    "old-tcb": {"reported-tcb"},
    "other-chip": {"chip-id"},
    "expired-vek": {"certificate-validity"},
    "revoked-ask": {"revocation"},
    "reset-tpm": {"boot-record"},
    "other-boot": {"firmware-log-replay", "boot-aggregate"},
    "open-door": {"cap"},
}

# Members that nothing signs, and nothing is made of.
FOR_PEOPLE = {"heartbeat-time", "references", "state", "time", "crl", "ak-certificates"}


def run(*command, data=None):
    return subprocess.run(command, input=data, capture_output=True, check=False)


def write(*arguments):
    done = run(WRITE, *arguments)
    assert done.returncode == 0, done
    return dict(line.split() for line in done.stdout.decode().splitlines())


def evidence(file, *options, nonce=None, data=None):
    nonces = ["--nonce", nonce] if nonce else []
    return run(VERIFY, "evidence", file, *nonces, "--at", AT, "--allow-simulated", *options, data=data)


def failed(done, code):
    assert done.returncode == code, done
    answer = json.loads(done.stdout)
    assert answer["result"] == {0: "pass", 1: "fail"}[code], answer
    names = [c["name"] for c in answer["checks"]]
    assert len(names) == len(set(names)), names
    return {c["name"] for c in answer["checks"] if c["result"] == "fail"}


def document(file):
    with open(file, encoding="ascii") as f:
        return json.load(f)


def every_guest(nonces):
    assert {f"{name}.json" for name in GUESTS} == set(nonces)
    for name, expected in GUESTS.items():
        done = evidence(f"{name}.json", "--json", nonce=nonces[f"{name}.json"])
        assert failed(done, 1 if expected else 0) == expected, (name, done)


def usage(nonces):
    file, nonce = "sev-guest.json", nonces["sev-guest.json"]
    assert failed(evidence(file, "--json", nonce="ff" + nonce[2:]), 1) >= {"evidence-nonce", "quote-nonce"}
    assert b"PASS  -" in evidence("-", nonce=nonce, data=open(file, "rb").read()).stdout
    assert run(VERIFY, "evidence", file, "--nonce", nonce, "--at", AT).stdout.splitlines()[-1] == \
        b"FAIL  sev-guest.json: root"
    for wrong in ([], ["--nonce", "00"], ["--nonce", nonce, "--threads", "2"], ["--nonce", nonce, "--nonces", "x"]):
        assert run(VERIFY, "evidence", file, *wrong).returncode == 2, wrong
    with open("strict.policy", "w", encoding="ascii") as f:
        f.write("[Guest]\nMode=enforce\nProofOfDenial=refused\n[Tpm]\nRequireAkOrigin=yes\n")
    assert failed(evidence(file, "--json", "--policy", "strict.policy", nonce=nonce), 1) == \
        {"mode", "proof-of-denial", "ak-origin"}


def change(member, value):
    """The value with one thing changed; None when there is nothing to change."""
    if member in ("nonce", "policy"):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if isinstance(value, int):
        return value + 1
    if member == "provider":
        return "none"
    if member == "mode":
        return "observe" if value == "enforce" else "enforce"
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return value + ["simulated-report"]
    if member == "pcrs":
        bank = dict(value["sha256"])
        bank["13"] = bank["13"][:-1] + ("0" if bank["13"][-1] != "0" else "1")
        return {"sha256": bank}
    return {**value, "exec": "enforce"} if member == "levels" else {**value, "x": "y"}


def judge(changed, nonce):
    with open("changed.json", "w", encoding="ascii") as f:
        json.dump(changed, f)
    return evidence("changed.json", "--json", nonce=nonce)


def every_member_counts(nonces):
    file, nonce = "sev-guest.json", nonces["sev-guest.json"]
    genuine = document(file)
    assert failed(judge(genuine, nonce), 0) == set()  # another layout
    told = {}
    for member, value in genuine.items():
        if isinstance(value, str) and len(value) > 200 or member in ("report", "quote", "signature", "ak-public"):
            data = base64.b64decode(value)
            for at in range(0, len(data), max(1, len(data) // 16)):
                flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
                done = judge({**genuine, member: base64.b64encode(flipped).decode()}, nonce)
                # Of the firmware's log some bytes are in no digest: sealwatch-verify(1) names them.
                assert done.returncode == 1 or member in ("firmware-log", "ima-list"), (member, at, done)
        else:
            done = judge({**genuine, member: change(member, value)}, nonce)
            if member in FOR_PEOPLE:
                assert done.returncode == 0, (member, done)
                continue
            told[member] = ", ".join(sorted(failed(done, 1) if done.returncode == 1 else {"?"}))
            assert done.returncode == 1 or member == "taints", (member, done)  # admitted ones are allowed here
        without = {k: v for k, v in genuine.items() if k != member}
        if member not in FOR_PEOPLE:
            assert judge(without, nonce).returncode == 1, member
    for member, checks in sorted(told.items()):
        print(f"  {member:20} changed: {checks}")
    assert failed(judge({**genuine, "more": 1}, nonce), 1) == {"evidence-structure"}
    with open(file, "rb") as f:
        text = f.read()
    for cut in (0, 1, len(text) // 2, len(text) - 2):
        with open("changed.json", "wb") as f:
            f.write(text[:cut] or b" ")
        assert failed(evidence("changed.json", "--json", nonce=nonce), 1) == {"evidence-structure"}


def with_a_state_folder():
    nonces = write("rounds", "6", "0")

    def see(file, state="state"):
        return evidence(file, "--json", "--state", state, nonce=nonces[file])

    assert failed(see("round-0.json"), 0) == set()
    assert "quote-order" in failed(see("round-0.json"), 1)  # a replay
    missing = failed(see("round-2.json"), 1)  # one was left out
    assert "event-log-structure" in missing, missing
    sizes = []
    for i in range(1, 6):
        assert failed(see(f"round-{i}.json"), 0) == set(), i
        sizes.append(os.path.getsize(f"round-{i}.json"))
    assert max(sizes) - min(sizes) < 1000, sizes
    for file in ("round-3.json", "round-0.json"):
        assert "quote-order" in failed(see(file), 1)
    assert failed(evidence("round-3.json", "--json", nonce=nonces["round-3.json"]), 1) >= {"event-log-structure"}
    names = [f for f in os.listdir("state") if f.endswith(".json")]
    assert len(names) == 1 and names[0].startswith("000b"), names
    kept = document(f"state/{names[0]}")
    assert kept["log-records"] > 0 and kept["resets"] == 1, kept

    assert failed(see("whole.json"), 0) == set()  # all of it will do as well
    assert failed(see("rollback.json"), 1) == {"event-log-continuity", "proof-of-denial", "heartbeat"} - {"heartbeat"}
    assert failed(see("fork.json"), 1) == {"event-log-continuity", "proof-of-denial"}
    with open(f"state/{names[0]}", "rb") as f:
        before = f.read()
    for file in ("relayed.json", "relayed-again.json"):
        assert failed(see(file), 1) == {"known-guest"}, file
    with open(f"state/{names[0]}", "rb") as f:
        assert f.read() == before
    assert len(os.listdir("state")) == 2, os.listdir("state")  # nothing of the other guest's report
    assert failed(see("own.json"), 0) == set()
    assert failed(see("other-key.json"), 1) == {"known-guest"}
    assert failed(see("other-key.json", "another"), 0) == set()
    with open(f"state/{names[0]}", "w", encoding="ascii") as f:
        f.write("{}")
    assert see("whole.json").returncode == 2


def many_at_once():
    write("many", "24")
    with open("many.jsonl", "rb") as f:
        lines = f.read().splitlines()
    lines[5] = b"not json"
    lines[7] = b""
    lines[9] = lines[8]
    with open("lines", "wb") as f:
        f.write(b"\n".join(lines))  # no line end behind the last one
    answers = {}
    for threads in ("1", "4"):
        done = evidence("lines", "--stream", "--nonces", "nonces", "--threads", threads, "--json")
        assert done.returncode == 1, done
        answers[threads] = [json.loads(line) for line in done.stdout.splitlines()]
        assert [a["line"] for a in answers[threads]] == list(range(1, 25))
        bad = {a["line"] for a in answers[threads] if a["result"] != "pass"}
        assert bad == {6, 8, 10}, bad
    assert answers["1"] == answers["4"]
    done = evidence("-", "--stream", "--nonces", "nonces", data=b"\n".join(lines))
    assert done.stdout.splitlines()[5] == b"FAIL  line 6: evidence-structure", done.stdout
    with open("few", "w", encoding="ascii") as f:
        f.write("00\n")
    done = evidence("lines", "--stream", "--nonces", "few", "--json")
    assert done.returncode == 1 and done.stdout.count(b"nonce") >= 24, done
    genuine = lines[:5]
    for given in (genuine, []):  # a guest that does not answer has not passed
        done = evidence("-", "--stream", "--nonces", "nonces", "--json", data=b"".join(d + b"\n" for d in given))
        answer = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(a["line"], a["result"]) for a in answer] == \
            [(n, "pass" if n <= len(given) else "fail") for n in range(1, 25)], answer
        assert done.returncode == 1, done
        assert answer[5]["checks"] == [{"name": "evidence-structure", "result": "fail",
                                        "detail": "there is no document for its nonce"}], answer[5]


def a_line_without_end():
    """What is longer than a nonce can be is not kept."""
    size = 256 << 20
    with open("endless", "wb") as f:
        f.truncate(size)
    with open("one", "w", encoding="ascii") as f:
        f.write("{}\n")
    with open("answer", "wb") as f:
        pid = os.posix_spawn(VERIFY, [VERIFY, "evidence", "one", "--stream", "--nonces", "endless"], os.environ,
                             file_actions=[(os.POSIX_SPAWN_DUP2, f.fileno(), 1)])
        _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1, status
    with open("answer", "rb") as f:
        assert f.read() == b"FAIL  line 1: evidence-structure\n"
    assert used.ru_maxrss * 1024 < size // 2, used


def main():
    with tempfile.TemporaryDirectory(prefix="sealwatch-evidence.") as folder:
        os.chdir(folder)
        nonces = write()
        every_guest(nonces)
        usage(nonces)
        every_member_counts(nonces)
        with_a_state_folder()
        many_at_once()
        a_line_without_end()
        os.chdir("/")
    print(f"{len(GUESTS)} guests, every member, increments, many at once: as they must be")


main()
