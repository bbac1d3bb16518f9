#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages on a whole Debian system: their own tests, the first week of docs/OPERATIONS.md as it stands there, and what is
done to units and registers told of with the right rule and severity.
test_packages.py KERNEL"""

import contextlib
import json
import os
import sys

sys.dont_write_bytecode = True
SOURCE = os.environ["SEALWATCH_SOURCE"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon", f"{SOURCE}/tests/system"]
import kernels  # noqa: E402
import package  # noqa: E402
from full import Guest  # noqa: E402
from lab import check, eventually  # noqa: E402
from operations import script  # noqa: E402
from process import Unavailable  # noqa: E402

# What the rules of OPERATIONS.md record without an alert, this machine wants to be told of.
UNIT_RULE = b"[Rule changed-units]\nEvent=unit\nPath=*watched.service *passing.service\nAction=alert\nSeverity=error\n"
WATCHED = "[Service]\\nExecStart=/usr/bin/sleep infinity\\n"


def follow(g, words):
    """Types what stands in the document. Returns what it printed."""
    return g.output(*words).decode()


def status(g):
    return json.loads(g.output("sh", "-c", "sealwatchctl status --json || [ $? = 1 ]"))


def await_state(g, state):
    eventually(lambda: status(g)["State"] == state, f"the state {state}", seconds=60)


def events(g, kind, **keys):
    found = [json.loads(line) for line in g.output("sealwatchctl", "events", "--format=json").splitlines()]
    return [e for e in found if e["kind"] == kind and all(e.get(k) == v for k, v in keys.items())]


def expect_event(g, kind, **keys):
    eventually(lambda: events(g, kind, **keys), f"an event {kind} with {keys}", seconds=60)


def show(g, name):
    return g.output("systemctl", "show", "--value", f"--property={name}", "sealwatchd").decode().strip()


def unknown(g, path="/root/unknown"):
    """A program that nobody learned."""
    g.output("sh", "-c", f"mkdir -p $(dirname {path}); rm -f {path}; cp /usr/bin/env {path} && echo >>{path} && echo {os.urandom(8).hex()} >>{path}")
    return path


def install_by_hand(g):
    """The packages' own tests, as autopkgtest runs them."""
    g.output("sh", "-c", "apt-get install --yes /root/packages/*.deb")
    check(show(g, "ActiveState") == "inactive", "installing it started it")
    check(g.run(["systemctl", "is-enabled", "sealwatchd"]) == 1, "installing it enabled it")
    for name in ("verify", "service"):
        g.output("sh", "-c", f"mkdir /run/own-{name} && AUTOPKGTEST_TMP=/run/own-{name} sh /root/tests/{name}")
    g.output("sh", "-c", "rm /etc/sealwatch/policy.d/* /etc/sealwatch/reference.d/*")


def test_installation(g):
    check(g.run([unknown(g), "true"]) == 0, "an unknown program does not run before anybody watches: the test proves nothing")
    follow(g, script("Installation", directory="/root/packages"))
    await_state(g, "trusted")
    check(status(g)["Tainted"] == [], f"tainted: {status(g)['Tainted']}")


def test_first_week(g):
    check(g.run([unknown(g), "true"]) == 0, "an unknown program did not run in observe")
    said = follow(g, script("The first week: observe"))
    check("Code that a rule names asked to run" in said and '"would-deny"' in said, f"the alert and its text: {said}")
    check(g.run([unknown(g, "/opt/app/tool"), "true"]) == 0, "an unknown program did not run in observe")
    follow(g, script("The first week: observe", 1))
    await_state(g, "trusted")


def test_events(g):
    """Each with the level and the rule that are its own; locked they do not make it."""
    g.output("sh", "-c", f"printf '{WATCHED}' >/etc/systemd/system/watched.service && systemctl daemon-reload && systemctl start watched")
    g.output("sh", "-c", "cat >/etc/sealwatch/policy.d/30-units.policy && sealwatchctl policy check && systemctl reload sealwatchd",
             stdin=UNIT_RULE)
    g.output("sh", "-c", "mkdir /etc/systemd/system/watched.service.d && printf '[Service]\\nEnvironment=A=1\\n' "
                         ">/etc/systemd/system/watched.service.d/own.conf && systemctl daemon-reload")
    expect_event(g, "activity", event="unit", target="watched.service", rule="changed-units", verdict="alert", severity="error")
    g.output("systemd-run", "--unit=passing", "sleep", "infinity")
    expect_event(g, "activity", event="unit", target="passing.service", rule="changed-units", verdict="alert", severity="error")
    g.output("tpm2_pcrextend", f"15:sha256={'22' * 32}")
    g.output("true")
    expect_event(g, "activity", event="pcr", target="15", rule="default", verdict="alert", severity="notice")
    check(status(g)["State"] == "trusted", f"events that no rule refuses led to {status(g)['State']}")


def prepare(g, packages):
    for path in packages:
        g.put(path, f"/root/packages/{os.path.basename(path)}")
    g.put(f"{SOURCE}/debian/tests", "/root/tests")


def step(g, test):
    try:
        test(g)
    except (AssertionError, KeyError, IndexError):
        with contextlib.suppress(AssertionError):
            print(g.output("sh", "-c", "systemctl status --no-pager --lines=60 sealwatchd; sealwatchctl status; true").decode())
        raise
    print(f"{test.__name__}: ok", flush=True)


try:
    debs = package.made(kernels.SUITES[sys.argv[1]])
    with Guest(sys.argv[1]) as guest:
        prepare(guest, debs)
        for each in (install_by_hand, test_installation, test_first_week, test_events):
            step(guest, each)
except Unavailable as why:
    print(f"SKIP: {why}")
    sys.exit(77)
