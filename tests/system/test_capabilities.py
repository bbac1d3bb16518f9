#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each capability that the unit leaves is needed: without it something is missing that is there with it.
test_capabilities.py SUITE"""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import machine  # noqa: E402
import root  # noqa: E402
from machine import Machine, Skip, check, eventually  # noqa: E402

UNIT = "sealwatchd.service"
DROP_IN = f"/run/systemd/system/{UNIT}.d/less.conf"
NOBODY = "65534"


def starts(m, less):
    """Whether the daemon comes up and holds programs, without that capability."""
    m.run("sh", "-c", f"mkdir -p {DROP_IN.rpartition('/')[0]} && cat >{DROP_IN}",
          stdin=f"[Service]\nCapabilityBoundingSet={f'~{less}' if less else ''}\nRestart=no\n" if less else "")
    m.run("systemctl", "daemon-reload")
    m.run("systemctl", "stop", UNIT)
    if m.process("systemctl", "start", UNIT).returncode != 0:
        return False
    return m.status()["State"] in ("trusted", "degraded") and "exec gate" in " ".join(m.run("sealwatchctl", "status", code=None).split())


def knows_who(m):
    """Whether the record of a refusal says what asked for it, when that is another user's."""
    def asked():
        return [e.get("exe") for e in m.events("exec")[before:] if e["path"] == "/usr/local/bin/unknown"]

    before = len(m.events("exec"))
    m.guarded("/usr/bin/sh", "-c", "exec /usr/local/bin/unknown", user=NOBODY, code=None)
    eventually(lambda: len(asked()) == 1, "the refusal's record")
    return "sh" in (asked()[0] or "")


def lets_known_files_of_others_run(m):
    return m.process("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--slice={machine.GUARDED}", "/usr/local/bin/theirs").returncode == 0


def ends_what_ran_past_it(m):
    def failed():
        return sum("cannot kill process" in e["MESSAGE"] for e in m.journal(f"--unit={UNIT}"))

    def gone():
        return m.show("ActiveState", "past.service") in ("inactive", "failed")

    before = failed()
    m.run("systemd-run", "--quiet", "--unit=past", f"--slice={machine.GUARDED}", "/usr/local/bin/attack", f"--uid={NOBODY}", "memfd",
          "/usr/local/bin/survivor")
    eventually(lambda: gone() or failed() > before, "the end of what ran past the gate, or a word about it")
    ended = gone()
    m.run("systemctl", "stop", "past.service", code=None)
    m.run("systemctl", "reset-failed", "past.service", code=None)
    return ended


# capability: what is missing without it; None: the daemon does not come up.
NEEDED = {
    "CAP_SYS_ADMIN": None,
    "CAP_SYS_PTRACE": None,
    "CAP_LEASE": lets_known_files_of_others_run,
    "CAP_KILL": ends_what_ran_past_it,
}


def prepare(m):
    m.run("sh", "-c", f"""
        cp /usr/bin/true /usr/local/bin/unknown && echo >>/usr/local/bin/unknown
        cp /usr/bin/true /usr/local/bin/theirs && chown {NOBODY} /usr/local/bin/theirs""")


def test(m):
    prepare(m)
    kept = set(m.show("CapabilityBoundingSet").upper().split())
    check(kept == set(NEEDED), f"the unit leaves {kept}, and this test knows {set(NEEDED)}")
    check(starts(m, None), "the daemon does not start with all of them")
    check(knows_who(m), "the daemon does not know who asks")
    for works in filter(None, NEEDED.values()):
        check(works(m), f"{works.__name__}: not even with all of them")
    for capability, works in NEEDED.items():
        started = starts(m, capability)
        check(started == bool(works), f"without {capability} the daemon {'starts' if started else 'does not start'}")
        check(not works or not works(m), f"{capability} is not needed")
        print(f"{capability}: needed", flush=True)


def main():
    try:
        base = root.system(sys.argv[1])
    except root.Unavailable as why:
        raise Skip(why) from why
    tools = f"{machine.BUILD}/tests/tools"
    layer = machine.installed(base, [f"{tools}/attack"])
    shutil.copy(f"{tools}/payload-wait", f"{layer}/usr/local/bin/survivor")
    try:
        with Machine(base, [layer], {f"/etc/systemd/system/{UNIT}.d/test.conf": "[Unit]\nStartLimitIntervalSec=0\n"}) as m:
            if m.process("/usr/lib/sealwatch/sealwatchd", "--version").returncode != 0:
                raise Skip(f"what is built here does not run on {sys.argv[1]}")
            m.await_state("trusted")
            test(m)
    finally:
        shutil.rmtree(layer)


machine.main(main)
