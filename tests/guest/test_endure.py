#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs in the kernel outlive the daemon, and the next one takes over. Runs in the guest."""

import ctypes
import glob
import mmap
import os
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
from lab import BUILD, ROOT, check, eventually  # noqa: E402

DISK = f"{ROOT}/disk"
DONE, REFUSED = 0, 1
RELOADS = 20
FIRST_USES = 500
RULES = ("[Rule first]\nEvent=library\nReference=base\nAction=allow\n", "[Rule other]\nEvent=kexec\nAction=deny\n")
LIBC = ctypes.CDLL(None, use_errno=True)
SYS_BPF, BPF_OBJ_GET = 321, 7
FTRACE = "/proc/sys/kernel/ftrace_enabled"


def attack(m, *words):
    return m.watched(f"{DISK}/attack", *words).returncode


def expect(m, code, *words):
    found = attack(m, *words)
    check(found == code, f"attack {' '.join(words)}: {found}, not {code}")


def lets(m, path):
    """Programs that nobody holds any more are ended by the kernel in its own time."""
    eventually(lambda: attack(m, "map", path) == DONE, f"the end of the programs that refuse {path}")


def fork_in_scope(m, uid, act):
    """Runs act() as that user in a process of the watched cgroup that executes nothing. Its number."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with open(f"{m.cgroup}/cgroup.procs", "w", encoding="ascii") as f:
                f.write("0")
            os.setuid(uid)
            code = 0 if act() else 1
        finally:
            os._exit(code)
    return pid


def went_well(pid):
    """What act() said."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def in_scope(m, uid, act):
    return went_well(fork_in_scope(m, uid, act))


def maps(path):
    with open(path, "rb") as f:
        try:
            mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()
        except PermissionError:
            return False
    return True


def map_until(end, known, unknown):
    while not os.path.exists(end):
        if not maps(known) or maps(unknown):
            return False
        time.sleep(0.001)
    return True


def test_killed(m):
    """Nobody but the kernel judges, by the old policy; what it saw reaches the log. The daemon that comes is let judge before
    the earlier programs end: the whole time long nothing unknown is mapped."""
    unknown, fresh, ran = (f"{DISK}/{name}" for name in ("unknown.so", "fresh.so", "ran"))
    expect(m, REFUSED, "map", unknown)
    links = len(m.pins())
    m.kill()
    check(links > 3 and len(m.pins()) == links, f"pins: {m.pins()}")
    expect(m, REFUSED, "map", unknown)
    expect(m, DONE, "map", f"{DISK}/known.so")
    expect(m, DONE, "map", fresh)
    expect(m, REFUSED, "overwrite", f"{DISK}/known.so")
    check(m.watched(f"{ROOT}/unknown").returncode == 126, "an unknown program ran while nobody watched")
    check(m.watched(ran).returncode == 11, "a known program did not run")
    hammer = fork_in_scope(m, 0, lambda: map_until(f"{ROOT}/over", f"{DISK}/known.so", unknown))
    m.start()
    m.expect_state("trusted")
    with open(f"{ROOT}/over", "w", encoding="ascii"):
        pass
    check(went_well(hammer), "there was a moment in which nobody judged")
    gap = m.events("gap")[-1]
    check(gap["clean"] is False and gap["judging"] == links and gap["queued"] > 5 and gap["lost"] == 0, f"the gap: {gap}")
    check(m.events("start")[-1]["pinned"] == links, "the start record does not count the pins")
    m.expect_event("exec", path=f"{ROOT}/unknown", verdict="deny")
    m.expect_event("exec", path=f"{DISK}/known.so", event="overwrite", verdict="deny")
    m.expect_event("ungated", path=ran, verdict="seen")
    for path in (fresh, ran):  # by digest, as the gate would have done it
        m.expect_event("file", path=path)
    check(not m.events("lost"), "events were lost")
    expect(m, REFUSED, "map", unknown)
    expect(m, DONE, "map", f"{DISK}/known.so")
    m.judge_snapshot()


def test_new_policy(m):
    """The earlier programs end: what they refused and the new policy lets pass is let pass."""
    path = m.make_unknown(f"{DISK}/later.so")
    expect(m, REFUSED, "map", path)
    m.kill()
    m.learn()
    expect(m, REFUSED, "map", path)
    m.start()
    m.expect_state("trusted")
    lets(m, path)


def test_restart(m):
    """SIGUSR2 leaves them for the next one, SIGTERM leaves nothing."""
    unknown = m.make_unknown(f"{DISK}/other.so")
    check(m.hand_over() == 0, "it did not end well")
    expect(m, REFUSED, "map", unknown)
    m.start()
    m.expect_state("trusted")
    gap = m.events("gap")[-1]
    check(gap["clean"] is True and gap["judging"] > 3, f"the gap: {gap}")
    check(m.stop() == 0, "it did not end well")
    check(not m.pins() and not glob.glob(f"{ROOT}/bpf/sealwatch/*"), f"it left {m.pins()}")
    lets(m, unknown)
    m.start()
    m.expect_state("trusted")
    check(m.events("gap")[-1]["judging"] == 0, "somebody is said to have judged")
    expect(m, REFUSED, "map", unknown)


