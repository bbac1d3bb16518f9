#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""./quickstart runs through, the second time without a network; and interrupted anywhere, by a signal to all of it or to
the script alone, it leaves no process, mount, cgroup, loop device, BPF pin or file outside its folder."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import lab

ROUNDS = int(os.environ.get("LAB_INTERRUPTS", "6"))
HOWS = [signal.SIGINT, signal.SIGKILL, signal.SIGTERM]
OUTSIDE = ["/etc", "/root", "/tmp", "/var/lib", "/var/log", "/var/tmp", "/run", "/mnt", "/opt", "/srv", "/dev/shm", "/sys/fs/bpf"]
BUSY = ["/tmp", "/var/tmp", "/mnt", "/dev/shm"]  # where others on this machine write, too: ours are empty
OURS = ["tour/tour", "tour/janitor", "/mnt/tpm", "/mnt/bus.conf"]


def traces():
    """What a run could leave behind."""
    with open("/proc/self/mounts") as f:
        found = {("mount", line) for line in f}
    for directory in filter(os.path.isdir, OUTSIDE):
        found |= {("file", f"{directory}/{name}") for name in os.listdir(directory)}
    found |= {("cgroup", name) for name in os.listdir(lab.cgroup_root()) if name.startswith("sealwatch-tour")}
    for name in os.listdir("/sys/block"):
        backing = f"/sys/block/{name}/loop/backing_file"
        if os.path.exists(backing):
            with open(backing) as f:
                found |= {("loop", line) for line in f if "/.tour/" in line}
    return found


def processes(folder):
    """Those that run anything of the folder or of its tour, or work in there."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
            if int(pid) != os.getpid() and (any(word in line for word in [folder, *OURS]) or
                                            os.readlink(f"/proc/{pid}/cwd").startswith(folder)):
                found.append((pid, line))
        except OSError:
            pass
    return found


def start(folder, *wrapper):
    return subprocess.Popen([*wrapper, f"{folder}/quickstart"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, start_new_session=True)


def settle(folder, before, what):
    def left():
        return [*(traces() - before), *processes(folder)]

    end = time.monotonic() + 180
    while left() and time.monotonic() < end:
        time.sleep(0.2)
    lab.check(not left(), f"{what} left behind: {left()}")


def interrupt(folder, before, how, after):
    run = start(folder)
    time.sleep(after)
    if how == signal.SIGINT:
        os.killpg(run.pid, how)  # as a terminal does
    else:
        os.kill(run.pid, how)
    run.communicate(timeout=180)
    what = f"{how.name} after {after:.2f} s"
    settle(folder, before, what)
    print(f"{what}: nothing left")


def whole(folder, before, *wrapper):
    """A run to its end; how long it took."""
    began = time.monotonic()
    run = start(folder, *wrapper)
    output = run.communicate(timeout=600)[0]
    lab.check(run.returncode == 0 and "== What this was" in output, f"the tour failed:\n{output}")
    lab.check("No such file" not in output and "line " not in output, f"the shell complains:\n{output}")
    settle(folder, before, "a whole run")
    return time.monotonic() - began


def all_rounds(folder):
    before = traces()
    processes_before = processes(folder)
    lab.check(not processes_before, f"somebody else runs a tour: {processes_before}")
    for how in HOWS:  # while it builds
        interrupt(folder, before, how, random.uniform(0.5, 6))
    shutil.rmtree(f"{folder}/build", ignore_errors=True)
    os.symlink(lab.BUILD, f"{folder}/build")
    took = whole(folder, before, "unshare", "--net")
    for n in range(ROUNDS):
        interrupt(folder, before, HOWS[n % len(HOWS)], random.uniform(0, took))


def main():
    if os.geteuid() != 0 or lab.cgroup_root() is None:
        print("SKIP: only root can run the tour, with the unified cgroup hierarchy")
        sys.exit(lab.SKIP)
    if "LAB_PRIVATE" not in os.environ:
        alone = [d for d in BUSY if not f"{lab.SOURCE}/ {lab.BUILD}/ {sys.executable}".count(f"{d}/")]
        script = "for d in $0; do mount -t tmpfs tmpfs $d; done; exec \"$@\""
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, " ".join(alone),
                               sys.executable, *sys.argv], {**os.environ, "LAB_PRIVATE": "1"})
    seed = int(os.environ.get("LAB_SEED", time.time_ns() % 1000000))
    print(f"LAB_SEED={seed}")
    random.seed(seed)
    parent = tempfile.mkdtemp(prefix="sealwatch-interrupt.")
    try:
        folder = f"{parent}/copy"
        shutil.copytree(lab.SOURCE, folder, symlinks=True, ignore=shutil.ignore_patterns(".git", "build*", ".tour"))
        shutil.copytree(lab.SOURCE + "/build-aux", f"{folder}/build-aux")
        all_rounds(folder)
    finally:
        shutil.rmtree(parent, ignore_errors=True)


main()
