#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways in: how a program may be executed otherwise than by its path. Each is held by the gate or seen to have passed it; a
program that is in no reference set never runs unseen by any of them. What no watcher of execs sees is here as well."""

import os
import subprocess

import lab
from lab import ROOT, check, eventually

ENTER = 'import ctypes, os, subprocess, threading\nopen("{cgroup}/cgroup.procs", "w").write(str(os.getpid()))\n'

# Python that executes PATH in its own way; PATH is a copy of an unknown program.
WAYS = {
    "by its descriptor": "os.execve(os.open(PATH, os.O_RDONLY), ['x'], {})",
    "by its descriptor, removed": "f = os.open(PATH, os.O_RDONLY)\nos.unlink(PATH)\nos.execve(f, ['x'], {})",
    "by an O_PATH descriptor": "os.execve(os.open(PATH, os.O_PATH), ['x'], {})",
    "by /proc/self/fd": "f = os.open(PATH, os.O_PATH)\nos.execv(f'/proc/self/fd/{f}', ['x'])",
    "by a hard link": "os.link(PATH, PATH + '.link')\nos.execv(PATH + '.link', ['x'])",
    "by a symbolic link": "os.symlink(PATH, PATH + '.sym')\nos.execv(PATH + '.sym', ['x'])",
    "in another root": "os.chroot(os.path.dirname(PATH))\nos.execv('/' + os.path.basename(PATH), ['x'])",
    "without a name": "d = os.open(os.path.dirname(PATH), os.O_TMPFILE | os.O_RDWR, 0o755)\n"
                      "os.write(d, open(PATH, 'rb').read())\n"
                      "f = os.open(f'/proc/self/fd/{d}', os.O_RDONLY)\nos.close(d)\nos.execve(f, ['x'], {})",
    "as an interpreter": "open(PATH + '.script', 'w').write('#!' + PATH + '\\n')\nos.chmod(PATH + '.script', 0o755)\n"
                         "os.execv(PATH + '.script', ['x'])",
    "by a thread": "t = threading.Thread(target=os.execv, args=(PATH, ['x']))\nt.start()\nt.join()",
    "by a child that shares memory": "print(subprocess.run([PATH], stdout=subprocess.PIPE).stdout.decode())",
    "by a long path": "os.execv('/' + '/'.join(['.'] * 1500) + PATH, ['x'])",
}


def enter(m, code, name="unknown"):
    path = m.make_unknown(f"{ROOT}/disk/ways/{name}")
    script = ENTER.format(cgroup=m.cgroup) + f"PATH = {path!r}\n" + code
    p = subprocess.run(["python3", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180)
    return p, path


def held(m):
    for n, (way, code) in enumerate(WAYS.items()):
        before = m.status()
        p, _ = enter(m, code, name=f"unknown{n}")
        after = m.status()
        check("EVIL" not in p.stdout, f"{way}: an unknown program ran")
        check(after["DeniedCount"] > before["DeniedCount"], f"{way}: it was not denied but failed: {p}")
        check(after["UngatedCount"] == before["UngatedCount"], f"{way}: {m.events('ungated')[-1:]}")
    m.expect_state("trusted")
    m.judge_snapshot()


def only_asked(m):
    """Whether a program may run (AT_EXECVE_CHECK, Linux 6.14): the same answer, and nothing counts as executed."""
    before = m.status()
    unknown = m.make_unknown(f"{ROOT}/disk/ways/asked")
    answers = [m.watched(f"{ROOT}/disk/attack", "check", path).returncode for path in (f"{ROOT}/disk/good", unknown)]
    if answers == [2, 2]:
        print("nobody can ask this kernel whether a program may run")
        return
    check(answers == [0, 1], f"the answers are {answers}")
    eventually(lambda: any(e["path"] == f"{ROOT}/disk/good" for e in m.events("file")), "the measurement")
    m.expect_event("exec", path=unknown, verdict="deny")
    check(m.status()["UngatedCount"] == before["UngatedCount"], f"something counts as executed: {m.events('ungated')}")
    check(m.runs(f"{ROOT}/disk/good"), "it does not run now that it was asked about")
    check(m.status()["UngatedCount"] == before["UngatedCount"], f"its answer is gone: {m.events('ungated')}")
    m.expect_state("trusted")


def overlay_of_ones_own(m):
    """A stacked file system in a mount namespace of its own, above one that is watched: the gate knows the layer at most."""
    for d in "lower", "upper", "work", "merged":
        os.makedirs(f"{ROOT}/disk/ways/{d}")
    m.make_unknown(f"{ROOT}/disk/ways/lower/unknown")
    return enter(m, f"""
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x20000) == 0  # CLONE_NEWNS
os.chdir("{ROOT}/disk/ways")
assert libc.mount(b"overlay", b"merged", b"overlay", 0, b"lowerdir=lower,upperdir=upper,workdir=work") == 0
os.execv("{ROOT}/disk/ways/merged/unknown", ["x"])
""")[0]


def never_unseen(m):
    """Which of the two it is depends on the kernel."""
    before = m.status()
    p = overlay_of_ones_own(m)
    if "EVIL" in p.stdout:
        eventually(lambda: any(e["path"].endswith("merged/unknown") for e in m.events("ungated")), "its record")
    else:
        check(m.status()["DeniedCount"] > before["DeniedCount"], f"nothing happened: {p}")
    print("an overlay of one's own:", "ran, and was seen" if "EVIL" in p.stdout else "did not run")


def not_seen(m):
    """Named in the threat model: the loader opens a program as it opens a library."""
    m.power_cycle()
    m.start()
    dynamic = f"{ROOT}/disk/ways/dynamic"
    lab.tool("cp", "/bin/echo", dynamic)
    with open(dynamic, "ab") as f:
        f.write(os.urandom(16))
    check("hello" not in m.watched(dynamic, "hello").stdout, "an unknown program ran")
    lab.tool("cp", "-L", "/lib64/ld-linux-x86-64.so.2", f"{ROOT}/disk/ld.so")
    m.learn()
    os.unlink(f"{ROOT}/etc/reference.d/base.sha256")
    m.ctl("policy", "learn", "--output", f"{ROOT}/etc/reference.d/base.sha256", f"{ROOT}/disk/ld.so", f"{ROOT}/disk/good")
    m.ctl("reload")
    check("hello" in m.watched(f"{ROOT}/disk/ld.so", dynamic, "hello").stdout, "the loader did not load: the page is out of date")
    check(m.status()["Levels"]["library"].startswith("off"), "the level of libraries claims what is not so")


def main(m):
    os.makedirs(f"{ROOT}/disk/ways")
    os.chmod(f"{ROOT}/disk/ways", 0o777)
    m.start()
    held(m)
    only_asked(m)
    never_unseen(m)
    not_seen(m)


lab.run(main)
