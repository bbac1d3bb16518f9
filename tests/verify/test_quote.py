#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-verify quote on quotes of a software TPM: keys of every scheme, every bank, every form of key and signature.
tpm2_checkquote judges the same quotes, and what was changed in them."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

VERIFY = os.path.abspath(sys.argv[1])
ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign"
KEYS = {  # name: (hierarchy, algorithm of tpm2_createprimary, hash)
    "rsassa": ("e", "rsa2048:rsassa-sha256:null", "sha256"),
    "rsassa-512": ("o", "rsa2048:rsassa-sha512:null", "sha512"),
    "rsapss": ("e", "rsa2048:rsapss-sha256:null", "sha256"),
    "rsapss-384": ("p", "rsa2048:rsapss-sha384:null", "sha384"),
    "ecdsa-p256": ("e", "ecc256:ecdsa-sha256:null", "sha256"),
    "ecdsa-p384": ("o", "ecc384:ecdsa-sha384:null", "sha384"),
    "ecdsa-p256-384": ("n", "ecc256:ecdsa-sha384:null", "sha384"),
}
SELECTIONS = ["sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23", "sha1:0,7,16", "sha384:13", "sha512:23",
              "sha1:1,2+sha256:13+sha384:0,1,23"]
NONCE = "00112233445566778899aabbccddeeff"


def run(*command, good=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if good and done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def start_tpm():
    """A TPM of our own, with something in its PCRs."""
    tpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={os.getcwd()}/state", "--server",
                            "type=unixio,path=socket", "--ctrl", "type=unixio,path=socket.ctrl", "--flags",
                            "not-need-init,startup-clear"], stderr=subprocess.PIPE)
    os.environ["TPM2TOOLS_TCTI"] = f"swtpm:path={os.getcwd()}/socket"
    for _ in range(100):
        if os.path.exists("socket"):
            break
        time.sleep(0.05)
    for pcr in (0, 7, 13, 23):
        run("tpm2_pcrextend", ",".join([f"{pcr}:sha1={pcr:040x}", f"sha256={pcr:064x}", f"sha384={pcr:096x}",
                                        f"sha512={pcr:0128x}"]))
    return tpm


def flush():
    run("tpm2_flushcontext", "-t")


def read_pcrs(selection):
    """Writes a file per bank, as sealwatch-verify takes them; returns its options."""
    options, alg, out = [], None, None
    for line in run("tpm2_pcrread", selection).stdout.splitlines():
        if not line.startswith("    "):
            alg = line.strip().rstrip(":")
            with open(f"pcrs.{alg}", "w", encoding="ascii"):
                options += ["--pcrs", f"{alg}:pcrs.{alg}"]
        else:
            index, value = line.replace(":", " ").split()
            with open(f"pcrs.{alg}", "a", encoding="ascii") as out:
                out.write(f"{index} {value.lower().removeprefix('0x')}\n")
    return options


def ours(public, signature, pcrs, quote="quote.msg", nonce=NONCE):
    """Returns the names of failed checks, None when it did not decide."""
    done = run(VERIFY, "quote", "--quote", quote, "--signature", signature, "--public", public, "--nonce", nonce, "--json",
               *pcrs, good=False)
    if done.returncode not in (0, 1):
        return None
    result = json.loads(done.stdout)
    failed = [c["name"] for c in result["checks"] if c["result"] == "fail"]
    assert bool(failed) == (done.returncode == 1) == (result["result"] == "fail"), result
    return failed


def theirs(hash_name, signature="quote.sig", quote="quote.msg", nonce=NONCE):
    """What tpm2_checkquote says."""
    return run("tpm2_checkquote", "-u", "key.pem", "-m", quote, "-s", signature, "-f", "quote.pcrs", "-g", hash_name, "-q", nonce,
               good=False).returncode == 0


def openssl(hash_name, scheme, signature, quote="quote.msg"):
    """What openssl says of a raw signature."""
    padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto"] if scheme == "rsapss" else []
    return run("openssl", "dgst", f"-{hash_name}", "-verify", "key.pem", *padding, "-signature", signature, quote,
               good=False).returncode == 0


def changed(name, at, value=1):
    with open(name, "rb") as f:
        data = bytearray(f.read())
    data[at] ^= value
    with open("changed", "wb") as f:
        f.write(data)
    return "changed"


def export(context):
    for form, name in (("tss", "key.tss"), ("tpmt", "key.tpmt"), ("pem", "key.pem")):
        run("tpm2_readpublic", "-c", context, "-f", form, "-o", name)


def quote(context, selection, hash_name, scheme, form="tss", signature="quote.sig"):
    run("tpm2_quote", "-c", context, "-l", selection, "-q", NONCE, "-m", "quote.msg", "-s", signature, "-o", "quote.pcrs", "-g",
        hash_name, "--scheme", scheme, "-f", form)
    flush()


def judge_genuine(pcrs):
    for public in ("key.tss", "key.tpmt", "key.pem"):
        assert ours(public, "quote.sig", pcrs) == [], public


