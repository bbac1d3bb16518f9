#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's own measurements of a whole boot of Debian beside ours: what both measured has the same digest in both, and each
list is what its register holds. test_ima.py KERNEL"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE, BUILD = os.environ["SEALWATCH_SOURCE"], os.environ["SEALWATCH_BUILD"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon"]
from full import Guest  # noqa: E402
from machine import tried  # noqa: E402
from process import skipping  # noqa: E402
from lab import check, eventually, tool  # noqa: E402

# How much of a boot is left once the daemon is there is another thing each time: so that both have something, these run.
PROGRAMS = [f"/usr/bin/{name}" for name in """arch b2sum base32 base64 basename chgrp chmod chown cksum comm cp csplit cut date dd df
    dircolors dirname du env expand expr factor fold groups head id join link ln""".split()]
LIST = "/sys/kernel/security/ima"
# The list and the registers as they were at one moment. Whatever the shell would execute could add to them.
SNAPSHOT = f"""
registers() {{
    i=0
    while [ $i -lt 24 ]; do
        read -r value </sys/class/tpm/tpm0/pcr-sha256/$i
        printf 'PCR-%02d: %s\\n' $i "$value"
        i=$((i + 1))
    done
}}
mkdir /run/ima
until before=$(registers) && cat {LIST}/binary_runtime_measurements >/run/ima/binary &&
      cat {LIST}/ascii_runtime_measurements >/run/ima/ascii && [ "$before" = "$(registers)" ]; do :; done
echo "$before" >/run/ima/registers
"""


def install(g):
    """For the next boot."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True,
                       env=dict(os.environ, DESTDIR=directory))
        g.put(directory, "/")
    g.output("systemctl", "enable", "sealwatchd")


def measured_by_us(g):
    """{path: digests}"""
    files = {}
    for e in g.events("file"):
        files.setdefault(e["path"], set()).add(e["digest"])
    return files


def measured_by_ima(directory):
    """The same."""
    files = {}
    with open(f"{directory}/ascii", encoding="utf-8", errors="replace") as f:
        text = f.read()
    for digest, path in re.findall(r"^10 [0-9a-f]+ ima-(?:ng|sig) sha256:([0-9a-f]{64}) (\S+)", text, re.MULTILINE):
        if digest.strip("0"):  # no violation
            files.setdefault(path, set()).add(digest)
    check(len(files) > 1, f"IMA has measured nothing but the boot: {text[:600]}")
    return files


def expect_agreement(ours, theirs):
    both = ours.keys() & theirs.keys()
    print(f"{len(ours)} files measured by us, {len(theirs)} by IMA, {len(both)} by both", flush=True)
    check(set(PROGRAMS) <= both, f"not measured by both: {set(PROGRAMS) - both}")
    apart = {p: (sorted(ours[p]), sorted(theirs[p])) for p in both if not ours[p] <= theirs[p]}
    check(not apart, f"the digests of {len(apart)} files differ: {apart}")


def judge_theirs(directory):
    with open(f"{directory}/registers", encoding="ascii") as f:
        text = f.read().lower().replace("pcr", "PCR")
    with open(f"{directory}/pcrs", "w", encoding="ascii") as f:
        f.write(text)
    tool("evmctl", "ima_measurement", "--ignore-violations", "--pcrs", f"sha256,{directory}/pcrs", f"{directory}/binary")


def judge_ours(directory):
    log, pcrs = f"{directory}/measurements", f"{directory}/pcrs.sha256"
    tool("evmctl", "ima_measurement", "--ignore-violations", "--pcrs", f"sha256,{pcrs}", log)
    tool(f"{BUILD}/tools/verify/sealwatch-verify", "log", log, "--pcrs", pcrs)


def main(g):
    eventually(g.is_trusted, "trust")
    levels = g.status()["Levels"]
    check(levels["library"] == "enforce (lsm)", f"the hooks do not work here: {levels}")
    for program in PROGRAMS:
        g.output(program, "--version")
    eventually(lambda: set(PROGRAMS) <= measured_by_us(g).keys(), "our measurements")
    ours = measured_by_us(g)
    g.output("sh", "-c", SNAPSHOT)
    g.output("sealwatchctl", "log", "--snapshot", "/run/ours")
    with tempfile.TemporaryDirectory() as theirs, tempfile.TemporaryDirectory() as log:
        g.get("/run/ima", theirs)
        g.get("/run/ours", log)
        judge_theirs(theirs)
        judge_ours(log)
        expect_agreement(ours, measured_by_ima(theirs))


def life(threads):
    """Installed in one, and booted anew with the kernel's own measurements in another."""
    with tempfile.TemporaryDirectory() as top:
        with Guest(sys.argv[1], keeps=f"{top}/disk", threads=threads) as guest:
            install(guest)
            guest.end()
        more = ["ima_policy=tcb", "ima_hash=sha256"]
        with Guest(sys.argv[1], more=more, keeps=f"{top}/disk", threads=threads) as guest, guest.explained():
            main(guest)


with skipping():
    tried(life)
