#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was built, installed in a whole Debian system: it watches all of the machine.
test_system.py KERNEL"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE, BUILD = os.environ["SEALWATCH_SOURCE"], os.environ["SEALWATCH_BUILD"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon"]
from full import Guest  # noqa: E402
from process import Unavailable  # noqa: E402
from lab import check, eventually  # noqa: E402

START = ["systemd-run", "--quiet", "--unit=sealwatchd", "--property=Type=notify", "/usr/lib/sealwatch/sealwatchd"]
UNKNOWN = "cp /usr/bin/env /root/unknown && echo >>/root/unknown && /root/unknown echo it runs"


def install(g):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True,
                       env=dict(os.environ, DESTDIR=directory))
        g.put(directory, "/")
    g.output("mkdir", "-p", "/etc/sealwatch/reference.d")
    g.put(f"{SOURCE}/policy/profiles/enforce.policy", "/etc/sealwatch/policy.d/enforce.policy")
    g.output("systemctl", "reload", "dbus")
    g.output("sealwatchctl", "policy", "learn", "--output", "/etc/sealwatch/reference.d/base.sha256", "/usr")


def status(g):
    return json.loads(g.output("sealwatchctl", "status", "--json"))


def test_watches_the_machine(g):
    check(g.run(["sh", "-c", UNKNOWN]) == 0, "an unknown program does not run before anybody watches: the test proves nothing")
    g.output(*START)
    eventually(lambda: status(g)["State"] == "trusted", "trust")
    check(status(g)["Tainted"] == [], f"tainted: {status(g)['Tainted']}")
    g.output("systemctl", "daemon-reload")
    check(g.run(["sh", "-c", UNKNOWN]) == 126, "an unknown program ran")
    events = [json.loads(line) for line in g.output("sealwatchctl", "events", "--format=json").splitlines()]
    denied = [e for e in events if e["kind"] == "exec" and e["path"] == "/root/unknown"]
    check([e["verdict"] for e in denied] == ["deny"], f"the denial's record: {denied}")
    check(status(g)["State"] == "trusted", "a denial changed the state")


try:
    with Guest(sys.argv[1]) as guest:
        install(guest)
        test_watches_the_machine(guest)
except Unavailable as why:
    print(f"SKIP: {why}")
    sys.exit(77)