def held(pin):
    """A descriptor of what is pinned there, with which it lives on."""
    path = ctypes.create_string_buffer(pin.encode())
    attributes = struct.pack("=QII", ctypes.addressof(path), 0, 0)
    fd = LIBC.syscall(SYS_BPF, BPF_OBJ_GET, attributes, len(attributes))
    check(fd >= 0, f"{pin} cannot be had: {os.strerror(ctypes.get_errno())}")
    return fd


def kernel_programs(name):
    with open("/proc/kallsyms", encoding="ascii") as f:
        return sum(f"_{name}\t" in line for line in f)


def test_hurried(m):
    """The one that takes over is replaced before it is done with the earlier one, whose programs the kernel ends one after the other, in
    its own time: what ran without some of them is held against nobody, and has been told by who took over."""
    path = f"{DISK}/hurried"
    lab.shutil.copy(f"{DISK}/ran", path)
    check(m.hand_over() == 0, "it did not end well")
    last = held(next(pin for pin in m.pins() if pin.endswith("/link-on_exec")))
    m.start()
    m.expect_state("trusted")
    eventually(lambda: kernel_programs("check_program") == 1, "the end of a hook of the earlier one")
    check(m.watched(path).returncode == 11, "a known program did not run")
    m.expect_event("file", path=path)
    check(m.hand_over() == 0, "it did not end well")
    m.start()
    os.close(last)
    m.expect_state("trusted")
    check(not [e for e in m.events("ungated") if e["path"] == path], "what the gate was asked about is said to have run past it")


def test_flood(m):
    """Refusals of one user's beyond what the ring holds make nobody's events lost, and change nothing."""
    unknown, times = m.make_unknown(f"{DISK}/flood.so"), 3000
    os.chmod(unknown, 0o644)
    before = m.status()["DeniedCount"]
    m.daemon.send_signal(signal.SIGSTOP)
    check(in_scope(m, 65534, lambda: not any(maps(unknown) for _ in range(times))), "it was let pass")
    check(in_scope(m, 0, lambda: maps(f"{DISK}/after.so")), "a known library was refused")
    m.daemon.send_signal(signal.SIGCONT)
    eventually(lambda: [e for e in m.events("file") if e["path"] == f"{DISK}/after.so"], "the measurement")
    eventually(lambda: m.status()["DeniedCount"] >= before + times, "the count of all refusals")
    check(m.state() == "trusted" and not m.events("lost"), "a flood of refusals cost something")


def refused_until(end, path):
    while not os.path.exists(end):
        if maps(path):
            return False
    return True


def test_busy(m):
    """Somebody is refused without a pause: the daemon answers all others meanwhile."""
    end = f"{ROOT}/busy-over"
    children = [fork_in_scope(m, 65534, lambda: refused_until(end, f"{DISK}/flood.so")) for _ in range(2)]
    try:
        for _ in range(5):
            check(m.watched(f"{DISK}/ran").returncode == 11, "a known program did not run")
            check(m.state() == "trusted", f"the state: {m.state()}")
    finally:
        with open(end, "w", encoding="ascii"):
            pass
    check(all([went_well(pid) for pid in children]), "it was let pass")
    check(not m.events("lost"), "events were lost")


def map_abreast(paths, turns, own, other):
    """Each file when the other process comes to it, too. turns: memory of both."""
    for n, path in enumerate(paths, 1):
        turns[own] = n
        while turns[other] < n:
            pass
        if not maps(path):
            turns[own] = len(paths)
            return False
    return True


def test_first_use(m):
    """Two processes are the first to use a file, at the same moment: what is known is refused to neither."""
    paths = [f"{DISK}/first-{n}.so" for n in range(FIRST_USES)]
    for path in paths:
        lab.shutil.copy(f"{DISK}/known.so", path)
    turns = memoryview(mmap.mmap(-1, 16)).cast("Q")
    children = [fork_in_scope(m, 0, lambda i=i: map_abreast(paths, turns, i, 1 - i)) for i in range(2)]
    check(all([went_well(pid) for pid in children]), "a known library was refused")


def test_reloads(m):
    """Policies that change as fast as they can be read: what every one of them lets pass is let pass, and what every one
    refuses is refused, by any mixture of two."""
    known, unknown, rules = f"{DISK}/known.so", m.make_unknown(f"{DISK}/torn.so"), f"{ROOT}/etc/policy.d/a.policy"
    os.chmod(unknown, 0o644)
    children = [fork_in_scope(m, 0, lambda: map_until(f"{ROOT}/reloaded", known, unknown)) for _ in range(3)]
    for n in range(RELOADS):
        with open(rules, "w", encoding="utf-8") as f:
            f.write(RULES[n % 2])
        m.ctl("reload")
    with open(f"{ROOT}/reloaded", "w", encoding="ascii"):
        pass
    check(all([went_well(pid) for pid in children]), "two policies were mixed")
    os.unlink(rules)
    m.ctl("reload")


