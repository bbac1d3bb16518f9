#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done to the running state of the machine: each thing is really done, seen, judged and, where a rule says so, refused.
Runs in the guest: test_activity.py lsm|fmod_ret|fentry, as test_hooks.py."""

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
WATCHED = f"{ROOT}/watched"
TRACING = "/sys/kernel/tracing"

RUNG = sys.argv[1]
LEVELS = {}

ACTS = [  # what act does, the event, how, what of the target, and in the words of docs/hooks.md: the way, what sees it
    (("anonymous",), "memory", "anonymous", "(anonymous)", "mmap of anonymous memory", "security_mmap_file"),
    (("protect",), "memory", "anonymous", "(anonymous)", "mprotect of anonymous memory", "security_file_mprotect"),
    (("modified",), "memory", "modified", ACT, "mprotect of a file's changed page", "security_file_mprotect"),
    (("module", "nosuchfs"), "module-request", "request", "fs-nosuchfs", "a file system that is a module", "security_kernel_module_request"),
    (("bpf",), "bpf", "load", "act_filter", "BPF_PROG_LOAD", "security_bpf"),
    (("ptrace",), "ptrace", "attach", ACT, "ptrace", "security_ptrace_access_check"),
    (("mem",), "ptrace", "attach", ACT, "/proc/PID/mem", "security_ptrace_access_check"),
    (("vm",), "ptrace", "attach", ACT, "process_vm_writev", "security_ptrace_access_check"),
    (("traceme",), "ptrace", "traceme", ACT, "PTRACE_TRACEME", "security_ptrace_traceme"),
    (("mount", PLACE), "mount", "mount", PLACE, "mount", "security_sb_mount"),
    (("remount", DISK), "mount", "mount", DISK, "remount", "security_sb_mount"),
    (("reconfigure", DISK), "mount", "reconfigure", DISK, "fspick, fsconfig", "security_sb_remount"),
    (("reconfigure", "/dev"), "mount", "reconfigure", "/dev", "fspick, fsconfig", "security_sb_remount"),
    (("reconfigure-new",), "mount", "reconfigure", "(unreachable)/", "fspick, fsconfig", "security_sb_remount"),
    (("user-tmpfs", PLACE), "mount", "mount", PLACE, "mount in a user namespace", "security_sb_mount"),
    (("unmount", DISK), "mount", "unmount", DISK, "umount", "security_sb_umount"),
    (("move", PLACE), "mount", "move", PLACE, "fsmount, move_mount", "security_move_mount"),
    (("clone", PLACE), "mount", "move", PLACE, "open_tree, move_mount", "security_move_mount"),
    (("pivot", DISK), "mount", "pivot", DISK, "pivot_root", "security_sb_pivotroot"),
    (("setuid",), "setuid", "call", ACT, "setresuid", "security_task_fix_setuid"),
    (("run-setuid", f"{DISK}/act-setuid"), "setuid", "program", f"{DISK}/act-setuid", "a setuid program", "security_bprm_creds_from_file"),
    (("open", "/dev/tpmrm0"), "device", "tpm", "/dev/tpmrm0", "/dev/tpmrm0", "security_file_open"),
    (("open", "/dev/mem"), "device", "memory", "/dev/mem", "/dev/mem", "security_file_open"),
    (("open", "/proc/kcore"), "device", "memory", "/proc/kcore", "/proc/kcore", "security_file_open"),
    (("write", "/dev/loop7"), "device", "disk", "/dev/loop7", "a block device, for writing", "security_file_open"),
    (("dm", "act-table"), "dm", "ioctl", "act-table", "DM_DEV_CREATE", "security_file_ioctl"),
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


def rules(m, mode, text):
    m.policy(mode, text)
    m.ctl("reload")


def test_levels():
    level = "observe" if RUNG == "fentry" else "enforce"
    for event in f"{EVENTS} self".split():
        check(LEVELS[event].startswith(f"{level} ({RUNG}"), f"{event}: {LEVELS[event]}, not {level} ({RUNG})")


def test_seen(m):
    """With a rule that names the events, each is said for each target."""
    rules(m, "observe", f"[Rule told]\nEvent={EVENTS}\nAction=alert\nSeverity=warning\n")
    for words, event, how, target, way, hook in ACTS:
        if not can_be_done(words):
            print(f"not here: {words}")
            continue
        p = act(m, *words)
        refused_anyway = words[1:] == ("/dev/mem",)  # by the kernel's own lockdown, maybe
        check(p.returncode == DONE or refused_anyway, f"{words}: {p.returncode} {p.stderr}")
        e = expect(m, event, how, target, rule="told", verdict="alert")
        check(e["exe"] == ACT and e["severity"] == "warning", f"{words}: {e}")
        print(f"seen: {words[0]} {event} {how}")
        if RUNG == "fentry":
            results.show(RUNG, LEVELS, event, way, hook, "seen")
    check(m.state() == "trusted", f"the state is {m.state()}")


def test_denied(m):
    rules(m, "enforce", f"[Rule no]\nEvent={EVENTS}\nAction=deny alert\nSeverity=error\n")
    for words, event, how, target, way, hook in ACTS:
        if not can_be_done(words):
            continue
        p = act(m, *words)
        if event == "module-request":  # the kernel takes that for a module that is not there
            check(p.returncode == DONE, f"{words}: {p.returncode} {p.stderr}")
        else:
            check(p.returncode == REFUSED, f"{words} was not refused: {p.returncode} {p.stderr}")
        expect(m, event, how, target, rule="no", verdict="deny")
        results.show(RUNG, LEVELS, event, way, hook, "denied")
        print(f"denied: {words[0]} {event} {how}")
    check(m.state() == "trusted", f"what was denied changed the state: {m.state()}")


def test_done(m):
    """Nobody can refuse it: who did it is killed, and root's doing ends the trust."""
    rules(m, "enforce", f"[Rule no]\nEvent={EVENTS}\nAction=deny alert\nSeverity=error\n")
    act(m, "user-tmpfs", PLACE)
    expect(m, "mount", "mount", PLACE, rule="no", verdict="kill", uid=65534)
    check(m.state() == "degraded", f"any user can do more than degrade: {m.state()}")
    act(m, "mount", PLACE)
    expect(m, "mount", "mount", PLACE, rule="no", verdict="lock")
    m.expect_state("locked")


