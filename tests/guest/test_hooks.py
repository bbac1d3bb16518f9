#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the hooks in the kernel see and deny, each by the real thing. Runs in the guest: test_hooks.py lsm|fmod_ret|fentry, which is
the rung that must be reached there; fentry by a daemon that tries no better one."""

import fcntl
import glob
import json
import mmap
import os
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["SEALWATCH_SOURCE"], "tests/edge/daemon"))
import lab  # noqa: E402
import results  # noqa: E402
from lab import ROOT, check, eventually  # noqa: E402

DISK = f"{ROOT}/disk"
OVERWRITE = "\n[Rule overwritten]\nEvent=overwrite\nAction=deny alert\n"
DONE, REFUSED = 0, 1
GOOD = 11  # the exit status of the known program
RUNG = sys.argv[1]
LOWER = RUNG != "lsm"  # user space hashes what was seen, and who did it is killed
LEVELS = {
    "lsm": {"exec": "enforce", "library": "enforce", "module": "enforce", "kexec": "enforce", "firmware": "enforce", "overwrite": "enforce"},
    "fmod_ret": {"exec": "enforce", "library": "observe", "module": "enforce", "kexec": "enforce", "firmware": "enforce", "overwrite": "enforce"},
    "fentry": {"library": "observe", "module": "observe", "kexec": "observe", "firmware": "observe", "overwrite": "observe"},
}
FS_IOC_ENABLE_VERITY = 0x40806685
LOADER = "/lib64/ld-linux-x86-64.so.2"


def attack(m, *words):
    return m.watched(f"{DISK}/attack", *words).returncode


def expect(m, code, *words):
    found = attack(m, *words)
    check(found == code, f"attack {' '.join(words)}: {found}, not {code}")


def map_known(m, path):
    expect(m, DONE, "map", path)
    eventually(lambda: measured(m, path), f"the measurement of {path}")


def refuse(m, path, how="map"):
    """What is not known is not mapped as code; where only user space can hash it, not a second time."""
    if LOWER:
        attack(m, "--uid=65534", how, path)
        m.expect_event("exec", event="library", path=path, verdict="kill")
    expect(m, REFUSED, how, path)


def state(m):
    """What it is while nothing but what LOWER lets happen has happened."""
    found = m.state()
    check(found == "trusted" or (LOWER and found == "degraded"), f"the state is {found}")


def denied(m, event, path):
    e = m.expect_event("exec", event=event, path=path, verdict="deny")
    check(e["rule"] in ("unknown-code", "overwritten", "default"), f"the denial's record is wrong: {e}")
    return e


def measured(m, path):
    return [e for e in m.events("file") if e["path"] == path]


def replace(path, content):
    """As package managers do."""
    with open(f"{path}.new", "wb") as f:
        f.write(content)
    os.rename(f"{path}.new", path)


def content(path):
    with open(path, "rb") as f:
        return f.read()


def test_levels(m):
    levels = m.status()["Levels"]
    for event, level in LEVELS[RUNG].items():
        check(levels[event].startswith(f"{level} ({RUNG}"), f"{event}: {levels[event]}, not {level} ({RUNG})")
    if RUNG == "fentry":  # who only sees does not hold programs up: that is the gate's to do
        check(levels["exec"].startswith("gate"), f"exec: {levels['exec']}")
        return
    started = m.expect_event("started" if m.events("started") else "boot", levels=re.compile(f"enforce .{RUNG}"))
    check(started, "the rung is in no record")


def test_libraries(m):
    known, unknown = f"{DISK}/known.so", f"{DISK}/unknown.so"
    m.make_unknown(unknown)
    for _ in range(3):
        map_known(m, known)
    expect(m, DONE, "protect", known)
    expect(m, DONE, "implied", known)
    refuse(m, unknown)
    denied(m, "library", unknown)
    for how in "protect", "implied":
        expect(m, REFUSED, how, unknown)
    state(m)
    check(len(measured(m, known)) == 1, "the library was measured more than once")


def test_paths(m):
    """Around the length at which what the kernel says gets longer, and far above it; and of what it has the name only."""
    for size in 126, 127, 128, 600:
        dirs, rest = divmod(size - len(f"{DISK}/"), 100)
        path = f"{DISK}/{('d' * 99 + '/') * dirs}{'x' * rest}"
        check(len(path) == size, f"{path} is of another length")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        m.make_unknown(path)
        refuse(m, path)
        denied(m, "library", path)
    for size in 126, 127, 128, 255:
        m.make_unknown(f"{DISK}/{'n' * size}")
        if LOWER:
            refuse(m, f"{DISK}/{'n' * size}", "protect")
        else:
            expect(m, REFUSED, "protect", f"{DISK}/{'n' * size}")
            denied(m, "library", "n" * size)
    state(m)


def test_replaced(m):
    """Known at first, then another file, then other content; and known again."""
    path = f"{DISK}/replaced.so"
    good = content(path)
    map_known(m, path)
    replace(path, good + b"x")
    refuse(m, path)
    replace(path, good)
    expect(m, DONE, "map", path)


def test_overwritten(m):
    """In place: what ran as code is not opened for writing. What did not may be, and is another file then."""
    ran, fresh = f"{DISK}/ran.so", f"{DISK}/fresh.so"
    expect(m, DONE, "map", ran)
    expect(m, REFUSED, "overwrite", ran)
    denied(m, "overwrite", ran)
    expect(m, DONE, "map", ran)
    expect(m, DONE, "overwrite", fresh)
    expect(m, REFUSED, "store", fresh)
    refuse(m, fresh)


def test_writers(m):
    """A digest says nothing of a file that somebody can still change."""
    path = f"{DISK}/written.so"
    with open(path, "r+b"):
        expect(m, REFUSED, "map", path)
        e = denied(m, "library", path)
        check(e["failure"] == "open-writers", f"the reason is missing: {e}")
    expect(m, DONE, "map", path)


def test_memory(m):
    """Nobody counts who can write to a memfd: its digest binds nothing until it is sealed."""
    expect(m, REFUSED, "memory", f"{DISK}/known.so", f"{DISK}/unknown.so")


def test_seals(m):
    """Sealed for writing only, it can still be cut."""
    expect(m, REFUSED, "cut", f"{DISK}/known.so")
    expect(m, REFUSED if LOWER else DONE, "sealed", f"{DISK}/known.so")  # user space finds no file without a path


def test_sneaking(m):
    """Who changes a file while it is hashed, and is gone when that is done, does not get it past."""
    p = m.watched(f"{DISK}/attack", "sneak", f"{DISK}/large.so", "30", timeout=200)
    check(p.returncode == 0, f"changed code passed: {p.stdout[-300:]}{p.stderr}")


def test_truncated(m):
    """Truncating needs no descriptor for writing, and no descriptor at all."""
    path = f"{DISK}/emptied.so"
    expect(m, DONE, "map", path)
    expect(m, REFUSED, "truncate", path)
    denied(m, "overwrite", path)
    expect(m, REFUSED, "cut-path", path)
    denied(m, "overwrite", "emptied.so")
    expect(m, DONE, "map", path)


def test_at_the_gate(m):
    """Programs by all ways that the gate sees. Each is another file: the same one would be recorded once only."""
    for name in "path", "interpreter", "fd", "unlinked":
        m.make_unknown(f"{DISK}/evil-{name}")
    with open(f"{DISK}/evil-script", "w", encoding="ascii") as f:
        f.write(f"#!{DISK}/good\n")
    os.chmod(f"{DISK}/evil-script", 0o755)
    for path, asked in (f"{DISK}/evil-path", f"{DISK}/evil-path"), (f"{DISK}/script", f"{DISK}/evil-interpreter"), \
            (f"{DISK}/evil-script", f"{DISK}/evil-script"):
        check(not m.runs(path), f"{path} ran")
        m.expect_event("exec", path=asked, verdict="deny")
    for how in "fd", "unlinked":
        p = m.watched(f"{DISK}/attack", how, f"{DISK}/evil-{how}")
        check("RUNS" not in p.stdout, f"{how}: {p.stdout}")
        m.expect_event("exec", path=re.compile(f"^{DISK}/evil-{how}"), verdict="deny")
    check(not m.events("ungated"), "something ran past the gate")
    state(m)


def test_loader(m):
    """ld.so ./x: the loader is known, and what it is told to load is no program to the gate."""
    path = f"{DISK}/dynamic"
    with open(path, "wb") as f:
        f.write(content("/bin/true") + b"x")
    words = ["ldso", path, f"{DISK}/ld.so"]
    if LOWER:
        attack(m, "--uid=65534", *words)
        m.expect_event("exec", event="library", path=path, verdict="kill")
    check(attack(m, *words) != DONE, "the loader has run it")
    denied(m, "library", path)


def identity(path):
    """Inode number and device, as the kernel writes that."""
    st = os.stat(path)
    return st.st_ino, os.major(st.st_dev) << 20 | os.minor(st.st_dev)


def test_overlay(m):
    """Records name the file that has the content: of the lower layer, and of the upper one when it was changed."""
    layers = {name: f"{DISK}/{name}" for name in ("lower", "upper", "work", "merged")}
    for path in layers.values():
        os.makedirs(path)
    for name in "below", "above":
        m.make_unknown(f"{layers['lower']}/{name}")
    options = ",".join(f"{name}dir={layers[name]}" for name in ("lower", "upper", "work"))
    lab.tool("mount", "-t", "overlay", "-o", options, "overlay", layers["merged"])
    m.make_unknown(f"{layers['merged']}/above")
    for name, layer in ("below", "lower"), ("above", "upper"):
        path = f"{layers['merged']}/{name}"
        if LOWER:
            attack(m, "--uid=65534", "map", path)
        else:
            expect(m, REFUSED, "map", path)
        e = m.expect_event("exec", event="library", path=path, verdict="kill" if LOWER else "deny")
        check((e.get("backing"), e.get("backingdev")) == identity(f"{layers[layer]}/{name}"), f"{e}")
    lab.tool("umount", layers["merged"])


def test_verity(m):
    """A file with fs-verity is known by its content, like any other."""
    place, content_of = f"{ROOT}/verity", {"known": f"{DISK}/known.so", "unknown": f"{DISK}/unknown.so"}
    with open(f"{ROOT}/verity.img", "wb") as f:
        f.truncate(16 << 20)
    lab.tool("mkfs.ext4", "-q", "-b", "4096", "-O", "verity", f"{ROOT}/verity.img")
    os.makedirs(place)
    lab.tool("mount", "-o", "loop", f"{ROOT}/verity.img", place)
    for name, path in content_of.items():
        shutil.copy(path, f"{place}/{name}.so")
        with open(f"{place}/{name}.so", "rb") as f:
            fcntl.ioctl(f, FS_IOC_ENABLE_VERITY, struct.pack("<III116x", 1, 1, 4096))  # version 1, SHA-256, blocks of 4096 bytes
    map_known(m, f"{place}/known.so")
    refuse(m, f"{place}/unknown.so")


def test_past_the_gate(m):
    """What the gate never sees is refused by the kernel: a memfd, a file system of one's own user namespace."""
    for words in (["memfd"], ["--uid=65534", "userns-tmpfs"]):
        p = m.watched(f"{DISK}/attack", *words, f"{ROOT}/unknown")
        check("RUNS" not in p.stdout, f"{words} ran: {p.stdout}")
    eventually(lambda: len([e for e in m.events("exec") if e["verdict"] == "deny" and "event" not in e]) >= 2, "both records")
    check(not m.events("ungated"), "something ran past the gate")
    state(m)