def test_detach(m):
    m.ctl("detach", "--reason", "test")
    eventually(lambda: maps(f"{DISK}/flood.so") and attack(m, "map", f"{DISK}/flood.so") == DONE, "the end of the programs")
    m.expect_state("degraded")  # it may take a while to answer: the kernel takes its time for each program
    levels = m.status()["Levels"]
    check(levels["library"] == "off (detached)" and levels["exec"].startswith("gate"), f"the levels: {levels}")
    check(not m.runs(m.make_unknown(f"{DISK}/gated")), "the gate does not work any more")
    check(m.stop() == 0, "it did not end well")
    m.start()
    m.expect_state("trusted")
    expect(m, REFUSED, "map", f"{DISK}/flood.so")


def try_mounts(directory, times):
    """Refused by the kernel, and told by the hook, as each is about another place."""
    return not any(LIBC.mount(b"none", f"{directory}/{n}".encode(), b"tmpfs", 0, None) == 0 for n in range(times))


def test_crowd(m):
    """What one user does, and no rule is about, beyond what the ring holds: costs events of its own kind, and no others."""
    places, times, late = f"{ROOT}/places", 2000, {f"{DISK}/late-{n}.so" for n in range(4)}
    for n in range(times):
        os.makedirs(f"{places}/{n}")
    m.daemon.send_signal(signal.SIGSTOP)
    check(in_scope(m, 65534, lambda: try_mounts(places, times)), "any user may mount")
    check(in_scope(m, 0, lambda: all(maps(path) for path in late)), "a known library was refused")
    m.daemon.send_signal(signal.SIGCONT)
    eventually(lambda: late <= {e["path"] for e in m.events("file")}, "the measurements")
    m.expect_event("lost", sensor="activity")
    check(not [e for e in m.events("lost") if e["sensor"] != "activity"], "others' events were lost")
    m.expect_state("degraded")


def write_ftrace(value):
    with open(FTRACE, "w", encoding="ascii") as f:
        f.write(value)


def boot_again(m):
    m.power_cycle()
    m.start()
    m.expect_state("trusted")


def test_silenced(m):
    """While nobody is there root can silence the programs, and have them speak again before anybody comes. What counts execs is not
    silenced with them."""
    boot_again(m)
    eventually(lambda: m.watched(f"{ROOT}/unknown").returncode == 126, "the refusal")
    m.kill()
    write_ftrace("0")
    check(m.watched(f"{ROOT}/unknown").returncode != 126, "the programs are not silent: the test proves nothing")
    write_ftrace("1")
    check(m.watched(f"{ROOT}/unknown").returncode == 126, "the programs are silent still")
    m.start()
    m.expect_state("locked")
    m.expect_event("failure", row="hooks-dead", detail="a program ran without the hooks of an earlier daemon being asked")
    m.expect_event("ungated", path=f"{ROOT}/unknown")


def test_some_ended(m):
    """Nobody but root can end one of the programs and leave the others."""
    boot_again(m)
    m.kill()
    left = len(m.pins())
    os.unlink(m.pins()[0])
    m.start()
    m.expect_state("locked")
    check(m.events("gap")[-1]["judging"] == left - 1, f"the gap: {m.events('gap')[-1]}")
    m.expect_event("failure", row="hooks-dead")


def test_blinded(m):
    """Of programs whose state or ring somebody removed nobody knows what they saw: they do not count."""
    boot_again(m)
    for name in ("map-state", "map-ring"):
        m.kill()
        os.unlink(max(glob.glob(f"{ROOT}/bpf/sealwatch/*/{name}")))  # of the last one: their names sort by age
        m.start()
        eventually(lambda: m.state() != "starting", "the start")
        check(m.events("gap")[-1]["judging"] == 0, f"the gap without {name}: {m.events('gap')[-1]}")


def test_unpinned(m):
    """As any hook that is made to end."""
    boot_again(m)
    os.unlink(m.pins()[0])
    m.expect_state("locked")
    m.expect_event("failure", row="hooks-dead")


def prepare(m):
    for name in ("known", "fresh", "after", "late-0", "late-1", "late-2", "late-3"):
        m.make_unknown(f"{DISK}/{name}.so")
    lab.shutil.copy(f"{BUILD}/tests/tools/payload-good", f"{DISK}/ran")
    m.config(Watch={"Hooks": "yes"})
    m.policy("enforce", "\n[Rule overwritten]\nEvent=overwrite\nAction=deny alert\n")
    m.learn()
    m.make_unknown(f"{DISK}/unknown.so")
    m.start()
    m.expect_state("trusted")


def main(m):
    prepare(m)
    for test in (test_killed, test_new_policy, test_restart, test_hurried, test_flood, test_busy, test_first_use, test_reloads, test_detach,
                 test_crowd, test_silenced, test_some_ended, test_blinded, test_unpinned):
        test(m)
        print(f"{test.__name__}: ok", flush=True)


lab.run(main)
