# SPDX-License-Identifier: LGPL-2.1-or-later
"""The full guest: a Debian system with systemd on a disk of its own, started from a picture of its memory that was taken once
it was up. Nothing that it does outlives it."""

import contextlib
import hashlib
import io
import json
import os
import shlex
import tarfile
import time

import initramfs
import kernels
from image import Image
from machine import BOOT_SECONDS, QEMU, QUIET, Died, Machine, command_line, hardware
from process import Unavailable, command

MODULES = ["virtio_pci", "virtio_console", "virtio_blk", "ext4"]
MEMORY = 1024
FORGETS = ",snapshot=on"  # what is written is gone with QEMU


def disk(path, form, more=""):
    return ["-drive", f"file={path.replace(',', ',,')},format={form},if=none,id=disk,cache=unsafe{more}",
            "-device", "virtio-blk-pci,drive=disk"]


class Picture:
    """What a guest of this kind starts from: options, initramfs, and the directory with disk and memory."""

    def __init__(self, series, bpf_lsm=True):
        self.image = Image(series)
        kernel = self.image.kernel
        self.initramfs = initramfs.make(kernel, "init-full", MODULES, {})
        words = [*QUIET, "root=/dev/vda", "systemd.show_status=0"]
        self.options = ["-kernel", kernel.image, "-append", command_line(bpf_lsm, words)]
        version = command(QEMU, "--version")
        key = hashlib.sha256(repr((self.image.path, hardware(MEMORY), self.options, version)).encode() + self.initramfs).hexdigest()[:12]
        kind = f"snapshot-{series}-{'lsm' if bpf_lsm else 'no-lsm'}"
        self.directory = kernels.made_once(f"{kind}-{key}", self.make)
        kernels.forget_others(kind, self.directory)

    def make(self, directory):
        """Boots the image and writes down its disk, its memory and its TPM when all is quiet."""
        path = f"{directory}/disk.qcow2"
        command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.image.disk, path)
        try:
            with Machine([*hardware(MEMORY), *self.options, *disk(path, "qcow2")], self.initramfs) as machine:
                wait_for_agent(machine)
                machine.monitor("stop")
                machine.monitor("migrate-set-parameters", **{"max-bandwidth": 1 << 34})
                machine.monitor("migrate", uri=f"exec:cat >{shlex.quote(directory)}/memory")
                while (state := machine.monitor("query-migrate")["status"]) != "completed":
                    if state in ("failed", "cancelled"):
                        raise Died(False, "QEMU cannot write the guest's memory down")
                    time.sleep(0.1)
                machine.monitor("quit")
                machine.qemu.wait()
        except OSError as e:
            raise Unavailable(f"no picture of the guest: {e}") from e


def wait_for_agent(machine, seconds=BOOT_SECONDS):
    deadline = time.monotonic() + seconds
    try:
        for line in machine.lines(lambda: deadline):
            if line == "waiting":
                return
    except Died as e:
        raise machine.died(e, False) from e
    except TimeoutError:
        raise Died(False, f"the guest was not up within {seconds} s:\n{machine.last_words()}") from None