def test_unwatched(m):
    """A known program on a file system without the gate: nobody has hashed it."""
    with open(f"{ROOT}/elsewhere", "wb") as f:
        f.write(content(f"{DISK}/good"))
    os.chmod(f"{ROOT}/elsewhere", 0o755)
    check(not m.runs(f"{ROOT}/elsewhere"), "it ran")
    m.expect_event("exec", path=f"{ROOT}/elsewhere", verdict="deny")
    check(m.runs(f"{DISK}/good"), "the known program does not run any more")
    state(m)


def test_modules(m):
    """From a file by its digest; from memory there is none."""
    module = f"{DISK}/known.ko"
    unknown = f"{DISK}/unknown.ko"
    replace(unknown, content(module) + b"x")
    expect(m, REFUSED, "module", unknown)
    denied(m, "module", unknown)
    expect(m, REFUSED, "module-data", module)
    denied(m, "module", "(memory)")
    if LOWER:  # as yet nobody has hashed it
        expect(m, REFUSED, "module", module)
        denied(m, "module", module)
    expect(m, DONE, "module", module)
    eventually(lambda: len(measured(m, module)) == 1, "the module's measurement")


def test_kexec(m):
    image = f"{DISK}/image"
    m.make_unknown(image)
    expect(m, REFUSED, "kexec", image)
    denied(m, "kexec", image)


