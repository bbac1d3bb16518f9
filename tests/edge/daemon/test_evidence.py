#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Evidence of a real daemon with a real (software) TPM, judged elsewhere: a good guest passes, also piece by piece; one whose
daemon was killed, whose log was cut, or that answers with old evidence, does not. Other tools see the same quote and chain."""

import base64
import json
import os
import secrets
import subprocess

import lab
from lab import BUILD, ROOT, check

SCENARIO, STATE = f"{ROOT}/scenario", f"{ROOT}/tmp/verifier"


def judge(document, nonce, *options):
    """The names of the checks that fail."""
    done = subprocess.run([f"{BUILD}/tools/verify/sealwatch-verify", "evidence", "-", "--nonce", nonce, "--allow-simulated",
                           "--json", *options], input=json.dumps(document).encode(), capture_output=True, check=False)
    check(done.returncode in (0, 1), done)
    return {c["name"]: c["detail"] for c in json.loads(done.stdout)["checks"] if c["result"] == "fail"}


def ask(m, *options):
    nonce = secrets.token_hex(32)
    return json.loads(m.ctl("evidence", "--nonce", nonce, *options)), nonce


def seen():
    file, = (f for f in os.listdir(STATE) if f.endswith(".json"))
    with open(f"{STATE}/{file}") as f:
        return json.load(f)


def expect(fails, names, what):
    check(set(fails) == set(names), f"{what}: {fails}")


def a_good_guest(m):
    document, nonce = ask(m)
    expect(judge(document, nonce, "--state", STATE), [], "a good guest")
    check("root" in subprocess.run([f"{BUILD}/tools/verify/sealwatch-verify", "evidence", "-", "--nonce", nonce],
                                   input=json.dumps(document), capture_output=True, text=True, check=False).stdout,
          "simulated evidence passes")
    other_tools(document, nonce)
    return document, nonce


def write(name, data):
    with open(f"{ROOT}/tmp/{name}", "wb") as f:
        f.write(data)
    return f"{ROOT}/tmp/{name}"


def other_tools(document, nonce):
    parts = {k: write(k, base64.b64decode(v)) for k, v in document.items()
             if k in ("quote", "signature", "ak-public", "vek", "chain", "log")}
    lab.tool("tpm2_checkquote", "-u", parts["ak-public"], "-m", parts["quote"], "-s", parts["signature"], "-q", nonce)
    pcrs = document["pcrs"]["sha256"]
    file = write("pcrs", "".join(f"PCR-{i:02}: {pcrs.get(str(i), '0' * 64)}\n" for i in range(24)).encode())
    lab.tool("evmctl", "ima_measurement", "--pcrs", f"sha256,{file}", "--ignore-violations", parts["log"])
    lab.tool("openssl", "x509", "-inform", "DER", "-in", parts["vek"], "-noout")


def piece_by_piece(m, document, nonce):
    expect(judge(document, nonce, "--state", STATE), ["quote-order"], "a replay")
    sizes = []
    for i in range(3):
        m.watched(m.make_unknown(f"{ROOT}/disk/new{i}"))
        known = seen()
        later, fresh = ask(m, "--since", str(known["log-records"]))
        check(later["log-since"] == known["log-records"], later["log-since"])
        expect(judge(later, fresh), ["boot-record", "event-log-structure", "guard-state", "heartbeat", "levels", "mode",
                                     "policy-digest", "proof-of-denial"], "a piece, for somebody who knows nothing")
        expect(judge(later, fresh, "--state", STATE), [], "a piece")
        sizes.append(len(later["log"]))
    check(max(sizes) < len(document["log"]) * 3, sizes)


def changed_on_the_way(m):
    document, nonce = ask(m)
    log = base64.b64decode(document["log"])
    for what, data in (("cut", log[:-40]), ("without its end", log[:len(log) // 2])):
        fails = judge({**document, "log": base64.b64encode(data).decode()}, nonce)
        check("event-log-replay" in fails, f"{what}: {fails}")
    _, fresh = ask(m)
    check({"evidence-nonce", "quote-nonce", "report-data"} <= set(judge(document, fresh)), "old evidence passes")


def a_killed_daemon(m):
    m.kill()
    m.start()
    m.expect_state("trusted")
    document, nonce = ask(m)
    fails = judge(document, nonce, "--state", STATE)
    expect(fails, ["gaps"], "a killed daemon")


def main(m):
    with open(SCENARIO, "w"):
        pass
    m.config(Attestation={"Provider": "simulator", "SimulatorScenario": SCENARIO})
    m.policy("observe")
    m.start()
    m.expect_state("trusted")
    document, nonce = a_good_guest(m)
    piece_by_piece(m, document, nonce)
    changed_on_the_way(m)
    a_killed_daemon(m)


lab.run(main)
