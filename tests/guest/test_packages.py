#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a stranger does with the packages, on a whole Debian system that boots: the commands of docs/OPERATIONS.md as they stand
there, from installation through observe and enforce to a lock, the reboot out of it, an update, and the removal.
test_packages.py KERNEL"""

import contextlib
import json
import os
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE = os.environ["SEALWATCH_SOURCE"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon", f"{SOURCE}/tests/system"]
import kernels  # noqa: E402
import operations  # noqa: E402
import package  # noqa: E402
from full import Guest  # noqa: E402
from lab import check, eventually  # noqa: E402
from machine import Died  # noqa: E402
from operations import script  # noqa: E402
from process import Unavailable  # noqa: E402

NEW = "9.9"
PINS = "/sys/fs/bpf/sealwatch"
# What the rules of OPERATIONS.md record without an alert, this machine wants to be told of.
UNIT_RULE = b"[Rule changed-units]\nEvent=unit\nPath=*watched.service *passing.service\nAction=alert\nSeverity=error\n"
WATCHED = "[Service]\\nExecStart=/usr/bin/sleep infinity\\n"
TRY = "while :; do echo >>/root/tried; /root/unknown true && touch /root/ran; sleep 0.02; done"


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
    g.output("sh", "-c", f"mkdir -p $(dirname {path}) && cp /usr/bin/env {path} && echo >>{path} && echo {os.urandom(8).hex()} >>{path}")
    return path


def holds_the_secret(g):
    return g.run(["sh", "-c", "sealwatchctl release database-key | cmp - /root/key.bin"]) == 0


def accounts(g):
    return g.output("sh", "-c", "getent passwd; getent group")


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


def test_enforce(g):
    follow(g, script("Going to enforce"))
    eventually(lambda: status(g)["Mode"] == "enforce", "the mode")
    check(g.run([unknown(g), "true"]) == 126, "an unknown program ran")
    check(g.run(["/opt/app/tool", "true"]) == 0, "what was learned does not run")
    check([e["verdict"] for e in events(g, "exec", path="/root/unknown")][-1] == "deny", "the denial's record")
    explained = g.output("journalctl", "-x", "--no-pager", "-u", "sealwatchd", "SEALWATCH_VERDICT=deny").decode()
    check("Code that a rule names asked to run" in explained and "unknown-code decided about /root/unknown: deny" in explained,
          f"no text of the catalog: {explained}")
    await_state(g, "trusted")


def test_secrets(g):
    g.output("sh", "-c", "head -c 32 /dev/urandom >/root/key.bin && mkdir -p /run/app")
    follow(g, script("Secrets"))
    check(holds_the_secret(g) and g.run(["cmp", "/run/app/key", "/root/key.bin"]) == 0, "the secret is another")


def test_alert(g):
    said = follow(g, operations.evidence_elsewhere())
    check("FAIL" not in said, f"the evidence: {said}")


def test_lock(g):
    """A measurement that is in no list of the kernel's: somebody forged, or silenced, IMA."""
    check(status(g)["Levels"]["ima"] == "observe", f"IMA's list is not followed: {status(g)['Levels']['ima']}")
    g.output("tpm2_pcrextend", f"10:sha256={'11' * 32}")
    g.output("true")
    await_state(g, "locked")
    check(events(g, "tamper", what="ima-list", verdict="lock"), f"{events(g, 'tamper')}")
    said = follow(g, script("A lock"))
    check('"trigger"' in said and "MESSAGE" not in said and "Documentation: man:" in said, f"the lock explained: {said}")
    check(not holds_the_secret(g), "a locked guard handed a secret out")


def test_reboot(g):
    """It is there by itself, and so is the secret."""
    await_state(g, "trusted")
    said = g.output("systemctl", "status", "--no-pager", "sealwatchd").decode()
    check("Active: active (running)" in said and "trusted" in said, f"systemctl status: {said}")
    members = g.output("busctl", "introspect", "org.sealwatch1", "/org/sealwatch1").decode()
    check("org.sealwatch1.Manager" in members and ".StateChanged" in members, f"busctl introspect: {members}")
    said = g.output("sealwatchctl", "status").decode()
    check("trusted" in said and "enforce" in said, f"sealwatchctl status: {said}")
    check(g.run(["/root/unknown", "true"]) == 126, "an unknown program ran")
    check(holds_the_secret(g), "the lock outlived the reboot")


# another version