def test_reload(m):
    """What becomes known may run, without a restart; what is kept with the inode is judged anew."""
    path = f"{DISK}/late.so"
    m.make_unknown(path)
    refuse(m, path)
    m.learn()
    m.ctl("reload")
    expect(m, DONE, "map", path)
    expect(m, DONE, "map", f"{DISK}/known.so")


def unlearn(m, path):
    """Takes the file out of the reference set."""
    with open(f"{ROOT}/etc/reference.d/base.sha256", "r+", encoding="utf-8") as f:
        kept = [line for line in f if not line.endswith(f" {path}\n")]
        f.seek(0)
        f.writelines(kept)
        f.truncate()


def settle(m, path):
    """Often enough that the kernel side need not look at the rules any more."""
    for _ in range(4):
        expect(m, DONE, "map", path)


def test_settled(m):
    """What was settled of a file holds for its content, as long as nobody can change it, and for the policy alone."""
    path = f"{DISK}/settled.so"
    good = content(path)
    settle(m, path)
    with open(path, "r+b") as f:
        expect(m, REFUSED, "map", path)
        f.write(b"x")
    expect(m, REFUSED, "map", path)
    with open(path, "r+b") as f:
        f.write(good)
    settle(m, path)
    with open(path, "r+b") as f:
        page = mmap.mmap(f.fileno(), 0)
    expect(m, REFUSED, "map", path)
    page[0] ^= 1
    page.close()
    expect(m, REFUSED, "map", path)
    with open(path, "r+b") as f:
        f.write(good)
    settle(m, path)
    os.truncate(path, len(good) - 1)
    expect(m, REFUSED, "map", path)
    with open(path, "r+b") as f:
        f.write(good)
    settle(m, path)
    unlearn(m, path)
    m.ctl("reload")
    expect(m, REFUSED, "map", path)
    m.learn()
    m.ctl("reload")
    settle(m, path)
    expect(m, REFUSED, "overwrite", path)
    eventually(lambda: len(measured(m, path)) == 2, "a measurement of the library under each policy that allows it")


