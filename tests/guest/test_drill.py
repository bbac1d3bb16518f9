#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatchctl drill in a guest: what it says of each item, that nothing comes of it, that its announcement is good for nobody else and
for once only, and that the log of it all holds. Runs with and without bpf among the security modules."""

import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
import results  # noqa: E402
from lab import BUILD, ROOT, check, eventually, tool  # noqa: E402

DISK = f"{ROOT}/disk"
CTL, LIBRARIES = f"{DISK}/sealwatchctl", f"{DISK}/libraries"
CGROUP = "/sys/fs/cgroup/drill-daemon"
SECRET = b"what a drill must not take away"
HARSH = "[Rule harsh]\nEvent=self\nAction=deny lock\n"
LET = {"tpm-device", "bpf"}  # which no rule of the shipped policies refuses
WITHOUT_HASH = {"memfd", "loader", "library"}  # which the kernel side can tell apart only where it has digests


def drill(m, code=0):
    """Whoever tries to run unknown code must be in the scope."""
    words = [CTL, "--bus", m.bus, "drill", "--json", "--directory", DISK]
    script = 'echo $$ >"$0/cgroup.procs"; exec "$@"'
    p = subprocess.run(["bash", "-c", script, m.cgroup, *words], env=dict(os.environ, LD_LIBRARY_PATH=LIBRARIES),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    print(p.stdout, p.stderr)
    check(p.returncode == code, f"the drill: exit code {p.returncode}, not {code}: {p.stdout} {p.stderr}")
    return json.loads(p.stdout)


def outcomes(result):
    return {item["item"]: item["outcome"] for item in result["items"]}


def expect_untouched(m):
    check(m.state() == "trusted", f"the drill changed the state: {m.state()} {m.events('state')}")
    path = f"{ROOT}/tmp/token"
    m.ctl("release", "token", "--output", path)
    with open(path, "rb") as f:
        check(f.read() == SECRET, "the secret is another one")
    os.unlink(path)


def expect_no_surprise(result):
    for item in result["items"]:
        check(item["outcome"] != "missed" or item["named"], f"missed: {item}")
    check(result["result"] == "pass", f"{result['result']}")


def records(m, result):
    return [e for e in m.events() if e["seq"] > result["announced"]]


def test_enforced(m, rung):
    result = drill(m)
    expect_no_surprise(result)
    without = WITHOUT_HASH if rung == "fmod_ret" else set()
    for item in result["items"]:
        name, outcome = item["item"], item["outcome"]
        if name in LET:
            check(outcome in ("seen", "n/a"), f"{item}")
        elif name in without:
            check(outcome == "n/a" and ("level" in item["why"] or "digest" in item["why"]), f"{item}")
        elif not item["named"]:
            # what this guest does not have, besides
            check(outcome == "denied" or (outcome == "n/a" and "nothing of that kind" in item["why"]), f"{item}")
    found = outcomes(result)
    for name in ("signal", "ptrace", "log", "remove", "map", "program", "ftrace", "sysrq", "exec", "race-rename"):
        check(found[name] == "denied", f"{name}: {found[name]}")
    after = records(m, result)
    check(after[-1]["kind"] == "drill" and after[-1]["phase"] == "end", f"the last of it: {after[-1]}")
    check(all(e["verdict"] in ("deny", "allow", "alert") for e in after if "drill" in e), f"{after}")
    expect_untouched(m)
    results.show_drill(rung, result)


def test_harsh(m):
    """Rules that lock: not for a drill."""
    m.policy("enforce", HARSH)
    m.ctl("reload")
    expect_no_surprise(drill(m))
    expect_untouched(m)


def test_observed(m):
    m.policy("observe")
    m.ctl("reload")
    result = drill(m)
    expect_no_surprise(result)
    check(outcomes(result)["log"] == "seen", f"{outcomes(result)}")
    expect_untouched(m)


class Attacker:
    """Sends the daemon, as often as it is told, a signal that it ignores, and that is judged as those that end it are."""

    def __init__(self, pid):
        to_him, self.tell = os.pipe()
        self.hear, from_him = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            while os.read(to_him, 1):
                try:
                    os.kill(pid, signal.SIGPIPE)
                    os.write(from_him, b"d")
                except PermissionError:
                    os.write(from_him, b"r")
            os._exit(0)

    def strike(self):
        os.write(self.tell, b"!")
        check(os.read(self.hear, 1) == b"r", "the signal was not refused")

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def announce(m, pid):
    words = ["busctl", f"--address={m.bus}", "--json=short", "call", "org.sealwatch1", "/org/sealwatch1", "org.sealwatch1.Manager"]
    said = json.loads(tool(*words, "BeginDrill", "a{su}", "1", "signal", str(pid), stderr=subprocess.DEVNULL))
    return said["data"][0]


def judged(m):
    return [e for e in m.events("activity") if e["event"] == "self" and e["details"]["how"] == "signal"]


def begin_again(m):
    m.power_cycle()
    m.policy("enforce", HARSH)
    m.start()
    m.expect_state("trusted")


def test_somebody_else(m):
    begin_again(m)
    announced, other = Attacker(m.daemon.pid), Attacker(m.daemon.pid)
    announce(m, announced.pid)
    announced.strike()
    eventually(lambda: any(e.get("drill") == "signal" for e in judged(m)), "the record of the drill")
    check(m.state() == "trusted", f"the state is {m.state()}")
    other.strike()
    m.expect_state("locked")
    eventually(lambda: judged(m)[-1]["verdict"] == "lock" and "drill" not in judged(m)[-1], "the record of the other's")
    announced.end()
    other.end()
    m.judge_snapshot()


def test_used_up(m):
    """Once, and not behind its end."""
    begin_again(m)
    announced = Attacker(m.daemon.pid)
    announce(m, announced.pid)
    announced.strike()
    eventually(lambda: any(e.get("drill") == "signal" for e in judged(m)), "the record of the drill")
    check(m.state() == "trusted", f"the state is {m.state()}")
    announced.strike()
    m.expect_state("locked")
    announced.end()


def own_cgroup():
    with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="ascii") as f:
        f.write("+pids")
    os.makedirs(CGROUP, exist_ok=True)
    with open(f"{CGROUP}/cgroup.procs", "w", encoding="ascii") as f:
        f.write(str(os.getpid()))


def prepare(m):
    """Everything that the drill's own tool maps is known."""
    os.makedirs(LIBRARIES)
    shutil.copy(f"{BUILD}/tools/ctl/sealwatchctl", CTL)
    for program in CTL, "/usr/bin/false":
        for line in tool("ldd", program).splitlines():
            for word in line.split():
                if word.startswith("/"):
                    shutil.copy(word, LIBRARIES)
    shutil.copy("/usr/bin/false", f"{DISK}/false")
    own_cgroup()
    m.config(Watch={"Hooks": "yes"})
    m.policy("enforce")
    m.learn()
    m.start()
    m.expect_state("trusted")
    m.ctl("seal", "token", stdin=SECRET)


def main(m):
    rung = sys.argv[1]
    prepare(m)
    levels = m.status()["Levels"]
    print(json.dumps(levels))
    check(levels["self"].startswith("enforce") and rung in levels["exec"] + levels["self"], f"{levels}")
    test_enforced(m, rung)
    m.judge_snapshot()
    test_harsh(m)
    test_observed(m)
    m.judge_snapshot()
    for test in (test_somebody_else, test_used_up):
        test(m)
        print(f"{test.__name__}: ok")


lab.run(main)
