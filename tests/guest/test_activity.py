#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done to the running state of the machine: each thing is really done, seen, judged and, where a rule says so, refused.
Runs in the guest, with and without bpf among the security modules."""

import ctypes
import glob
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
import results  # noqa: E402
from lab import BUILD, ROOT, check, eventually, tool  # noqa: E402

DISK = f"{ROOT}/disk"
ACT = f"{DISK}/act"
DONE, REFUSED = 0, 1
EVENTS = "memory module-request bpf ptrace mount setuid device dm"
CGROUP = "/sys/fs/cgroup/activity-daemon"
PLACE = f"{ROOT}/place"

LEVELS = {}
HOOKS = {  # what shows each of them, in the words of the record
    ("memory", "anonymous"): "security_mmap_file", ("memory", "modified"): "security_file_mprotect",
    ("module-request", "request"): "security_kernel_module_request", ("bpf", "load"): "security_bpf",
    ("ptrace", "attach"): "security_ptrace_access_check", ("ptrace", "traceme"): "security_ptrace_traceme",
    ("mount", "mount"): "security_sb_mount", ("mount", "move"): "security_move_mount", ("mount", "unmount"): "security_sb_umount",
    ("setuid", "call"): "security_task_fix_setuid", ("setuid", "program"): "security_bprm_creds_from_file",
    ("device", "tpm"): "security_file_open", ("dm", "ioctl"): "security_file_ioctl",
    ("self", "signal"): "security_task_kill", ("self", "ptrace"): "security_ptrace_access_check", ("self", "limit"): "security_task_setrlimit",
    ("self", "write"): "security_file_open", ("self", "remove"): "security_inode_unlink", ("self", "mount"): "security_sb_mount",
    ("self", "map"): "security_bpf_map", ("self", "link"): "security_bpf",
}

ACTS = [  # what act does, the event, how, what of the target
    (("anonymous",), "memory", "anonymous", "(anonymous)"),
    (("protect",), "memory", "anonymous", "(anonymous)"),
    (("modified",), "memory", "modified", ACT),
    (("module", "nosuchfs"), "module-request", "request", "fs-nosuchfs"),
    (("bpf",), "bpf", "load", "act_filter"),
    (("ptrace",), "ptrace", "attach", ACT),
    (("mem",), "ptrace", "attach", ACT),
    (("vm",), "ptrace", "attach", ACT),
    (("traceme",), "ptrace", "traceme", ACT),
    (("mount", PLACE), "mount", "mount", PLACE),
    (("remount", DISK), "mount", "mount", DISK),
    (("unmount", DISK), "mount", "unmount", DISK),
    (("move", PLACE), "mount", "move", PLACE),
    (("user-tmpfs", PLACE), "mount", "mount", PLACE),
    (("setuid",), "setuid", "call", ACT),
    (("run-setuid", f"{DISK}/act-setuid"), "setuid", "program", f"{DISK}/act-setuid"),
    (("open", "/dev/tpmrm0"), "device", "tpm", "/dev/tpmrm0"),
    (("open", "/dev/mem"), "device", "memory", "/dev/mem"),
    (("open", "/proc/kcore"), "device", "memory", "/proc/kcore"),
    (("write", "/dev/loop7"), "device", "disk", "/dev/loop7"),
    (("dm", "act-table"), "dm", "ioctl", "act-table"),
]


def act(m, *words):
    return m.watched(ACT, *words)


def can_be_done(words):
    """Whether this guest has what it is about."""
    if words[0] in ("open", "write"):
        return os.path.exists(words[1])
    return words[0] != "dm" or os.path.exists("/dev/mapper/control")


def expect(m, event, how, target, **keys):
    def matches(e):
        return e["event"] == event and e["details"]["how"] == how and e["target"] == target and all(e[k] == v for k, v in keys.items())

    eventually(lambda: any(map(matches, m.events("activity"))), f"the event {event} {how} {target} {keys}")
    return next(filter(matches, m.events("activity")))


def show(event, how):
    if (event, how) in HOOKS:
        results.show(LEVELS, event, HOOKS[event, how], "denied")


def rules(m, mode, text):
    m.policy(mode, text)
    m.ctl("reload")


def test_levels(level):
    for event in f"{EVENTS} self".split():
        check(LEVELS[event].startswith(level), f"{event}: {LEVELS[event]}, not {level}")


def test_seen(m):
    """With a rule that names the events, each is said for each target."""
    rules(m, "observe", f"[Rule told]\nEvent={EVENTS}\nAction=alert\nSeverity=warning\n")
    for words, event, how, target in ACTS:
        if not can_be_done(words):
            print(f"not here: {words}")
            continue
        p = act(m, *words)
        refused_anyway = words[1:] == ("/dev/mem",)  # by the kernel's own lockdown, maybe
        check(p.returncode == DONE or refused_anyway, f"{words}: {p.returncode} {p.stderr}")
        e = expect(m, event, how, target, rule="told", verdict="alert")
        check(e["exe"] == ACT and e["severity"] == "warning", f"{words}: {e}")
        print(f"seen: {words[0]} {event} {how}")
    check(m.state() == "trusted", f"the state is {m.state()}")


def test_denied(m):
    rules(m, "enforce", f"[Rule no]\nEvent={EVENTS}\nAction=deny alert\nSeverity=error\n")
    for words, event, how, target in ACTS:
        if not can_be_done(words):
            continue
        p = act(m, *words)
        if event == "module-request":  # the kernel takes that for a module that is not there
            check(p.returncode == DONE, f"{words}: {p.returncode} {p.stderr}")
        else:
            check(p.returncode == REFUSED, f"{words} was not refused: {p.returncode} {p.stderr}")
        expect(m, event, how, target, rule="no", verdict="deny")
        show(event, how)
        print(f"denied: {words[0]} {event} {how}")
    check(m.state() == "trusted", f"what was denied changed the state: {m.state()}")


def test_known_afterwards(m):
    """By a rule that only user space can decide: done, and then the end of trust for what root does."""
    rules(m, "observe", f"[Rule here]\nEvent=mount\nPath={PLACE}\nAction=deny\n")
    check(act(m, "mount", PLACE).returncode == DONE, "observe refused it")
    expect(m, "mount", "mount", PLACE, rule="here", verdict="would-deny")
    check(m.state() == "trusted", f"the state is {m.state()}")


def test_quiet(m):
    """Without a rule nobody is told twice of what programs do all the time."""
    rules(m, "enforce", "")
    before = len(m.events("activity"))
    for _ in range(3):
        for place in (PLACE, DISK, "/tmp"):
            check(act(m, "mount", place).returncode == DONE, "a mount was refused")
        check(act(m, "anonymous").returncode == DONE, "memory was refused")
    m.expect_event("activity", event="memory", rule="default", verdict="allow")
    time_for_more = m.events("activity")[before:]
    check(len(time_for_more) == 2, f"said too often: {time_for_more}")


def test_namespace(m):
    """Records name the mount namespace of who did it."""
    rules(m, "observe", "[Rule elsewhere]\nEvent=bpf\nAction=allow\n")
    check(act(m, "bpf", "elsewhere").returncode == DONE, "a program was refused")
    e = expect(m, "bpf", "load", "act_filter", rule="elsewhere")
    check(e["mntns"] > 0, f"{e}")


# What is done to the daemon. Who started it, this process, may end it; so everything here is done by a child.

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, MNT_DETACH, SYS_BPF = 0x4206, 2, 321
BPF_MAP_GET_FD_BY_ID, BPF_LINK_GET_FD_BY_ID, BPF_MAP_GET_NEXT_ID, BPF_LINK_GET_NEXT_ID = 14, 30, 12, 31


def attempt(function, *arguments):
    """In a child: DONE, REFUSED or 2."""
    child = os.fork()
    if child == 0:
        code = DONE
        try:
            function(*arguments)
        except PermissionError:
            code = REFUSED
        except BaseException as e:  # pylint: disable=broad-except
            print(f"{function.__name__}: {e}", file=sys.stderr)
            code = 2
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def write(path, text):
    with open(path, "wb", buffering=0) as f:
        f.write(text)


def seize(pid):
    call(LIBC.ptrace(PTRACE_SEIZE, pid, 0, 0))


def unmount(path):
    call(LIBC.umount2(path.encode(), MNT_DETACH))


def mount_over(path):
    call(LIBC.mount(b"over", path.encode(), b"tmpfs", 0, None))


def get_all(next_id, get):
    """Every map or link of the machine; the daemon's are the only ones."""
    current, found = ctypes.create_string_buffer(128), 0
    while LIBC.syscall(SYS_BPF, next_id, current, 128) == 0:
        wanted = struct.unpack_from("<II", current)[1]
        asked = ctypes.create_string_buffer(struct.pack("<I", wanted), 128)
        if LIBC.syscall(SYS_BPF, get, asked, 128) >= 0:
            found += 1
        current = ctypes.create_string_buffer(struct.pack("<I", wanted), 128)
    if found == 0:
        raise PermissionError()