def test_never_settled(m):
    """That a question was answered for lack of a path, or that nobody is told to be asked, settles nothing."""
    path, rules = f"{DISK}/settled.so", f"{ROOT}/etc/policy.d/first.policy"
    expect(m, DONE, "map", path)
    with open(rules, "w", encoding="utf-8") as f:
        f.write(f"[Failures]\nNoPath=allow\n\n[Rule by-path]\nEvent=library\nPath={DISK}/elsewhere/*\nAction=deny\n")
    m.ctl("reload")
    before = len(measured(m, path))
    for _ in range(4):
        expect(m, DONE, "protect", path)
    check(len(measured(m, path)) == before, "its path is known from where it is not to be had")
    expect(m, DONE, "map", path)
    eventually(lambda: len(measured(m, path)) == before + 1, "the library's measurement by its path")
    os.unlink(rules)
    m.ctl("reload")


def test_asked(m):
    """By its path it may run, which only user space can tell; where the path is not to be had, that is not held against anybody."""
    path, rules = f"{DISK}/by-path.so", f"{ROOT}/etc/policy.d/first.policy"
    m.make_unknown(path)
    with open(rules, "w", encoding="utf-8") as f:
        f.write(f"[Rule by-path]\nEvent=library\nPath={DISK}/*\nAction=allow\n")
    m.ctl("reload")
    expect(m, DONE, "map", path)
    eventually(lambda: len(measured(m, path)) == 1, "the library's measurement")
    expect(m, DONE if LOWER else REFUSED, "protect", path)  # LOWER reads the path by itself
    if not LOWER:
        e = m.expect_event("exec", event="library", path="by-path.so", verdict="deny")
        check(e["failure"] == "no-path", f"the reason is missing: {e}")
    deep = f"{DISK}/{'/'.join(['d' * 200] * 6)}"
    os.makedirs(deep)
    m.make_unknown(f"{deep}/deep.so")
    for _ in range(2):
        expect(m, REFUSED, "map", f"{deep}/deep.so")
    e = m.expect_event("exec", event="library", path="deep.so", verdict="deny")
    check(LOWER or (e["failure"] == "no-path" and e["rule"] == "default"), f"a rule was found for it: {e}")
    state(m)
    os.unlink(rules)
    m.ctl("reload")