class Guest:
    """A running guest, for as long as the block lasts. more: words for the kernel's command line, with which it must boot all
    the way; console: takes what the kernel says; keeps: a file for its disk, which a later guest can begin with. To be
    made in what tried() is given."""

    def __init__(self, series=kernels.NEWEST, bpf_lsm=True, more=(), console=None, keeps=None, threads="multi"):
        picture = Picture(series, bpf_lsm)
        options = [*hardware(MEMORY, threads=threads), *picture.options]
        if more:
            options[options.index("-append") + 1] += " " + " ".join(more)
            options += disk(keeps, "qcow2") if keeps else disk(picture.image.disk, "raw", FORGETS)
            self.machine = Machine(options, picture.initramfs)
        else:
            base = f"{picture.directory}/disk.qcow2"
            if keeps:
                command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, keeps)
            options += disk(keeps, "qcow2") if keeps else disk(base, "qcow2", FORGETS)
            with open(f"{picture.directory}/memory", "rb") as memory:
                self.machine = Machine([*options, "-incoming", f"fd:{memory.fileno()}"], picture.initramfs, [memory.fileno()])
        self.console = {"console": console} if console else {}
        self.machine.sinks = self.console
        self.from_boot = bool(more)

    def __enter__(self):
        self.machine.__enter__()
        try:
            if self.from_boot:
                wait_for_agent(self.machine)
            else:
                self.go_on()
        except BaseException:
            self.machine.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.machine.__exit__()

    def go_on(self):
        """Where the picture was taken."""
        end = time.monotonic() + BOOT_SECONDS
        while self.machine.monitor("query-status")["status"] != "paused":
            if time.monotonic() > end:
                raise Died(False, f"QEMU does not load the guest's memory:\n{self.machine.last_words()}")
            time.sleep(0.02)
        self.machine.monitor("cont")

    def end(self):
        """Before the block does, so that its disk has all that it wrote."""
        self.output("sync")
        self.machine.monitor("quit")
        self.machine.qemu.wait()

    def begin(self, words, stdin=b"", sinks=None):
        self.machine.sinks = {**self.console, **(sinks or {})}
        script = f"export HOME=/root; cd /root; exec {shlex.join(map(str, words))}\n".encode()
        self.machine.send(b"%d %d %d\n" % (time.time(), len(script), len(stdin)) + script + stdin)

    def run(self, words, stdin=b"", sinks=None, seconds=900):
        """Runs a command and returns its exit status. sinks: {"out": f, "err": g}, which take bytes as they come."""
        self.begin(words, stdin, sinks)
        end = time.monotonic() + seconds
        try:
            for line in self.machine.lines(lambda: end):
                if line.startswith("exit "):
                    self.machine.drain()
                    return int(line.split()[1])
                if line == "waiting":
                    raise Died(True, "the system started anew")
        except Died as e:
            raise self.machine.died(e, True) from e
        except TimeoutError:
            raise TimeoutError(self.machine.standing()) from None

    def reboot(self, seconds=1200):
        """Firmware, kernel and system anew on the same disk and TPM. Under emulation that can take minutes."""
        self.begin(["systemctl", "reboot"])
        wait_for_agent(self.machine, seconds)

    def output(self, *words, stdin=b""):
        """Runs a command that must succeed, and returns what it printed."""
        out, err = io.BytesIO(), io.BytesIO()
        status = self.run(words, stdin, {"out": out.write, "err": err.write})
        if status != 0:
            raise AssertionError(f"{shlex.join(map(str, words))}: exit status {status}: {err.getvalue().decode(errors='replace')}")
        return out.getvalue()

    def is_trusted(self):
        """False also when the daemon is on its way there, or does not answer yet."""
        return self.run(["sealwatchctl", "status"]) == 0

    def status(self):
        """Of a guard that is trusted."""
        return json.loads(self.output("sealwatchctl", "status", "--json"))

    def events(self, kind):
        found = [json.loads(line) for line in self.output("sealwatchctl", "events", "--format=json").splitlines()]
        return [e for e in found if e["kind"] == kind]

    @contextlib.contextmanager
    def explained(self):
        """What the service says of itself, when something is not as it must be."""
        try:
            yield
        except AssertionError:
            print(self.output("sh", "-c", "systemctl status --no-pager --lines=60 sealwatchd; sealwatchctl status; true").decode())
            raise

    def put(self, here, there):
        """A file or directory of ours, to a path that it has there. Directories that exist stay as they are."""
        def roots(member):
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            return member

        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(here, arcname=os.path.relpath(there, "/"), filter=roots)
        self.output("tar", "-C", "/", "--no-overwrite-dir", "--keep-directory-symlink", "-xf", "-", stdin=archive.getvalue())

    def get(self, there, here):
        """What is in a directory of the guest, into one of ours."""
        archive = self.output("tar", "-C", there, "-cf", "-", ".")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(here, filter="data")