def self_attempts(m, cgroup):
    pid, run, pin = m.daemon.pid, f"{ROOT}/run/sealwatch", m.pins()[0]
    attempts = [
        ("signal", os.kill, pid, signal.SIGKILL),
        ("signal", os.kill, pid, signal.SIGSTOP),
        ("signal", os.kill, pid, signal.SIGTERM),
        ("ptrace", seize, pid),
        ("ptrace", open, f"/proc/{pid}/mem", "r+b"),
        ("limit", resource.prlimit, pid, resource.RLIMIT_NOFILE, (5, 5)),
        ("limit", os.sched_setaffinity, pid, [0]),
        ("write", write, f"/proc/{pid}/oom_score_adj", b"1000"),
        ("write", open, f"{run}/measurements", "r+b"),
        ("remove", os.unlink, f"{run}/measurements"),
        ("remove", os.rename, f"{run}/measurements", f"{run}/elsewhere"),
        ("remove", os.unlink, pin),
        ("remove", os.rename, pin, f"{ROOT}/bpf/elsewhere"),
        ("mount", unmount, f"{ROOT}/bpf"),
        ("mount", mount_over, f"{ROOT}/bpf"),
        ("mount", mount_over, run),
        ("map", get_all, BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID),
        ("link", get_all, BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID),
        ("kernel", open, "/proc/sys/kernel/ftrace_enabled", "wb"),
    ]
    if cgroup:
        attempts += [("cgroup", open, f"{cgroup}/cgroup.kill", "wb"), ("cgroup", open, f"{cgroup}/cgroup.freeze", "wb")]
    for unbind in glob.glob("/sys/bus/*/drivers/tpm_*/unbind"):
        attempts.append(("kernel", open, unbind, "wb"))
    return attempts


