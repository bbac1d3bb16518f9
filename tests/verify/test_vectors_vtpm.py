#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-verify azure and quote on real evidence of Azure and Google machines, check by check."""

import os
import tempfile

from vectors import NOW, checks, need, path, run

need()

CHALLENGE = b"challenge".hex()
USER_NONCE = ("982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9a"
              "a398f647caa2338748cd0fd9f5f819ef")
HCL_REPORT, HCL_DATA, HCL_CLAIMS = 32, 1216, 1236

# What holds for every Azure case with a quote and without a policy; all that is not named is not applicable.
PASSES = {"hcl-structure", "report-structure", "report-version", "product", "signing-key", "signature", "chain", "root",
          "certificate-validity", "chip-id", "reported-tcb", "tcb-order", "guest-policy", "migration-agent", "vmpl",
          "report-data", "runtime-claims", "ak-binding"}
QUOTE_PASSES = {"quote-structure", "quote-signature", "quote-nonce", "quote-selection", "pcr-digest", "quote-clock", "ak-name"}


def verify(*arguments):
    """Runs the tool; returns the names of passed and of failed checks."""
    found = checks(*arguments)[1]
    return tuple({name for name, (result, _) in found.items() if result == wanted} for wanted in ("pass", "fail"))


def azure(case, nonce=None, with_quote=True, **other):
    """Judges a case; files may be exchanged for others."""
    files = {"hcl": path(f"azure/{case}/hcl-report.bin"), "vek": path(f"azure/{case}/vcek.der"),
             "chain": path("roots/milan_ask_ark_asvk.pem")}
    if with_quote:
        files |= {"quote": path(f"azure/{case}/quote.msg"), "signature": path(f"azure/{case}/quote.sig"),
                  "pcrs": path(f"azure/{case}/pcrs.sha256.txt")}
    files |= other
    arguments = [word for name, value in files.items() for word in (f"--{name.replace('_', '-')}", value)]
    return verify("azure", *arguments, "--at", NOW, *(["--nonce", nonce] if nonce else []))


def expect(got, passed, failed):
    assert got[0] == passed, f"passed: {sorted(got[0] ^ passed)}"
    assert got[1] == failed, f"failed: {sorted(got[1] ^ failed)}"


def changed(name, at, value):
    """A copy with other bytes at an offset."""
    with open(name, "rb") as f:
        data = bytearray(f.read())
    data[at:at + len(value)] = value
    with open("changed", "wb") as f:
        f.write(data)
    return "changed"


def policy(text):
    with open("policy", "w", encoding="ascii") as f:
        f.write(text)
    return "policy"


def test_azure_genuine():
    expect(azure("milan-v3", CHALLENGE), PASSES | QUOTE_PASSES, set())
    expect(azure("milan-v3-user-data", USER_NONCE), PASSES | QUOTE_PASSES | {"user-data"}, set())
    expect(azure("milan-v3"), PASSES | QUOTE_PASSES - {"quote-nonce"}, set())
    expect(azure("milan-v3-user-data", USER_NONCE, with_quote=False), PASSES | {"user-data"}, set())
    expect(azure("milan-v3", with_quote=False), PASSES, set())


def test_azure_wrong_chip():
    expect(azure("wrong-chip", with_quote=False, vek=path("azure/wrong-chip/certs.pem")), PASSES - {"signature", "chip-id"},
           {"signature", "chip-id"})


def test_azure_nonces():
    expect(azure("milan-v3", USER_NONCE), PASSES | QUOTE_PASSES - {"quote-nonce"}, {"quote-nonce"})
    expect(azure("milan-v3-user-data", USER_NONCE[:-2]), PASSES | QUOTE_PASSES - {"quote-nonce"}, {"quote-nonce"})
    expect(azure("milan-v3", CHALLENGE, with_quote=False), PASSES, {"user-data"})