def test_config(m):
    """Not a hook's to see, and told once the writer is done."""
    write(WATCHED, b"changed")
    expect(m, "config", "changed", WATCHED)
    results.show(RUNG, LEVELS, "config", "writing a watched file", "FAN_CLOSE_WRITE", "seen")


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
PTRACE_SEIZE, MNT_DETACH, SYS_BPF, SYS_PERF_EVENT_OPEN = 0x4206, 2, 321, 298
BPF_MAP_GET_FD_BY_ID, BPF_LINK_GET_FD_BY_ID, BPF_MAP_GET_NEXT_ID, BPF_LINK_GET_NEXT_ID = 14, 30, 12, 31
BPF_PROG_GET_FD_BY_ID, BPF_PROG_GET_NEXT_ID = 13, 11
AT_FDCWD, CLONE_NEWNS, SYS_MOVE_MOUNT, SYS_FSCONFIG, SYS_FSPICK, FSCONFIG_CMD_RECONFIGURE = -100, 0x20000, 429, 431, 433, 7
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000


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


def reconfigure(path):
    """For everybody, though from a mount namespace of one's own."""
    call(LIBC.unshare(CLONE_NEWNS))
    fs = call(LIBC.syscall(SYS_FSPICK, AT_FDCWD, path.encode(), 0))
    call(LIBC.syscall(SYS_FSCONFIG, fs, FSCONFIG_CMD_RECONFIGURE, None, None, 0))


def move(path, to):
    call(LIBC.syscall(SYS_MOVE_MOUNT, AT_FDCWD, path.encode(), AT_FDCWD, to.encode(), 0))


def move_by_name(path, to):
    call(LIBC.mount(path.encode(), to.encode(), None, MS_MOVE, None))


def unmount_in_own(path, flags):
    """In a mount namespace that the process makes for itself; flags: 0, or how its mounts are made to be its own."""
    call(LIBC.unshare(CLONE_NEWNS))
    if flags:
        call(LIBC.mount(None, b"/", None, flags, None))
    unmount(path)


def bind_over(path):
    call(LIBC.mount(sys.executable.encode(), path.encode(), None, MS_BIND, None))


def mount_over(path):
    call(LIBC.mount(b"over", path.encode(), b"tmpfs", 0, None))


def get_all(next_id, get):
    """Every map, link or program of the machine; the daemon's are the only ones."""
    current, found = ctypes.create_string_buffer(128), 0
    while LIBC.syscall(SYS_BPF, next_id, current, 128) == 0:
        wanted = struct.unpack_from("<II", current)[1]
        asked = ctypes.create_string_buffer(struct.pack("<I", wanted), 128)
        if LIBC.syscall(SYS_BPF, get, asked, 128) >= 0:
            found += 1
        current = ctypes.create_string_buffer(struct.pack("<I", wanted), 128)
    if found == 0:
        raise PermissionError()


