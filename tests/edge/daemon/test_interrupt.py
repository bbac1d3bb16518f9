#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""./quickstart runs through; and interrupted anywhere, by SIGINT or SIGKILL, it leaves no process, mount, mark or file
outside its folder."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402

ROUNDS = int(os.environ.get("LAB_INTERRUPTS", "6"))
OUTSIDE = ["/etc", "/root", "/tmp", "/var/lib", "/var/log", "/run", "/mnt", "/opt", "/srv"]


def traces():
    """What a run could leave behind."""
    found = set()
    with open("/proc/self/mounts") as f:
        found |= {("mount", line) for line in f}
    for directory in OUTSIDE:
        try:
            found |= {("file", f"{directory}/{name}") for name in os.listdir(directory)}
        except FileNotFoundError:
            pass
    for name in os.listdir(lab.cgroup_root()):
        if name.startswith("sealwatch-tour"):
            found.add(("cgroup", name))
    for name in os.listdir("/sys/block"):
        backing = f"/sys/block/{name}/loop/backing_file"
        if os.path.exists(backing):
            with open(backing) as f:
                found.add(("loop", f.read()))
    return found


def processes(folder):
    """Those that run anything of the folder or of its tour."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
            if int(pid) != os.getpid() and (folder in line or "tour/" in line or "/mnt/tpm" in line or "/mnt/bus.conf" in line):
                found.append((pid, line))
        except OSError:
            pass
    return found


def clone(folder):
    """A working copy of its own, built already, so that only the tour is interrupted."""
    shutil.copytree(lab.SOURCE, folder, symlinks=True, ignore=shutil.ignore_patterns(".git", "build*", ".tour"))
    shutil.copytree(lab.SOURCE + "/build-aux", f"{folder}/build-aux", dirs_exist_ok=True)
    os.symlink(lab.BUILD, f"{folder}/build")


def start(folder):
    return subprocess.Popen([f"{folder}/quickstart"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True)


def settle(folder, before, what):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        left, running = traces() - before, processes(folder)
        if not left and not running:
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} left behind: {left} {running}")


def main():
    if os.geteuid() != 0 or lab.cgroup_root() is None:
        print("SKIP: only root can run the tour, with the unified cgroup hierarchy")
        sys.exit(lab.SKIP)
    seed = int(os.environ.get("LAB_SEED", time.time_ns() % 1000000))
    print(f"seed {seed}")
    random.seed(seed)
    parent = tempfile.mkdtemp(prefix="sealwatch-interrupt.")
    folder = f"{parent}/copy"
    try:
        clone(folder)
        before = traces()
        began = time.monotonic()
        run = start(folder)
        output = run.communicate(timeout=300)[0]
        took = time.monotonic() - began
        assert run.returncode == 0, f"the tour failed:\n{output}"
        assert "== What this was" in output, output
        settle(folder, before, "a whole run")
        for n in range(ROUNDS):
            how = signal.SIGKILL if n % 2 else signal.SIGINT
            after = random.random() * took
            run = start(folder)
            time.sleep(after)
            os.kill(run.pid, how) if how == signal.SIGKILL else os.killpg(run.pid, how)
            run.communicate(timeout=60)
            settle(folder, before, f"{how.name} after {after:.2f} s")
            print(f"{how.name} after {after:.2f} s: nothing left")
    finally:
        shutil.rmtree(parent, ignore_errors=True)


main()