def test_observe(m):
    m.policy("observe", OVERWRITE)
    m.ctl("reload")
    path = f"{DISK}/observed.so"
    m.make_unknown(path)
    expect(m, DONE, "map", path)
    m.expect_event("exec", event="library", path=path, verdict="would-deny")
    eventually(lambda: len(measured(m, path)) == 1, "the unknown library's measurement")
    m.judge_snapshot()


def seen(m, event, path, verdict="would-deny"):
    m.expect_event("exec", event=event, path=path, verdict=verdict)


def test_only_seen(m):
    """Nothing is refused, everything is said."""
    m.policy("observe", OVERWRITE)
    m.ctl("reload")
    for how in "map", "protect", "implied":
        m.make_unknown(f"{DISK}/seen-{how}.so")
        expect(m, DONE, how, f"{DISK}/seen-{how}.so")
        seen(m, "library", f"{DISK}/seen-{how}.so")
    for how, path, said in ("overwrite", "ran", f"{DISK}/ran.so"), ("truncate", "emptied", f"{DISK}/emptied.so"), ("cut-path", "fresh", "fresh.so"):
        map_known(m, f"{DISK}/{path}.so")
        expect(m, DONE, how, f"{DISK}/{path}.so")
        seen(m, "overwrite", said)
    replace(f"{DISK}/unknown.ko", content(f"{DISK}/known.ko") + b"x")
    for how, event, path, said in ("module", "module", f"{DISK}/unknown.ko", f"{DISK}/unknown.ko"), \
            ("module-data", "module", f"{DISK}/known.ko", "(memory)"), ("kexec", "kexec", f"{DISK}/image", f"{DISK}/image"):
        m.make_unknown(f"{DISK}/image")
        attack(m, how, path)  # the kernel takes it or not
        seen(m, event, said)
    check("RUNS" in m.watched(f"{DISK}/attack", "memfd", f"{ROOT}/unknown").stdout, "a program was refused")
    m.expect_event("ungated", path=re.compile("fd"))


def test_afterwards(m):
    """What a rule refuses is done, and then ends who did it."""
    m.policy("enforce", OVERWRITE)
    m.ctl("reload")
    path = f"{DISK}/afterwards.so"
    m.make_unknown(path)
    attack(m, "--uid=65534", "map", path)
    seen(m, "library", path, "kill")
    check(m.state() != "locked", "any user can lock the machine")
    m.make_unknown(f"{DISK}/root.so")
    attack(m, "map", f"{DISK}/root.so")
    seen(m, "library", f"{DISK}/root.so", "lock")
    m.expect_state("locked")


def test_silenced(m):
    """One write of root's silences every hook. The next program that runs is one that no hook was asked about, also when its
    process had tried another one before, which a hook was asked about. (Without that rule the write is refused.)"""
    m.policy("enforce", OVERWRITE + "\n[Rule drill]\nEvent=self\nAction=allow\n")
    m.ctl("reload")
    expect(m, DONE, "map", f"{DISK}/known.so")
    state(m)
    with open(f"{DISK}/text", "w", encoding="ascii") as f:
        f.write("no program")
    os.chmod(f"{DISK}/text", 0o755)
    m.learn()
    m.ctl("reload")
    expect(m, GOOD, "silence", f"{DISK}/text", f"{DISK}/good")
    m.expect_state("locked")
    m.expect_event("failure", row="hooks-dead")
    m.expect_event("level", event="library", to="off")
    check(m.status()["Levels"]["exec"].startswith("gate"), f"exec: {m.status()['Levels']['exec']}")


def small_module():
    """One that nothing needs and that needs nothing."""
    found = glob.glob(f"/lib/modules/{os.uname().release}/kernel/lib/crc*/*.ko*") + \
        glob.glob(f"/lib/modules/{os.uname().release}/kernel/**/dummy.ko*", recursive=True)
    check(found, "the guest has no small module")
    return found[-1]


def unpacked(path):
    return subprocess.run(["xz", "-dc", path], check=True, stdout=subprocess.PIPE).stdout if path.endswith(".xz") else content(path)


