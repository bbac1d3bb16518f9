#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Others than root: everybody reads the properties, polkit's own daemon says who may do what else, and without it nobody but root may."""

import os
import pwd
import re
import subprocess

import lab
from lab import ROOT, SOURCE, Skip, check, eventually, tool

NOBODY, OTHER = 65534, 1  # whom the bus knows
POLKITD = next((p for p in ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd") if os.path.exists(p)), None)
RULES = """polkit.addRule(function(action, subject) {
    if (action.id == "org.sealwatch1.inspect" && subject.user == "nobody")
        return polkit.Result.YES;
    if (action.id == "org.sealwatch1.reload" && subject.user == "nobody")
        return polkit.Result.AUTH_ADMIN;
    return polkit.Result.NO;
});
"""
MANAGER = ("org.sealwatch1", "/org/sealwatch1", "org.sealwatch1.Manager")


def asks(m, user, *words):
    p = subprocess.run(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "busctl", f"--address={m.bus}", *words],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)
    return p.returncode == 0, p.stdout


def calls(m, user, *words):
    return asks(m, user, "call", *MANAGER, *words)


def refused(m, user, *words, why="denied|only root"):
    done, said = calls(m, user, *words)
    check(not done and re.search(why, said, re.I), f"{user} {words}: {said}")


def without_it(m):
    done, said = asks(m, NOBODY, "get-property", *MANAGER, "State")
    check(done and '"trusted"' in said, f"the state: {said}")
    refused(m, NOBODY, "ListEvents", "tu", "0", "1")
    refused(m, NOBODY, "Lock", "s", "no")


def start_polkitd(m):
    actions, rules = "/usr/share/polkit-1/actions", "/etc/polkit-1/rules.d"
    os.makedirs(f"{ROOT}/actions")
    os.makedirs(f"{ROOT}/rules")
    tool("cp", f"{SOURCE}/dbus/org.sealwatch1.policy", f"{ROOT}/actions")
    with open(f"{ROOT}/rules/10-test.rules", "w", encoding="ascii") as f:
        f.write(RULES)
    tool("chmod", "-R", "a+rX", f"{ROOT}/actions", f"{ROOT}/rules")
    tool("mount", "--bind", f"{ROOT}/actions", actions)
    tool("mount", "--bind", f"{ROOT}/rules", rules)
    log = open(f"{ROOT}/polkitd.log", "w", encoding="utf-8")
    daemon = subprocess.Popen([POLKITD, "--no-debug"], env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=m.bus), stdout=log, stderr=log)
    eventually(lambda: daemon.poll() is not None or asks(m, 0, "status", "org.freedesktop.PolicyKit1")[0], "polkit's daemon")
    if daemon.poll() is not None:
        with open(f"{ROOT}/polkitd.log", encoding="utf-8") as f:
            raise AssertionError(f"polkit's daemon ended: {f.read()}")
    return daemon


def with_it(m):
    done, said = calls(m, NOBODY, "ListEvents", "tu", "0", "1")
    check(done and '"boot"' in said, f"polkit lets him, the daemon does not: {said}")
    refused(m, OTHER, "ListEvents", "tu", "0", "1")
    refused(m, NOBODY, "Reload", why="interactive|ask somebody")
    refused(m, NOBODY, "Lock", "s", "no")
    for words in (["Detach", "s", "no"], ["BeginDrill", "a{su}", "1", "exec", "0"], ["EndDrill", "s", "0" * 32]):  # root's alone
        refused(m, NOBODY, *words)
    check(m.state() == "trusted", f"a stranger changed the state: {m.state()}")


def main(m):
    if not POLKITD:
        raise Skip("polkit is not installed")
    if "nobody" not in [user.pw_name for user in pwd.getpwall() if user.pw_uid == NOBODY]:
        raise Skip("65534 is not nobody")
    os.kill(m.bus_pid, 9)
    os.unlink(f"{ROOT}/run/bus")
    with open(f"{ROOT}/bus.conf", encoding="utf-8") as f:
        text = f.read()
    with open(f"{ROOT}/bus.conf", "w", encoding="utf-8") as f:
        f.write(text.replace("</busconfig>", '<policy context="default"><allow own="org.freedesktop.PolicyKit1"/>'
                             '<allow send_destination="org.freedesktop.PolicyKit1"/></policy></busconfig>'))
    m.bus_pid = int(tool("dbus-daemon", f"--config-file={ROOT}/bus.conf", "--fork", "--print-pid"))
    m.start()
    m.expect_state("trusted")
    without_it(m)
    daemon = start_polkitd(m)
    with_it(m)
    daemon.terminate()
    daemon.wait()
    without_it(m)


lab.run(main)
