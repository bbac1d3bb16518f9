#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real SNP reports of three generations, with VCEKs and a VLEK: what sealwatch-verify report says of each, check by check,
and that openssl says the same of the chains and signatures."""

import hashlib
import os
import sys
import tempfile

from vectors import NOW, failed, need, path, run, checks

need()

WRITE = os.path.abspath(sys.argv[2])

VLEK_TIME = "1750000000"  # while that VLEK was valid
HCL_REPORT = slice(32, 32 + 1184)

# name: (report, VEK, chain, product)
CASES = {
    "milan-v3": ("snp/milan-v3/report.bin", "snp/milan-v3/vcek.pem", "roots/milan_ask_ark_asvk.pem", "Milan"),
    "genoa-v3": ("snp/genoa-v3/report.bin", "snp/genoa-v3/vcek.pem", "roots/genoa_ask_ark_asvk.pem", "Genoa"),
    "turin-v5": ("snp/turin-v5/report.bin", "snp/turin-v5/vcek.pem", "roots/turin_ask_ark_asvk.pem", "Turin"),
    "milan-v2-debug": ("snp/milan-v2-debug/report.bin", "snp/milan-v2-debug/vcek.der", "roots/milan_ask_ark_asvk.pem", "Milan"),
    "milan-v3-vlek": ("snp/milan-v3-vlek/report.bin", "snp/milan-v3-vlek/vlek.der", "roots/milan_ask_ark_asvk.pem", "Milan"),
    "azure/milan-v3": ("azure/milan-v3/hcl-report.bin", "azure/milan-v3/vcek.der", "roots/milan_ask_ark_asvk.pem", "Milan"),
    "azure/milan-v3-user-data": ("azure/milan-v3-user-data/hcl-report.bin", "azure/milan-v3-user-data/vcek.der",
                                 "roots/milan_ask_ark_asvk.pem", "Milan"),
    "azure/wrong-chip": ("azure/wrong-chip/hcl-report.bin", "azure/wrong-chip/certs.pem", "azure/wrong-chip/certs.pem", "Milan"),
}
# What fails with the defaults, and what each detail must contain.
VERDICTS = {
    "milan-v3": (set(), {"reported-tcb": "snp 24, microcode 219", "chip-id": "the certificate's", "provider": "VCEK"}),
    "genoa-v3": (set(), {"reported-tcb": "bootloader 10, tee 0, snp 23, microcode 84", "product": "Genoa, by certificate and CPUID"}),
    "turin-v5": (set(), {"reported-tcb": "fmc 1, bootloader 1, tee 1, snp 4, microcode 81", "mitigations": "0x3f",
                         "platform": "iommu-write-safe", "report-version": "version 5"}),
    "milan-v2-debug": ({"guest-policy"}, {"guest-policy": "debug", "report-version": "version 2"}),
    "milan-v3-vlek": ({"certificate-validity", "vmpl"}, {"certificate-validity": "2025-12-10 22:14:21", "vmpl": "level 1",
                                                          "tcb-order": "provisional", "chain": "SEV-VLEK-Milan",
                                                          "provider": "CN=cc-us-east-2.amazonaws.com"}),
    "azure/milan-v3": (set(), {"id-key": "942fd93ebde6ea7a"}),
    "azure/milan-v3-user-data": (set(), {"id-key": "942fd93ebde6ea7a"}),
    "azure/wrong-chip": ({"signature", "chip-id"}, {"chain": "VCEK, signed by SEV-Milan, signed by ARK-Milan"}),
}
ASKED = {"report-structure", "report-version", "product", "signing-key", "signature", "chain", "root", "certificate-validity", "reported-tcb"}


def report_of(case):
    """The bare report, in a file of our own."""
    with open(path(CASES[case][0]), "rb") as f:
        data = f.read()
    with open("report.bin", "wb") as f:
        f.write(data[HCL_REPORT] if data.startswith(b"HCLA") else data)
    return "report.bin"


def judge(case, *options, at=NOW):
    report, (_, vek, chain, _) = report_of(case), CASES[case]
    return checks("report", "--report", report, "--vek", path(vek), "--chain", path(chain), "--at", at, *options)


def policy(text):
    with open("policy", "w", encoding="ascii") as f:
        f.write(text)
    return "--policy", "policy"


def verdicts():
    for case, (fails, details) in VERDICTS.items():
        code, found = judge(case, "--product", CASES[case][3])
        assert failed(found) == fails, (case, found)
        assert code == (1 if fails else 0), case
        for name, part in details.items():
            assert part in found[name][1], (case, name, found[name])
        for name in ASKED - fails:
            assert found[name][0] == "pass", (case, name, found[name])
        assert failed(judge(case, "--product", "Genoa" if CASES[case][3] != "Genoa" else "Milan")[1]) == fails | {"product"}


def policies():
    assert failed(judge("milan-v3-vlek", at=VLEK_TIME)[1]) == {"vmpl"}
    vlek = "[Snp]\nVmpl=1\nSigningKey=vlek\nProvider=CN=cc-us-east-2.amazonaws.com\n"
    assert judge("milan-v3-vlek", *policy(vlek), at=VLEK_TIME)[0] == 0
    assert failed(judge("milan-v3-vlek", *policy(vlek + "AllowProvisionalFirmware=no\n"), at=VLEK_TIME)[1]) == {"tcb-order"}
    assert judge("milan-v2-debug", *policy("[Snp]\nAllowGuestPolicy=smt debug\n"))[0] == 0
    floor = "[Snp]\nMinimumTcbTurin=fmc:1 bootloader:1 tee:1 snp:4 microcode:%d\nRequirePlatform=alias-check iommu-write-safe\n" \
            "LaunchMitigations=0x3f\nMinimumFirmware=1.55.65\nChipId=59790fb1c39f35c1\n"
    assert judge("turin-v5", *policy(floor % 81))[0] == 0
    assert failed(judge("turin-v5", *policy(floor % 82))[1]) == {"tcb-floor"}
    assert failed(judge("milan-v3", *policy(floor % 81))[1]) == {"tcb-floor", "platform", "mitigations", "firmware", "chip-allowed"}
    assert judge("milan-v3", "--report-data", 64 * "00")[0] == 0
    assert failed(judge("milan-v3", "--report-data", 63 * "00" + "01")[1]) == {"report-data"}


def strangers():
    """Certificates of others beside the right report."""
    for other in CASES:
        for case in ("milan-v3", "genoa-v3", "turin-v5"):
            if other == case:
                continue
            report, (_, vek, chain, _) = report_of(case), CASES[other]
            found = checks("report", "--report", report, "--vek", path(vek), "--chain", path(chain), "--at", VLEK_TIME)[1]
            assert "signature" in failed(found), (case, other, found)
            assert failed(found) & {"chip-id", "product", "signing-key"}, (case, other, found)
    report, (_, vek, _, _) = report_of("milan-v3"), CASES["milan-v3"]
    code, found = checks("report", "--report", report, "--vek", path(vek), "--chain", path("roots/turin_ask_ark_asvk.pem"))
    assert code == 1 and failed(found) == {"chain"}, found


def simulated_company():
    """Simulated authorities beside the right chain, which does not need them."""
    assert run(WRITE, ".").returncode == 0
    with open(path(CASES["milan-v3"][2]), "rb") as real, open("snp/Turin-v5-VCEK/chain.pem", "rb") as made:
        chain = real.read() + made.read()
    with open("both.pem", "wb") as f:
        f.write(chain)
    arguments = ["report", "--report", report_of("milan-v3"), "--vek", path(CASES["milan-v3"][1]), "--chain", "both.pem"]
    assert failed(checks(*arguments)[1]) == {"root"}
    assert checks(*arguments, "--allow-simulated")[0] == 0


def openssl_agrees():
    """The judge of the cryptography. It needs its signature as DER, and the roots apart."""
    def pem(name, out, *options):
        with open(path(name), "rb") as f:
            data = f.read()
        form = "PEM" if b"-----BEGIN" in data else "DER"
        done = run("openssl", "x509", "-inform", form, "-out", out, *options, data=data)
        assert done.returncode == 0, done
    for case, (_, vek, chain, _) in CASES.items():
        report, at = report_of(case), VLEK_TIME if "vlek" in case else NOW
        pem(vek, "vek.pem")
        with open("key.pem", "wb") as f:
            f.write(run("openssl", "x509", "-in", "vek.pem", "-pubkey", "-noout").stdout)
        verified = run("openssl", "verify", "-attime", at, "-CAfile", path(chain), "vek.pem")
        _, found = judge(case, at=at)
        assert (verified.returncode == 0) == (found["chain"][0] == found["certificate-validity"][0] == "pass"), (case, verified)
        with open(report, "rb") as f:
            data = f.read()
        with open("signed", "wb") as f:
            f.write(data[:0x2A0])
        r, s = (int.from_bytes(data[o:o + 72], "little") for o in (0x2A0, 0x2E8))
        config = f"asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x{r:x}\ns=INTEGER:0x{s:x}\n"
        with open("signature.conf", "w", encoding="ascii") as f:
            f.write(config)
        assert run("openssl", "asn1parse", "-genconf", "signature.conf", "-noout", "-out", "signature").returncode == 0
        good = run("openssl", "dgst", "-sha384", "-verify", "key.pem", "-signature", "signature", "signed").returncode == 0
        assert good == (found["signature"][0] == "pass"), (case, found["signature"])


def roots_are_the_pinned_ones():
    for product in ("milan", "genoa", "turin"):
        done = run("openssl", "crl2pkcs7", "-nocrl", "-certfile", path(f"roots/{product}_ask_ark_asvk.pem"))
        for pem in run("openssl", "pkcs7", "-print_certs", data=done.stdout).stdout.decode().split("subject=")[1:]:
            if f"CN = ARK-{product.title()}" not in pem.splitlines()[0]:
                continue
            der = run("openssl", "x509", "-outform", "DER", data=pem[pem.index("-----BEGIN"):].encode()).stdout
            case = {"milan": "milan-v3", "genoa": "genoa-v3", "turin": "turin-v5"}[product]
            assert hashlib.sha256(der).hexdigest() in judge(case)[1]["root"][1]
            break
        else:
            raise AssertionError(product)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    verdicts()
    policies()
    strangers()
    simulated_company()
    openssl_agrees()
    roots_are_the_pinned_ones()
    os.chdir("/")