def prepare(m):
    for name in ("known", "replaced", "ran", "fresh", "written", "emptied", "settled"):
        m.make_unknown(f"{DISK}/{name}.so")
    m.make_unknown(f"{DISK}/large.so", os.urandom(3 << 20))
    module = small_module()
    subprocess.run(["rmmod", os.path.basename(module).split(".ko")[0]], check=False, stderr=subprocess.DEVNULL)  # an earlier test's
    with open(f"{DISK}/known.ko", "wb") as f:
        f.write(unpacked(module))
    m.config(Watch={"Hooks": "yes"})
    m.policy("enforce", OVERWRITE)
    shutil.copy(LOADER, f"{DISK}/ld.so")
    with open(f"{DISK}/script", "w", encoding="ascii") as f:
        f.write(f"#!{DISK}/evil-interpreter\n")
    os.chmod(f"{DISK}/script", 0o755)
    m.learn()
    if RUNG == "fentry":
        os.environ["SEALWATCH_RUNG"] = RUNG
    m.start(binary="sealwatchd-steps" if RUNG == "fentry" else None)
    m.expect_state("trusted")


MAP, PROTECT, IMPLIED = (("library", *w) for w in (("mmap of a file", "security_mmap_file"), ("mprotect of a mapped file", "security_file_mprotect"),
                                                   ("READ_IMPLIES_EXEC", "security_mmap_file")))
WRITE, TRUNCATE, CUT = (("overwrite", *w) for w in (("open for writing", "security_file_open"), ("open with O_TRUNC", "security_file_open"),
                                                    ("truncate", "security_path_truncate")))
MODULE, DATA = ("module", "finit_module", "security_kernel_read_file"), ("module", "init_module", "security_kernel_load_data")
KEXEC, MEMFD = ("kexec", "kexec_file_load", "security_kernel_read_file"), ("exec", "a memfd", "security_bprm_check")
GATE = "FAN_OPEN_EXEC_PERM"
SHOWN = {  # when a test has passed
    "test_libraries": [MAP, PROTECT, IMPLIED],
    "test_memory": [("library", "mmap of a memfd", "security_mmap_file")],
    "test_overwritten": [WRITE],
    "test_truncated": [TRUNCATE, CUT],
    "test_at_the_gate": [("exec", way, GATE) for way in ("a path", "a script's interpreter", "a script", "/proc/self/fd", "an unlinked file")],
    "test_loader": [("library", "ld.so ./x", "security_mmap_file")],
    "test_overlay": [("library", "mmap of a file on overlayfs", "security_mmap_file")],
    "test_verity": [("library", "mmap of a file with fs-verity", "security_mmap_file")],
    "test_past_the_gate": [MEMFD, ("exec", "a user namespace's file system", "security_bprm_check")],
    "test_modules": [MODULE, DATA],
    "test_kexec": [KEXEC],
    "test_only_seen": [MAP, PROTECT, IMPLIED, WRITE, TRUNCATE, CUT, MODULE, DATA, KEXEC],
}
WORDS = {"lsm": {}, "fmod_ret": {"library": "afterwards, then denied", "mmap of a memfd": "denied", "mmap of a file on overlayfs": "afterwards"},
         "fentry": {e: "seen" for e in LEVELS["fentry"]}}


def tests():
    if RUNG == "fentry":
        return [test_levels, test_at_the_gate, test_only_seen, test_afterwards]
    return [test_levels, test_libraries, test_paths, test_replaced, test_overwritten, test_writers, test_memory, test_seals,
            test_unwatched if LOWER else test_sneaking,  # a lease keeps writers off; the kernel hashes anything
            test_truncated, test_at_the_gate, test_loader, test_overlay, test_verity, test_past_the_gate, test_modules, test_kexec, test_reload,
            *([] if LOWER else [test_settled, test_never_settled]), test_asked, test_observe, test_silenced]


def main(m):
    prepare(m)
    levels = m.status()["Levels"]
    print(json.dumps(levels))
    for test in tests():
        test(m)
        print(f"{test.__name__}: ok", flush=True)
        for event, way, hook in SHOWN.get(test.__name__, []):
            results.show(RUNG, levels, event, way, hook, WORDS[RUNG].get(way) or WORDS[RUNG].get(event, "denied"))
    if RUNG == "fentry":
        results.show(RUNG, levels, "ungated", "a memfd", "sched_process_exec", "seen")


lab.run(main)