def probe_kernel(function, address):
    """By the function's name, or at an address."""
    with open("/sys/bus/event_source/devices/kprobe/type", encoding="ascii") as f:
        kind = int(f.read())
    name = ctypes.create_string_buffer(function)
    attributes = struct.pack("<IIQQQQQIIQQ", kind, 72, 0, 0, 0, 0, 0, 0, 0, ctypes.addressof(name) if function else 0, address)
    call(LIBC.syscall(SYS_PERF_EVENT_OPEN, attributes, 0, -1, -1, 0))


def trace_kernel():
    """The same for everybody; it is taken back."""
    fd = os.open(f"{TRACING}/kprobe_events", os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"p:sealwatch_test do_nanosleep\n")
    os.write(fd, b"-:sealwatch_test\n")


def self_attempts(m):
    """How, which function of the kernel sees it, the way, and what does it."""
    pid, run, pin = m.daemon.pid, f"{ROOT}/run/sealwatch", m.pins()[0]
    attempts = [
        ("signal", "task_kill", "SIGKILL", os.kill, pid, signal.SIGKILL),
        ("signal", "task_kill", "SIGSTOP", os.kill, pid, signal.SIGSTOP),
        ("signal", "task_kill", "SIGTERM", os.kill, pid, signal.SIGTERM),
        ("ptrace", "ptrace_access_check", "ptrace", seize, pid),
        ("ptrace", "ptrace_access_check", "/proc/PID/mem", open, f"/proc/{pid}/mem", "r+b"),
        ("limit", "task_setrlimit", "prlimit", resource.prlimit, pid, resource.RLIMIT_NOFILE, (5, 5)),
        ("limit", "task_setscheduler", "sched_setaffinity", os.sched_setaffinity, pid, [0]),
        ("limit", "task_setnice", "setpriority", os.setpriority, os.PRIO_PROCESS, pid, 19),
        ("write", "file_open", "/proc/PID/oom_score_adj", write, f"/proc/{pid}/oom_score_adj", b"1000"),
        ("write", "file_open", "writing to the log", open, f"{run}/measurements", "r+b"),
        ("remove", "inode_unlink", "removing the log", os.unlink, f"{run}/measurements"),
        ("remove", "inode_rename", "renaming the log", os.rename, f"{run}/measurements", f"{run}/elsewhere"),
        ("remove", "inode_unlink", "removing a pin", os.unlink, pin),
        ("remove", "inode_rename", "renaming a pin", os.rename, pin, f"{ROOT}/bpf/elsewhere"),
        ("remove", "inode_rmdir", "removing a directory of pins", os.rmdir, os.path.dirname(pin)),
        ("mount", "sb_umount", "unmounting the pins", unmount, f"{ROOT}/bpf"),
        ("mount", "sb_remount", "fsconfig of the file system of the pins", reconfigure, f"{ROOT}/bpf"),
        ("mount", "move_mount", "moving the pins", move, f"{ROOT}/bpf", PLACE),
        ("mount", "sb_mount", "mounting over the pins", mount_over, f"{ROOT}/bpf"),
        ("mount", "sb_mount", "mounting over a pin", bind_over, pin),
        ("mount", "sb_mount", "mounting over the log", mount_over, run),
        ("map", "bpf_map", "BPF_MAP_GET_FD_BY_ID", get_all, BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID),
        ("link", "bpf", "BPF_LINK_GET_FD_BY_ID", get_all, BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID),
        ("program", "bpf_prog", "BPF_PROG_GET_FD_BY_ID", get_all, BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID),
        ("kprobe", "locked_down", "a probe by perf_event_open", probe_kernel, b"do_nanosleep", 0),
        ("kernel", "file_open", "kernel.ftrace_enabled", open, "/proc/sys/kernel/ftrace_enabled", "wb"),
        ("kernel", "file_open", "sysrq-trigger", open, "/proc/sysrq-trigger", "wb"),
    ]
    if os.path.exists(f"{TRACING}/kprobe_events"):
        attempts.append(("kprobe", "locked_down", "a probe by tracefs", trace_kernel))
    if m.own_cgroup:
        attempts += [("cgroup", "file_open", name, open, f"{m.own_cgroup}/{name}", "wb") for name in ("cgroup.kill", "cgroup.freeze")]
    attempts += [("kernel", "file_open", "unbinding the TPM's driver", open, unbind, "wb")
                 for unbind in glob.glob("/sys/bus/*/drivers/tpm_*/unbind")]
    return attempts


def test_snapshot(m):
    m.judge_snapshot()


