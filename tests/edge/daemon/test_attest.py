#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rounds of attestation with a simulated processor: what passes, what each fault leads to, and evidence that other tools
confirm."""

import base64
import json
import os
import secrets
import subprocess

import lab
from lab import ROOT, check, eventually

SCENARIO = f"{ROOT}/scenario"


def scenario(words):
    with open(SCENARIO, "w") as f:
        f.write(words)


def configure(m, **keys):
    m.config(Attestation={"Provider": "simulator", "SimulatorScenario": SCENARIO, **keys})


def attest(m, code=0):
    return json.loads(m.ctl("attest", "--json", code=None if code else 0).splitlines()[0])


def failed(result):
    return sorted(c["name"] for c in result["checks"] if c["result"] == "fail")


def rounds(m):
    return m.events("attest")


def without_a_provider(m):
    m.config()
    m.start()
    m.expect_state("trusted")
    check(m.status()["Attestation"]["result"] == "not attested", m.status()["Attestation"])
    check("not attested" in m.ctl("attest", code=1), "a round without a provider")
    m.stop()
    m.config(Attestation={"RequireAttestation": "yes"})
    m.start()
    m.expect_state("degraded")
    check(m.status()["Reasons"] == ["attestation"], m.status()["Reasons"])
    m.power_cycle()


def a_good_guest(m):
    scenario("")
    configure(m, RequireAttestation="yes")
    m.start()
    m.expect_state("trusted")  # by the first round
    m.expect_event("attest", result="passed", cause="start", provider="simulator")
    result = attest(m)
    check(result["result"] == "passed" and result["simulated"], result)
    names = {c["name"]: c["result"] for c in result["checks"]}
    for name in ("signature", "chain", "report-data", "quote-signature", "quote-nonce", "pcr-digest", "event-log-replay",
                 "same-report-id", "same-chip-id", "same-ak", "clock-forward", "denial"):
        check(names.get(name) == "pass", f"{name}: {names.get(name)}")
    check("simulator" in m.status()["Tainted"], "the simulator taints nothing")
    text = m.ctl("attest")
    check("SIMULATED" in text, text)


def evidence(m):
    nonce = secrets.token_hex(32)
    document = json.loads(m.ctl("evidence", "--nonce", nonce))
    check(document["nonce"] and document["provider"] == "simulator", list(document))
    records = len(m.events())
    m.watched(m.make_unknown(f"{ROOT}/disk/new"))
    later = json.loads(m.ctl("evidence", "--nonce", nonce, "--since", str(records // 2)))
    check(len(later["log"]) < len(document["log"]), "--since leaves nothing out")
    check("not so many" in m.ctl("evidence", "--nonce", nonce, "--since", "100000", code=2), "a log from nowhere")
    m.ctl("evidence", "--nonce", "00", code=2)
    m.ctl("evidence", code=2)
    parts(m, nonce)


def parts(m, nonce):
    directory = f"{ROOT}/tmp/parts"
    m.ctl("evidence", "--nonce", nonce, "--format=parts", "--output", directory)
    check(os.path.getsize(f"{directory}/report.bin") == 1184, "the report")
    with open(f"{directory}/pcrs.sha256") as f:
        check(len(f.readlines()) == 24, "evmctl wants all registers")
    lab.tool("tpm2_checkquote", "-u", f"{directory}/ak.pub", "-m", f"{directory}/quote.attest", "-s",
             f"{directory}/quote.signature", "-f", f"{directory}/pcrs.serialized", "-q", nonce)
    lab.tool("openssl", "verify", "-no_check_time", "-CAfile", f"{directory}/ark.pem", "-untrusted", f"{directory}/ask.pem",
             f"{directory}/vcek.pem")
    verdict = lab.tool(f"{lab.BUILD}/tools/verify/sealwatch-verify", "log", f"{directory}/measurements", "--pcrs",
                       f"sha256:{directory}/pcrs.sha256", "--allow-tail")
    check("pass" in verdict, verdict)


def proof_of_denial(m):
    """In both modes, and nobody is bothered."""
    announced = m.events("canary")[-1]
    denied = [e for e in m.events("exec") if e["digest"] == announced["digest"]][-1]  # the nonce was used before
    check(denied["verdict"] == "deny" and denied["seq"] > announced["seq"], denied)
    check(not m.said(announced["digest"]), "people were told of the canary")
    check(m.status()["DeniedCount"] == 1, "the canary is counted")  # the other one is that of evidence()
    check(not os.path.exists(f"{ROOT}/state/canary"), "the canary is still there")
    m.policy("observe")
    m.ctl("reload")
    nonce = secrets.token_hex(64)
    result = json.loads(m.ctl("attest", "--nonce", nonce, "--json"))
    check(result["result"] == "passed", result)
    announced = m.events("canary")[-1]
    check(announced["nonce"] == nonce, announced)
    ran = m.expect_event("exec", digest=announced["digest"])
    check(ran["verdict"] == "would-deny" and ran["seq"] > announced["seq"], ran)
    check(m.state() == "trusted", m.status()["Reasons"])
    m.policy("enforce")
    m.ctl("reload")


def verify(path, nonce, *options):
    p = subprocess.run([f"{lab.BUILD}/tools/verify/sealwatch-verify", "evidence", path, "--nonce", nonce, "--allow-simulated",
                        "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return p.returncode, {c["name"]: c["result"] for c in json.loads(p.stdout).get("checks", [])}


def a_verifier_elsewhere(m):
    """Evidence stands on its own: the verifier agrees, takes increments of one size, and finds out what was cut or replayed."""
    path, state, sizes, since = f"{ROOT}/tmp/evidence.json", f"{ROOT}/tmp/verifier", [], 0
    for _ in range(8):
        nonce = secrets.token_hex(32)
        m.ctl("evidence", "--nonce", nonce, "--since", str(since), "--output", path)
        code, checks = verify(path, nonce, "--state", state)
        check(code == 0, f"the verifier does not agree: {[n for n, r in checks.items() if r == 'fail']}")
        check(checks["proof-of-denial"] == "pass", "the canary proves nothing")
        sizes.append(os.path.getsize(path))
        since = known_records(state)
    print("sizes:", *sizes)
    check(max(sizes[2:]) - min(sizes[2:]) < 1024, f"increments grow: {sizes}")
    code, checks = verify(path, secrets.token_hex(32), "--state", state)
    check(code == 1 and checks["quote-nonce"] == "fail", "a replayed document passes")
    nonce = secrets.token_hex(32)
    m.ctl("evidence", "--nonce", nonce, "--output", path)
    with open(path) as f:
        document = json.load(f)
    document["log"] = base64.b64encode(base64.b64decode(document["log"])[:-700]).decode()
    with open(path, "w") as f:
        json.dump(document, f, sort_keys=True, separators=(",", ":"))
    code, checks = verify(path, nonce)
    check(code == 1 and "fail" in (checks["event-log-replay"], checks["event-log-structure"]), "a log that was cut passes")


def known_records(state):
    for name in os.listdir(state):
        with open(f"{state}/{name}") as f:
            return json.load(f)["log-records"]
    raise AssertionError("the verifier keeps nothing")


FAULTS = {  # the words of the simulator, and the checks that fail
    "tcb-rollback": ["tcb-order"],
    "debug": ["guest-policy"],
    "other-chip": ["same-chip-id"],
    "other-guest": ["same-report-id"],
    "other-measurement": ["same-measurement"],
    "stale-nonce": ["ak-binding", "report-data"],
    "bad-signature": ["ak-binding", "signature"],
    "expired-vlek": ["certificate-validity", "same-chip-id"],  # a VLEK's report names no processor
    "revoked-ask": ["revocation"],
}


def faults(m):
    m.power_cycle()
    m.policy("observe")
    scenario("")
    m.start()
    m.expect_state("trusted")
    for fault, expected in FAULTS.items():
        scenario(fault)
        result = attest(m, code=1)
        check(result["result"] == "failed", f"{fault}: {result['result']}")
        check(failed(result) == expected, f"{fault}: {failed(result)}, not {expected}")
        scenario("")
        result = attest(m)
        check(result["result"] == "passed", f"after {fault}: {failed(result)}")
    m.expect_state("degraded")
    check(m.status()["Reasons"] == ["would-lock"], m.status()["Reasons"])


def a_failed_round_locks(m):
    m.power_cycle()
    m.policy("enforce")
    scenario("")
    m.start()
    m.expect_state("trusted")
    scenario("debug")
    check(attest(m, code=1)["result"] == "failed", "debug passes")
    m.expect_state("locked")
    m.expect_event("lock", reason="attestation")
    m.judge_snapshot()


def a_restart_forgets_no_pin(m):
    m.power_cycle()
    scenario("")
    m.start()
    m.expect_state("trusted")
    attest(m)
    m.stop()
    scenario("other-guest")
    m.start(wait=False)
    m.expect_state("locked")
    eventually(lambda: "same-report-id" in rounds(m)[-1]["failed"], "the record of the round")


def undecided_is_degraded_and_then_a_violation(m):
    m.power_cycle()
    configure(m, GraceSec="2s", Interval="1s")
    scenario("nonsense")
    m.start()
    m.expect_event("attest", result="undecided")
    m.expect_state("locked")
    m.expect_event("tamper", what="attestation-stale")


def nobody_endorses_the_report(m):
    """Nothing is wrong then, and nothing is known either."""
    m.power_cycle()
    configure(m)
    scenario("unendorsed")
    m.start()
    m.expect_event("attest", result="undecided")
    m.expect_state("degraded")
    check(m.status()["Reasons"] == ["attestation"], m.status()["Reasons"])
    check(failed(attest(m, code=1)) == [], "something failed")
    scenario("unendorsed debug")
    check(failed(attest(m, code=1)) == ["guest-policy"], "what needs no certificate is judged all the same")
    m.expect_state("locked")


def a_tpm_that_is_reset(m):
    m.power_cycle()
    configure(m)
    scenario("")
    m.start()
    m.expect_event("attest", result="passed")
    m.kill_tpm()
    m.start_tpm()
    check("same-reset-count" in failed(attest(m, code=1)), "a reset TPM passes")
    m.expect_state("locked")


def main(m):
    without_a_provider(m)
    a_good_guest(m)
    evidence(m)
    proof_of_denial(m)
    a_verifier_elsewhere(m)
    faults(m)
    a_failed_round_locks(m)
    a_restart_forgets_no_pin(m)
    undecided_is_degraded_and_then_a_violation(m)
    nobody_endorses_the_report(m)
    a_tpm_that_is_reset(m)


lab.run(main)