def test_azure_exchanged():
    """Parts of one machine's evidence in another's."""
    other = path("azure/milan-v3-user-data")
    expect(azure("milan-v3", CHALLENGE, hcl=f"{other}/hcl-report.bin"),
           (PASSES | QUOTE_PASSES) - {"signature", "chip-id", "quote-signature", "ak-name"},
           {"signature", "chip-id", "quote-signature", "ak-name"})
    expect(azure("milan-v3", CHALLENGE, quote=f"{other}/quote.msg", signature=f"{other}/quote.sig"),
           PASSES | {"quote-structure", "quote-selection", "quote-clock"},
           {"quote-signature", "quote-nonce", "pcr-digest", "ak-name"})
    expect(azure("milan-v3", CHALLENGE, pcrs=f"{other}/pcrs.sha256.txt"), PASSES | QUOTE_PASSES - {"pcr-digest"}, {"pcr-digest"})
    expect(azure("milan-v3", CHALLENGE, pcrs="sha384:" + path("gce/cos-85/pcrs.sha384.txt")),
           PASSES | QUOTE_PASSES - {"quote-selection", "pcr-digest"}, {"quote-selection", "pcr-digest"})


def test_azure_changed():
    hcl = path("azure/milan-v3/hcl-report.bin")
    everything = PASSES | QUOTE_PASSES
    # report data, upper half: the signature covers it, and it must be zero
    expect(azure("milan-v3", CHALLENGE, hcl=changed(hcl, HCL_REPORT + 0x50 + 32, b"\x01")),
           everything - {"signature", "report-data", "ak-binding"}, {"signature", "report-data", "ak-binding"})
    # a blank in the claims changes nothing but their digest
    with open(hcl, "rb") as f:
        text = f.read()[HCL_CLAIMS:].rstrip(b"\0")
    assert text.endswith(b"}")
    sizes = (len(text) + 21).to_bytes(4, "little"), (len(text) + 1).to_bytes(4, "little")
    name = changed(hcl, HCL_CLAIMS + len(text), b" ")
    name = changed(name, HCL_DATA, sizes[0])
    expect(azure("milan-v3", CHALLENGE, hcl=changed(name, HCL_DATA + 16, sizes[1])),
           everything - {"report-data", "ak-binding"}, {"report-data", "ak-binding"})
    # a foreign key in the claims
    with open(path("azure/milan-v3-user-data/hcl-report.bin"), "rb") as f:
        other = f.read()
    modulus = other[other.index(b'"n":"') + 5:][:342]
    at = text.index(b'"n":"') + 5
    expect(azure("milan-v3", CHALLENGE, hcl=changed(hcl, HCL_CLAIMS + at, modulus)),
           everything - {"report-data", "ak-binding", "quote-signature", "ak-name"},
           {"report-data", "ak-binding", "quote-signature", "ak-name"})
    # what nobody signs: headers, and what stands behind
    for at, value in ((0, b"h"), (4, b"\x03"), (12, b"\x01"), (16, b"\x01"), (20, b"\x01"), (HCL_DATA, b"\xff"),
                      (HCL_DATA + 4, b"\x02"), (HCL_DATA + 8, b"\x04"), (HCL_DATA + 12, b"\x00"), (2599, b"\x01")):
        passed, failed = azure("milan-v3", CHALLENGE, hcl=changed(hcl, at, value))
        assert "hcl-structure" in failed and "ak-binding" not in passed, at