def test_self_denied(m, cgroup):
    rules(m, "enforce", "")
    for how, function, *arguments in self_attempts(m, cgroup):
        code = attempt(function, *arguments)
        check(code == REFUSED, f"self {how} {function.__name__} {arguments}: {code}")
        eventually(lambda: any(e["event"] == "self" and e["details"]["how"] == how for e in m.events("activity")), f"the event self {how}")
        show("self", how)
        print(f"denied: self {how} {function.__name__}")
    for e in m.events("activity"):
        check(e["event"] != "self" or e["verdict"] == "deny", f"{e}")
    check(m.state() == "trusted", f"what was denied changed the state: {m.state()}")


def test_what_stays_allowed(m):
    """Looking, and harmless signals; other processes; and mounts elsewhere of what is protected."""
    pid = m.daemon.pid
    copy = f"{ROOT}/copy"
    os.makedirs(f"{copy}/here", exist_ok=True)
    for function, *arguments in ((os.kill, pid, 0), (os.kill, pid, signal.SIGCONT), (open, f"/proc/{pid}/status"), (open, f"/proc/{pid}/maps"),
                                 (os.listdir, f"/proc/{pid}/fd"), (open, f"{ROOT}/run/sealwatch/measurements", "rb"),
                                 (write, "/proc/self/oom_score_adj", b"0")):
        check(attempt(function, *arguments) == DONE, f"{function.__name__} {arguments} was refused")
    tool("mount", "--bind", f"{ROOT}/bpf", f"{copy}/here")
    check(attempt(unmount, f"{copy}/here") == DONE, "another mount of the same file system could not be unmounted")
    check(m.state() == "trusted", f"the state is {m.state()}")


def test_self_by_rule(m):
    """A rule that lets be whatever is done to the daemon: told, and not refused."""
    rules(m, "enforce", "[Rule drill]\nEvent=self\nAction=allow\n")
    check(attempt(open, "/proc/sys/kernel/ftrace_enabled", "ab") == DONE, "the rule did not let it")
    expect(m, "self", "kernel", "/proc/sys/kernel/ftrace_enabled", rule="drill", verdict="allow")
    check(m.state() == "trusted", f"the state is {m.state()}")


def test_self_observed(m):
    rules(m, "observe", "")
    check(attempt(open, f"{ROOT}/run/sealwatch/measurements", "r+b") == DONE, "observe refused it")
    expect(m, "self", "write", f"{ROOT}/run/sealwatch/measurements", rule="default", verdict="would-lock")
    m.expect_state("degraded")


def test_stop(m):
    """Who started the daemon ends it."""
    rules(m, "enforce", "")
    check(m.stop() == 0, "the daemon did not end as it was told")


def own_cgroup():
    """A cgroup for us and the daemon, where that can be had."""
    try:
        os.makedirs(CGROUP, exist_ok=True)
        with open(f"{CGROUP}/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(os.getpid()))
    except OSError as e:
        print(f"not here: a cgroup of the daemon's own: {e}")
        return None
    return CGROUP if os.path.exists(f"{CGROUP}/cgroup.kill") else None


def prepare(m):
    shutil.copy(f"{BUILD}/tests/tools/act", ACT)
    shutil.copy(ACT, f"{DISK}/act-setuid")
    os.chmod(f"{DISK}/act-setuid", 0o4755)
    os.makedirs(PLACE)
    subprocess.run(["modprobe", "dm-mod"], check=False)
    if not os.path.exists("/dev/mapper/control") and os.path.exists("/sys/class/misc/device-mapper"):
        os.makedirs("/dev/mapper", exist_ok=True)
        tool("mknod", "/dev/mapper/control", "c", "10", "236")
    cgroup = own_cgroup()
    m.config(Watch={"Hooks": "yes"})
    m.policy("enforce")
    m.learn()
    m.start()
    m.expect_state("trusted")
    return cgroup


def main(m):
    cgroup = prepare(m)
    LEVELS.update(m.status()["Levels"])
    print(json.dumps(LEVELS))
    test_levels("enforce")
    for test in (test_seen, test_denied, test_known_afterwards, test_quiet, test_namespace):
        test(m)
        print(f"{test.__name__}: ok")
    m.judge_snapshot()
    test_self_denied(m, cgroup)
    for test in (test_what_stays_allowed, test_self_by_rule, test_self_observed, test_stop):
        test(m)
        print(f"{test.__name__}: ok")


lab.run(main)
