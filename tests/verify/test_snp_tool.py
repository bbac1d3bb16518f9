#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-verify report as people call it, on simulated evidence of every version, generation and kind of key: forms of
files, exit codes, and that openssl sees the same chains."""

import json
import os
import subprocess
import sys
import tempfile

VERIFY, WRITE = (os.path.abspath(a) for a in sys.argv[1:3])
AT = "1767225600"  # when simulated evidence is valid


def run(*command, data=None):
    return subprocess.run(command, input=data, capture_output=True, check=False)


def report(case, *options, **files):
    paths = {"report": f"{case}/report.bin", "vek": f"{case}/vek.der", "chain": f"{case}/chain.pem", **files}
    at = [] if "--at" in options else ["--at", AT]
    return run(VERIFY, "report", *(word for name, file in paths.items() for word in (f"--{name}", file)), *at, *options)


def expect(code, done):
    assert done.returncode == code, done
    return done


def failed(done):
    return {c["name"] for c in json.loads(done.stdout)["checks"] if c["result"] == "fail"}


def every_case():
    cases = sorted(os.listdir("snp"))
    assert len(cases) == 4 * 3 * 2, cases
    for case in cases:
        folder = f"snp/{case}"
        done = expect(0, report(folder, "--allow-simulated", "--crl", f"{folder}/crl.der", "--product", case.split("-")[0]))
        last = done.stdout.decode().splitlines()[-1]
        assert last.startswith("PASS") and "SIMULATED" in last, last
        last = expect(1, report(folder)).stdout.decode().splitlines()[-1]
        assert last.startswith("FAIL") and last.endswith(": root"), last
        done = expect(1, report(folder, "--json"))
        assert failed(done) == {"root"} and b"SIMULATED" in done.stdout, done


def openssl_agrees():
    for case in os.listdir("snp"):
        folder = f"snp/{case}"
        with open("vek.pem", "wb") as f:
            f.write(run("openssl", "x509", "-inform", "DER", "-in", f"{folder}/vek.der").stdout)
        expect(0, run("openssl", "verify", "-attime", AT, "-CAfile", f"{folder}/chain.pem", "vek.pem"))
        expect(0, report(folder, "--allow-simulated", vek="vek.pem"))
        expect(0, run("openssl", "crl", "-inform", "DER", "-in", f"{folder}/crl.der", "-CAfile", f"{folder}/chain.pem", "-noout"))


def forms_of_files(case="snp/Milan-v3-VCEK", other="snp/Turin-v5-VCEK"):
    with open(f"{case}/chain.pem", "rb") as f:
        chain = f.read()
    with open(f"{other}/chain.pem", "rb") as f:
        bundle = chain + b"\nand of others:\n" + f.read()
    with open(f"{case}/vek.der", "rb") as f:
        vek = f.read()
    forms = {
        "dos.pem": chain.replace(b"\n", b"\r\n"),
        "bundle.pem": bundle,
        "chain.der": b"".join(run("openssl", "x509", "-outform", "DER", data=part + b"-----END CERTIFICATE-----\n").stdout
                              for part in chain.split(b"-----END CERTIFICATE-----\n")[:-1]),
        "with-vek.pem": run("openssl", "x509", "-inform", "DER", data=vek).stdout + chain,
    }
    for name, data in forms.items():
        with open(name, "wb") as f:
            f.write(data)
        expect(0, report(case, "--allow-simulated", chain=name))
    expect(0, report(case, "--allow-simulated", vek="with-vek.pem", chain="with-vek.pem"))
    done = run(VERIFY, "report", "--report", "-", "--vek", f"{case}/vek.der", "--chain", f"{case}/chain.pem", "--at", AT,
               "--allow-simulated", data=open(f"{case}/report.bin", "rb").read())
    expect(0, done)


def malformed_evidence(case="snp/Milan-v3-VCEK"):
    """Evidence that is no evidence is a failed check."""
    for size in (1, 100, 1183, 1185):
        with open(f"{case}/report.bin", "rb") as f:
            data = (f.read() + b"\0")[:size]
        with open("bad", "wb") as f:
            f.write(data)
        assert failed(expect(1, report(case, "--allow-simulated", "--json", report="bad"))) == {"report-structure"}
    for name, fails in (("vek", {"signing-key", "chain"}), ("chain", {"chain"}), ("crl", {"revocation"})):
        done = report(case, "--allow-simulated", "--json", **{name: "bad"})
        assert failed(expect(1, done)) == fails, (name, done)


def undecidable(case="snp/Milan-v3-VCEK"):
    open("empty", "wb").close()
    with open("policy", "w", encoding="ascii") as f:
        f.write("[Snp]\nVmpl=0\nMeasurment=00\nVmpl=5\n")
    done = expect(2, report(case, "--policy", "policy", "--json"))
    assert json.loads(done.stdout)["result"] == "error" and "Measurement" in json.loads(done.stdout)["error"], done
    assert b"policy:4:" in done.stderr, done
    for name in ("report", "vek", "chain", "crl", "policy"):
        for bad in ("missing", "empty", "."):
            expect(2, report(case, **{name: bad}))
    for options in (["--at", "x"], ["--at", "-1"], ["--product", "Naples"], ["--report-data", "00"], ["--report-data", "zz"],
                    ["--unknown"], ["more"], ["--crl"], ["--policy", b"missing\xff\x1b"]):
        expect(2, report(case, *options))
        done = expect(2, report(case, "--json", *options))
        assert json.loads(done.stdout)["result"] == "error", done
    with open("strict", "w", encoding="ascii") as f:
        f.write("[Snp]\nVmpl=3\n")
    with open("lax", "w", encoding="ascii") as f:
        f.write("[Snp]\n")
    assert failed(expect(1, report(case, "--allow-simulated", "--json", "--policy", "strict"))) == {"vmpl"}
    done = expect(2, report(case, "--allow-simulated", "--js", "--policy", "strict", "--policy", "lax"))
    assert b"--policy is given twice" in done.stderr and json.loads(done.stdout)["result"] == "error", done
    for name in ("report", "vek", "chain"):
        expect(2, report(case, "--allow-simulated", f"--{name}", "lax"))
    with open(f"{case}/report.bin", "rb") as f:
        data = f.read()[0x50:0x90].hex()
    with open("other", "w", encoding="ascii") as f:
        f.write(f"[Snp]\nReportData={'ab' * 64}\n")
    expect(0, report(case, "--allow-simulated", "--report-data", data))
    for wanted in (data, "ab" * 64):
        done = expect(1, report(case, "--allow-simulated", "--json", "--report-data", wanted, "--policy", "other"))
        assert failed(done) == {"report-data"}, done
    for options in ([], ["--report", f"{case}/report.bin"], ["--vek", f"{case}/vek.der", "--chain", f"{case}/chain.pem"]):
        expect(2, run(VERIFY, "report", *options))


with tempfile.TemporaryDirectory() as top:
    os.chdir(top)
    expect(0, run(WRITE, "."))
    every_case()
    openssl_agrees()
    forms_of_files()
    malformed_evidence()
    undecidable()
    os.chdir("/")