def test_self_denied(m):
    rules(m, "enforce", "")
    for how, hook, way, function, *arguments in self_attempts(m):
        code = attempt(function, *arguments)
        check(code == REFUSED, f"self {how} {function.__name__} {arguments}: {code}")
        eventually(lambda: any(e["event"] == "self" and e["details"]["how"] == how for e in m.events("activity")), f"the event self {how}")
        results.show(RUNG, LEVELS, "self", way, f"security_{hook}", "denied")
        print(f"denied: self {how} {function.__name__}")
    for e in m.events("activity"):
        check(e["event"] != "self" or e["verdict"] == "deny", f"{e}")
    check(m.state() == "trusted", f"what was denied changed the state: {m.state()}")


def test_what_stays_allowed(m):
    """Looking, and harmless signals; other processes; and mounts elsewhere of what is protected."""
    pid = m.daemon.pid
    copy = f"{ROOT}/copy"
    for place in ("here", "there"):
        os.makedirs(f"{copy}/{place}", exist_ok=True)
    for function, *arguments in ((os.kill, pid, 0), (os.kill, pid, signal.SIGCONT), (open, f"/proc/{pid}/status"), (open, f"/proc/{pid}/maps"),
                                 (os.listdir, f"/proc/{pid}/fd"), (open, f"{ROOT}/run/sealwatch/measurements", "rb"),
                                 (write, "/proc/self/oom_score_adj", b"0")):
        check(attempt(function, *arguments) == DONE, f"{function.__name__} {arguments} was refused")
    tool("mount", "--bind", f"{ROOT}/bpf", f"{copy}/here")
    check(attempt(move, f"{copy}/here", f"{copy}/there") == DONE, "another mount of the same file system could not be moved")
    check(attempt(unmount, f"{copy}/there") == DONE, "another mount of the same file system could not be unmounted")
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
    # Where there is no code: one that is made for real has the kernel change its own, which QEMU does not survive each time.
    check(attempt(probe_kernel, b"", 1) not in (DONE, REFUSED), "observe refused a probe")
    expect(m, "self", "kprobe", "(kernel)", rule="default", verdict="would-lock")
    m.expect_state("degraded")
    if RUNG == "fentry":
        results.show(RUNG, LEVELS, "self", "writing to the log", "security_file_open", "seen")
        results.show(RUNG, LEVELS, "self", "a probe by perf_event_open", "security_locked_down", "seen")


def test_self_shared(m):
    """In a mount namespace of his own everybody may do what he likes, where it stays there."""
    rules(m, "enforce", "")
    tool("mount", "--make-shared", ROOT)
    check(attempt(unmount_in_own, f"{ROOT}/bpf", 0) == REFUSED, "an unmount that comes back was not refused")
    expect(m, "self", "mount", f"{ROOT}/bpf", verdict="deny")
    check(attempt(unmount_in_own, f"{ROOT}/bpf", MS_REC | MS_PRIVATE) == DONE, "an unmount that stays elsewhere was refused")
    tool("mount", "--make-private", ROOT)
    check(m.state() != "locked" and m.pins(), f"the state is {m.state()}")


def test_self_moved(m):
    """The file system of the pins is known wherever it is. Of what mount(2) moves its hook sees no more than a string."""
    rules(m, "enforce", "")
    deeper = f"{ROOT}/deeper/and/deeper"
    os.makedirs(deeper)
    check(attempt(move_by_name, f"{ROOT}/bpf", deeper) == DONE, "the pins were not moved")
    for function, *arguments in ((reconfigure, deeper), (move, deeper, f"{ROOT}/bpf"), (mount_over, deeper), (unmount, deeper)):
        check(attempt(function, *arguments) == REFUSED, f"{function.__name__} of what was moved was not refused")
        expect(m, "self", "mount", deeper, verdict="deny")
    m.expect_event("failure", row="hooks-dead")
    m.expect_state("locked")
    check(attempt(move_by_name, deeper, f"{ROOT}/bpf") == DONE, "the pins were not moved back")


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
    m.own_cgroup = own_cgroup()
    write(WATCHED, b"first")
    m.config(Watch={"Hooks": "yes", "Files": WATCHED})
    m.policy("enforce")
    m.learn()
    if RUNG == "fentry":
        os.environ["SEALWATCH_RUNG"] = RUNG
    m.start(binary="sealwatchd-steps" if RUNG == "fentry" else None)
    m.expect_state("trusted")


def main(m):
    prepare(m)
    LEVELS.update(m.status()["Levels"])
    print(json.dumps(LEVELS))
    test_levels()
    only_seen = [test_seen, test_config, test_self_observed, test_done]
    denied = [test_seen, test_config, test_denied, test_known_afterwards, test_quiet, test_namespace, test_snapshot,
              test_self_denied, test_what_stays_allowed, test_self_by_rule, test_self_observed, test_self_shared, test_self_moved,
              test_stop]
    for test in only_seen if RUNG == "fentry" else denied:
        test(m)
        print(f"{test.__name__}: ok", flush=True)


lab.run(main)