@contextlib.contextmanager
def never_unguarded(g):
    """Meanwhile somebody goes on trying an unknown program."""
    g.output("sh", "-c", "rm -f /root/tried /root/ran")
    g.output("systemd-run", "--collect", "--unit=trier", "sh", "-c", TRY)
    yield
    tried = int(g.output("sh", "-c", "systemctl stop trier; wc -l </root/tried"))
    check(tried > 10, f"an unknown program was tried {tried} times only")
    check(g.run(["test", "-e", "/root/ran"]) == 1, "an unknown program ran while the daemon was another")
    check(g.run(["/root/unknown", "true"]) == 126, "an unknown program ran afterwards")


def daemon_is(g, version):
    eventually(lambda: show(g, "SubState") == "running", "the restart", seconds=60)
    await_state(g, "trusted")
    changed = f"test \"$(tail -c {len(NEW)} /proc/{show(g, 'MainPID')}/exe)\" = {NEW}"
    check(g.run(["sh", "-c", changed]) == (0 if version == NEW else 1), "the daemon that runs is the other version")
    check(holds_the_secret(g), "the change of version lost the secret")
    check(events(g, "gap")[-1]["clean"] is True, f"a change of version is a clean gap: {events(g, 'gap')[-1]}")


def test_upgrade(g):
    with never_unguarded(g):
        follow(g, script("Updates of other packages"))
        daemon_is(g, NEW)


def test_downgrade(g):
    with never_unguarded(g):
        g.output("sh", "-c", "apt-get install --yes --allow-downgrades /root/packages/sealwatch_*.deb")
        daemon_is(g, "old")


def test_removal(g, before):
    g.output("apt-get", "remove", "--yes", "sealwatch")
    check(g.run(["pgrep", "sealwatchd"]) == 1, "the daemon runs without its package")
    check(g.run(["/root/unknown", "true"]) == 0, "what is removed still denies")
    check(g.run(["test", "-d", "/var/log/sealwatch"]) == 0, "removing it removed the log")
    g.output("apt-get", "purge", "--yes", "sealwatch", "sealwatch-verify", "sealwatch-doc")
    left = g.output("sh", "-c", f"find / -xdev \\( -path /proc -o -path /root -o -path '/var/lib/dpkg/*' -o -path '/var/log/apt/*' "
                                f"-o -path /etc/apt -o -path '/var/lib/apt/*' -o -path '/var/cache/apt/*' \\) -prune -o -name '*sealwatch*' "
                                f"-print; find /run {os.path.dirname(PINS)} -name '*sealwatch*'; "
                                "systemctl list-unit-files --no-legend 'sealwatch*'; systemctl list-units --all --state=loaded --no-legend 'sealwatch*'")
    check(not left, f"a purge leaves {left.decode()}")
    check(accounts(g) == before, f"a purge leaves accounts: {before.decode()} are {accounts(g).decode()}")


def prepare(g, packages, new):
    for path in packages:
        g.put(path, f"/root/packages/{os.path.basename(path)}")
    g.put(new, f"/root/repository/{os.path.basename(new)}")
    g.output("sh", "-c", "cat >/root/repository/Packages", stdin=operations.index(new).encode())
    g.output("sh", "-ec", operations.ONLY_OURS)
    g.put(f"{SOURCE}/debian/tests", "/root/tests")


def step(g, test, *arguments):
    try:
        test(g, *arguments)
    except (AssertionError, KeyError, IndexError):
        with contextlib.suppress(AssertionError):
            print(g.output("sh", "-c", "systemctl status --no-pager --lines=60 sealwatchd; sealwatchctl status; true").decode())
        raise
    print(f"{test.__name__}: ok", flush=True)


def boot(series, directory):
    """secretmem.enable=1: Debian 12's kernel has memfd_secret(2) only where it is asked for."""
    for again in (True, False):
        try:
            return Guest(series, more=["secretmem.enable=1"] if series == "6.1" else (), keep=directory).__enter__()
        except Died:
            if not again:
                raise
    return None


def life(series, directory):
    packages = package.made(kernels.SUITES[series])
    new = package.version(next(p for p in packages if "/sealwatch_" in p), NEW, directory)
    with contextlib.closing(boot(series, directory)) as g:
        prepare(g, packages, new)
        before = accounts(g)
        for test in (install_by_hand, test_installation, test_first_week, test_events, test_enforce, test_secrets, test_alert, test_lock):
            step(g, test)
        g.power_off()
    with contextlib.closing(boot(series, directory)) as g:
        for test in (test_reboot, test_upgrade, test_downgrade):
            step(g, test)
        step(g, test_removal, before)


signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
try:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as kept:
        life(sys.argv[1], kept)
except Unavailable as why:
    print(f"SKIP: {why}")
    sys.exit(77)