def test_azure_policy():
    name = "000b0891f5583fdbde3eeef2bf0af7892ebf7d62fc8dc355b10beae0772e4154d1cb"
    key = "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177"
    good = f"[Snp]\nIdKeyDigest={key}\n[Tpm]\nAkName={name}\nVmUniqueId=26f8bc30-774e-4290-8e7a-535f3b672aee\nRequireAkOrigin=yes\nRequirePCRs=0 7\n"
    expect(azure("milan-v3", CHALLENGE, policy=policy(good)),
           PASSES | QUOTE_PASSES | {"id-key", "paravisor", "ak-origin", "vm-id"}, set())
    expect(azure("milan-v3-user-data", USER_NONCE, policy=policy(good)),
           PASSES | QUOTE_PASSES | {"id-key", "paravisor", "user-data"}, {"ak-origin", "vm-id"})
    expect(azure("milan-v3", CHALLENGE, policy=policy("[Tpm]\nRequireAkOrigin=yes\nRequireFreshReport=yes\n")),
           PASSES | QUOTE_PASSES, {"ak-origin", "user-data"})
    expect(azure("milan-v3", with_quote=False, policy=policy("[Tpm]\nRequirePCRs=0\n")), PASSES, {"quote-structure"})
    expect(azure("milan-v3", CHALLENGE, ak_cert=path("gce/cos-85/ak_cert.der")), PASSES | QUOTE_PASSES,
           {"ak-certificate", "ak-origin"})


def gce(alg, nonce="9009", **other):
    folder = path("gce/cos-85")
    files = {"quote": f"{folder}/quote-{alg}.msg", "signature": f"{folder}/quote-{alg}.sig",
             "public": f"{folder}/ak.tpmt_public", "pcrs": f"{alg}:{folder}/pcrs.{alg}.txt"} | other
    return verify("quote", *[word for name, value in files.items() for word in (f"--{name}", value)], "--nonce", nonce)


def test_gce_quotes():
    folder = path("gce/cos-85")
    for alg in ("sha1", "sha256", "sha384"):
        expect(gce(alg), QUOTE_PASSES | {"ak-attributes"}, set())
        expect(gce(alg, public=f"{folder}/akpub.pem"), QUOTE_PASSES - {"ak-name"}, set())
        expect(gce(alg, nonce="9008"), QUOTE_PASSES - {"quote-nonce"} | {"ak-attributes"}, {"quote-nonce"})
        expect(gce(alg, signature=changed(f"{folder}/quote-{alg}.sig", 3, b"\x0c")),
               QUOTE_PASSES - {"quote-signature"} - ({"pcr-digest"}) | {"ak-attributes"}, {"quote-signature"})
    expect(gce("sha256", pcrs=f"sha1:{folder}/pcrs.sha1.txt"),
           QUOTE_PASSES - {"quote-selection", "pcr-digest"} | {"ak-attributes"}, {"quote-selection", "pcr-digest"})
    expect(gce("sha256", signature=f"{folder}/quote-sha1.sig"), QUOTE_PASSES - {"quote-signature"} | {"ak-attributes"},
           {"quote-signature"})
    expect(gce("sha256", public=path("azure/milan-v3/hcl-akpub.pem")), QUOTE_PASSES - {"quote-signature", "ak-name"},
           {"quote-signature"})


def test_judges_agree():
    """openssl and tpm2_checkquote on the same quotes, as they are and changed."""
    for case in ("milan-v3", "milan-v3-user-data"):
        folder = path(f"azure/{case}")
        for quote, good in ((f"{folder}/quote.msg", True), (changed(f"{folder}/quote.msg", 50, b"x"), False)):
            done = run("openssl", "dgst", "-sha256", "-verify", f"{folder}/hcl-akpub.pem", "-signature", f"{folder}/quote.sig", quote)
            assert (done.returncode == 0) == good, (case, done)
    folder = path("gce/cos-85")
    for alg in ("sha1", "sha256", "sha384"):
        for nonce, good in (("9009", True), ("9008", False)):
            done = run("tpm2_checkquote", "-u", f"{folder}/akpub.pem", "-m", f"{folder}/quote-{alg}.msg", "-s",
                       f"{folder}/quote-{alg}.sig", "-g", "sha256", "-q", nonce)
            assert (done.returncode == 0) == good, (alg, done)


with tempfile.TemporaryDirectory() as top:
    os.chdir(top)
    for test in (test_azure_genuine, test_azure_wrong_chip, test_azure_nonces, test_azure_exchanged, test_azure_changed,
                 test_azure_policy, test_gce_quotes, test_judges_agree):
        test()
        print(f"{test.__name__}: passed")
    os.chdir("/")
