#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package of what is here, installed in a whole Debian system, whose compiler made its programs: it watches all of the machine.
test_system.py KERNEL"""

import os
import sys

sys.dont_write_bytecode = True
SOURCE = os.environ["SEALWATCH_SOURCE"]
sys.path[:0] = [f"{SOURCE}/tests/guest", f"{SOURCE}/tests/edge/daemon", f"{SOURCE}/tests/system"]
import kernels  # noqa: E402
import package  # noqa: E402
from full import Guest  # noqa: E402
from machine import tried  # noqa: E402
from process import skipping  # noqa: E402
from lab import check, eventually  # noqa: E402

UNKNOWN = "cp /usr/bin/env /root/unknown && echo >>/root/unknown && /root/unknown echo it runs"


def install(g, packages):
    for path in packages:
        g.put(path, f"/root/packages/{os.path.basename(path)}")
    g.output("sh", "-c", "apt-get install --yes /root/packages/*.deb")
    g.output("cp", "/usr/share/sealwatch/profiles/enforce.policy", "/etc/sealwatch/policy.d/")
    g.output("sealwatchctl", "policy", "learn", "--output", "/etc/sealwatch/reference.d/base.sha256", "/usr")


def test_watches_the_machine(g):
    check(g.run(["sh", "-c", UNKNOWN]) == 0, "an unknown program does not run before anybody watches: the test proves nothing")
    g.output("systemctl", "enable", "--now", "sealwatchd")
    eventually(g.is_trusted, "trust")
    check(g.status()["Tainted"] == [], f"tainted: {g.status()['Tainted']}")
    expect_levels(g)
    g.output("systemctl", "daemon-reload")
    check(g.run(["sh", "-c", UNKNOWN]) == 126, "an unknown program ran")
    eventually(lambda: verdicts(g, "/root/unknown") == ["deny"], "the denial's one record")
    check(g.is_trusted(), "a denial changed the state")


def verdicts(g, path):
    return [e["verdict"] for e in g.events("exec") if e["path"] == path]


def expect_levels(g):
    """The unit takes nothing away from what the kernel can do: what its programs claim by hand, they claim as a service."""
    levels = g.status()["Levels"]
    for what in ("exec", "library", "overwrite", "memory", "self"):
        check(levels[what] == "enforce (lsm)", f"the level of {what}: {levels}")


def test_alert_is_explained(g):
    def explained():
        return g.output("journalctl", "--catalog", "--no-pager", "--unit=sealwatchd", "SEALWATCH_KIND=exec").decode()

    eventually(lambda: "Code that a rule names asked to run" in explained() and "/root/unknown" in explained(), "the alert, explained")
    members = g.output("busctl", "introspect", "org.sealwatch1", "/org/sealwatch1").decode()
    check("org.sealwatch1.Manager" in members and ".StateChanged" in members, f"busctl introspect: {members}")


def main_pid(g):
    return g.output("systemctl", "show", "--value", "--property=MainPID", "sealwatchd").strip()


def test_restart_keeps_watching(g):
    """It is another process that denies now."""
    pid = main_pid(g)
    g.output("systemctl", "restart", "sealwatchd")
    check(main_pid(g) != pid, "it was not restarted")
    eventually(g.is_trusted, "trust after a restart")
    expect_levels(g)
    check(g.run(["/root/unknown", "echo", "it runs"]) == 126, "an unknown program ran")


def links(g):
    """Pins of programs, by the directory of the daemon that made them."""
    found = {}
    for line in g.output("find", "/sys/fs/bpf/sealwatch", "-name", "link-*").decode().split():
        found[os.path.dirname(line)] = found.get(os.path.dirname(line), 0) + 1
    return found


def last_event(g, kind):
    return g.events(kind)[-1]


def drop_in(g, *lines):
    """Of the unit, until the next boot; without lines: none."""
    text = "".join(f"{line}\\n" for line in lines)
    where = "/run/systemd/system/sealwatchd.service.d"
    g.output("sh", "-c", f"mkdir -p {where} && printf '{text}' >{where}/test.conf && systemctl daemon-reload")


def state(g):
    return g.output("systemctl", "show", "--value", "--property=ActiveState", "sealwatchd").strip()


def expect_another(g, pid, what):
    eventually(lambda: main_pid(g) not in (b"0", pid) and state(g) == b"active", f"{what}: the next daemon", 600)
    eventually(g.is_trusted, f"{what}: trust")


TRYING = "while [ -e /run/trying ]; do if /root/unknown true; then echo ran; else echo refused; fi; done >/run/tried 2>/dev/null"


def test_death_leaves_no_gap(g):
    """Killed, and for a while no other one comes: what is unknown is refused at each moment, until that one has taken over."""
    before = links(g)
    check(list(before.values()) > [0], f"nothing is pinned: {before}")
    check(last_event(g, "start")["pinned"] == sum(before.values()), f"the start record says something else: {last_event(g, 'start')}")
    drop_in(g, "[Service]", "RestartSec=25s")  # for long enough to look, and not until the ring is full of what the looking runs
    g.output("sh", "-c", f"touch /run/trying; setsid sh -c '{TRYING}' </dev/null >/dev/null 2>&1 &")
    eventually(lambda: g.run(["grep", "-q", ".", "/run/tried"]) == 0, "a first try")
    pid = main_pid(g)
    g.output("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "sealwatchd")
    eventually(lambda: main_pid(g) == b"0", "the death")
    check(links(g) == before, f"pins went with the daemon: {links(g)}")
    check(g.run(["/root/unknown", "true"]) == 126, "an unknown program ran without a daemon")
    check(main_pid(g) == b"0", "the next daemon was there already: the test proves nothing")
    expect_another(g, pid, "death")
    check(g.run(["/root/unknown", "true"]) == 126, "an unknown program ran behind the next daemon's start")
    g.output("rm", "/run/trying")
    tried = g.output("cat", "/run/tried").decode().split()
    check("ran" not in tried and tried.count("refused") > 2, f"what came of each try: {tried.count('ran')} ran, of {len(tried)}")
    gap = last_event(g, "gap")
    check(gap["clean"] is False and gap["judging"] == sum(before.values()), f"the gap: {gap}")
    after = links(g)
    check(after.keys().isdisjoint(before), f"pins of the dead daemon are left: {after}")
    check(list(after.values()) == list(before.values()), f"the next one pins less: {after}")
    expect_levels(g)
    drop_in(g)


def test_refuse_stop(g):
    """Root cannot have it stopped, by no means that systemd has; reload, hand-over and the way out by a record are left."""
    g.output("sh", "-c", "mkdir -p /etc/sealwatch/sealwatchd.conf.d; printf '[Daemon]\\nRefuseStop=yes\\n' >/etc/sealwatch/sealwatchd.conf.d/stop.conf")
    pid = main_pid(g)
    g.output("systemctl", "restart", "sealwatchd")
    expect_another(g, pid, "restart")
    pid = main_pid(g)
    drop_in(g, "[Unit]", "RefuseManualStop=yes")
    check(g.run(["systemctl", "stop", "sealwatchd"]) != 0, "systemctl stop works")
    for signal in ("TERM", "INT", "ABRT", "STOP", "KILL"):
        check(g.run(["systemctl", "kill", "--kill-whom=main", f"--signal={signal}", "sealwatchd"]) != 0, f"systemd may send SIG{signal}")
        check(g.run(["kill", f"-{signal}", pid.decode()]) != 0, f"root may send SIG{signal}")
    check(g.run(["kill", "-USR2", pid.decode()]) != 0, "root may have it hand over, past systemd")
    check(main_pid(g) == pid and g.is_trusted(), "the daemon is another one, or troubled")
    before = g.status()["PolicyGeneration"]
    g.output("systemctl", "reload", "sealwatchd")
    eventually(lambda: g.status()["PolicyGeneration"] > before, "the reload")
    check(main_pid(g) == pid, "a reload ended it")
    g.output("systemctl", "kill", "--kill-whom=main", "--signal=USR2", "sealwatchd")
    expect_another(g, pid, "hand-over")
    check(g.run(["/root/unknown", "true"]) == 126, "an unknown program ran")
    drop_in(g)
    pid = main_pid(g)
    g.output("systemctl", "restart", "sealwatchd")
    expect_another(g, pid, "restart with RefuseStop=yes")
    pid = main_pid(g)
    g.output("sealwatchctl", "detach", "--reason", "test")
    eventually(lambda: links(g) == {}, "the end of all pins")
    g.output("systemctl", "stop", "sealwatchd")
    check(g.output("systemctl", "show", "--value", "--property=Result", "sealwatchd").strip() == b"success", "the stop is no success")
    g.output("rm", "/etc/sealwatch/sealwatchd.conf.d/stop.conf")
    g.output("systemctl", "start", "sealwatchd")
    expect_another(g, pid, "start")


def test_stop(g):
    check(links(g) != {}, "nothing is pinned")
    g.output("systemctl", "stop", "sealwatchd")
    eventually(lambda: g.run(["/root/unknown", "true"]) == 0, "the end of what a service that was stopped denies")
    check(g.output("find", "/sys/fs/bpf/sealwatch", "-mindepth", "1") == b"", "a service that was stopped leaves pins")


def test_removal_after_a_death(g):
    """What is left of a daemon that died and does not come back goes with the package."""
    g.output("systemctl", "start", "sealwatchd")
    drop_in(g, "[Service]", "Restart=no")
    g.output("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "sealwatchd")
    eventually(lambda: main_pid(g) == b"0", "the death")
    g.output("systemctl", "stop", "sealwatchd")
    check(g.run(["/root/unknown", "true"]) == 126, "an unknown program ran: the test proves nothing")
    g.output("sh", "/var/lib/dpkg/info/sealwatch.postrm", "remove")
    check(g.run(["test", "-e", "/sys/fs/bpf/sealwatch"]) == 1, "something is left")
    eventually(lambda: g.run(["/root/unknown", "true"]) == 0, "the end of the programs in the kernel")


def test_pins_are_moved(g):
    """By mount(2), as root: the service sees them where they were, as its mounts are its own; the machine does not."""
    g.output("systemctl", "start", "sealwatchd")
    eventually(g.is_trusted, "trust")
    g.output("mount", "--make-private", "/sys")
    g.output("mkdir", "/root/pins")
    g.output("perl", "-e", 'syscall(165, my $from = "/sys/fs/bpf", my $to = "/root/pins", 0, 8192, 0) == 0 or die "mount: $!"')  # MS_MOVE
    eventually(lambda: g.events("locked"), "the lock")
    check(any(e["row"] == "hooks-dead" for e in g.events("failure")), f"the failures: {g.events('failure')}")


def life(debs, threads):
    with Guest(sys.argv[1], threads=threads) as guest:
        install(guest, debs)
        with guest.explained():
            for test in (test_watches_the_machine, test_alert_is_explained, test_restart_keeps_watching, test_death_leaves_no_gap,
                         test_refuse_stop, test_stop, test_removal_after_a_death, test_pins_are_moved):
                test(guest)
                print(f"{test.__name__}: ok", flush=True)


with skipping():
    made = package.made(kernels.SUITES[sys.argv[1]])
    tried(lambda threads: life(made, threads))