def judge_changed(pcrs):
    """Whatever was changed is refused by the check that it concerns, and by no other."""
    assert ours("key.tss", "quote.sig", pcrs, nonce="ff" + NONCE[2:]) == ["quote-nonce"]
    assert ours("key.tss", changed("quote.sig", -1), pcrs) == ["quote-signature"]
    assert ours("key.tss", "quote.sig", pcrs, changed("quote.msg", 10)) == ["quote-signature"] # qualifiedSigner: a child's, maybe
    assert ours("key.tss", "quote.sig", pcrs, changed("quote.msg", 60)) == ["quote-signature"]
    assert ours("key.tss", "quote.sig", pcrs, changed("quote.msg", -1)) == ["quote-signature", "pcr-digest"]
    option, name = pcrs[-1].split(":")
    with open(name, encoding="ascii") as f:
        lines = f.read().splitlines()
    zero = "0" * len(lines[0].split()[1])
    free = next((i for i in range(24) if i not in [int(line.split()[0]) for line in lines]), None)

    def with_lines(*lines):
        with open("changed", "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        return ours("key.tss", "quote.sig", pcrs[:-1] + [f"{option}:changed"])

    assert with_lines(*lines[:-1], f"{lines[-1].split()[0]} {'ab' * (len(zero) // 2)}") == ["pcr-digest"]
    if len(lines) > 1:
        assert with_lines(*lines[1:]) == ["quote-selection", "pcr-digest"]
    if free is not None:
        assert with_lines(*lines, f"{free} {zero}") == ["quote-selection"]


def judges_agree(hash_name):
    """tpm2_checkquote takes what we take, and refuses what we refuse."""
    assert theirs(hash_name)
    assert not theirs(hash_name, nonce="ff" + NONCE[2:]) and not theirs(hash_name, changed("quote.sig", -1))
    for at in (10, 60, -1):
        assert not theirs(hash_name, quote=changed("quote.msg", at))


def test_keys():
    for name, (hierarchy, algorithm, hash_name) in KEYS.items():
        run("tpm2_createprimary", "-C", hierarchy, "-g", "sha256", "-G", algorithm, "-a", ATTRIBUTES, "-c", "key.ctx")
        flush()
        export("key.ctx")
        flush()
        scheme = name.split("-", maxsplit=1)[0]
        for selection in SELECTIONS if name == "rsassa" else SELECTIONS[-1:]:
            pcrs = read_pcrs(selection)
            quote("key.ctx", selection, hash_name, scheme)
            judge_genuine(pcrs)
            judge_changed(pcrs)
            if scheme != "rsapss":  # tpm2_checkquote 5.4 knows no RSAPSS
                judges_agree(hash_name)
        quote("key.ctx", selection, hash_name, scheme, "plain", "quote.raw")
        for public in ("key.tss", "key.pem"):
            assert ours(public, "quote.raw", pcrs) == [], public
        assert openssl(hash_name, scheme, "quote.raw")
        assert ours("key.tss", changed("quote.raw", -1), pcrs) == ["quote-signature"]
        assert not openssl(hash_name, scheme, "changed")
        print(f"{name}: agreed")


def test_child_key():
    """An AK under an EK: its qualified Name cannot be computed from itself, which is no failure."""
    run("tpm2_createek", "-c", "ek.ctx", "-G", "rsa")
    flush()
    run("tpm2_createak", "-C", "ek.ctx", "-c", "ak.ctx", "-G", "ecc", "-g", "sha256", "-s", "ecdsa")
    flush()
    export("ak.ctx")
    flush()
    pcrs = read_pcrs(SELECTIONS[0])
    quote("ak.ctx", SELECTIONS[0], "sha256", "ecdsa")
    judge_genuine(pcrs)
    judges_agree("sha256")
    shutil.copy("quote.sig", "ak.sig")
    run("tpm2_createprimary", "-C", "e", "-g", "sha256", "-G", "ecc256:ecdsa-sha256:null", "-a", ATTRIBUTES, "-c", "key.ctx")
    flush()
    export("key.ctx")
    flush()
    assert "quote-signature" in ours("key.tss", "ak.sig", pcrs), "another key"


def test_forger():
    """Any key that is not restricted signs a quote that no TPM made. A PEM file cannot tell, the public area can."""
    run("tpm2_createprimary", "-C", "e", "-g", "sha256", "-G", "rsa2048:rsassa-sha256:null", "-a",
        ATTRIBUTES.replace("|restricted", ""), "-c", "key.ctx")
    flush()
    export("key.ctx")
    flush()
    pcrs = read_pcrs("sha256:13")
    quote("key.ctx", "sha256:13", "sha256", "rsassa")
    with open("quote.msg", "rb") as f:
        message = f.read()
    with open("pcrs.sha256", "w", encoding="ascii") as f:
        f.write(f"13 {'0' * 64}\n")
    with open("zero", "wb") as f:
        f.write(bytes(32))
    digest = bytes.fromhex(run("sha256sum", "zero").stdout.split()[0])
    with open("quote.msg", "wb") as f:
        f.write(message[:-34] + struct.pack(">H", 32) + digest)
    run("tpm2_sign", "-c", "key.ctx", "-g", "sha256", "-s", "rsassa", "-o", "quote.sig", "quote.msg")
    flush()
    assert ours("key.pem", "quote.sig", pcrs) == []
    assert ours("key.tss", "quote.sig", pcrs) == ["ak-attributes"]
    assert ours("key.tss", "quote.sig", pcrs + pcrs) is None, "two files for one bank"


def main():
    for tool in ("swtpm", "tpm2_checkquote"):
        if not shutil.which(tool):
            print(f"SKIP: {tool} is not installed")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("state")
        tpm = start_tpm()
        try:
            test_keys()
            test_child_key()
            test_forger()
        finally:
            tpm.terminate()
            tpm.wait()
            os.chdir("/")


main()
