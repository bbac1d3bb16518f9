# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine under QEMU with a software TPM. Its processes die with this one, however this one dies, and there is not one
file: programs talk through socket pairs, and the TPM keeps its state in a memory only it can see."""

import ctypes
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time

from kernels import Unavailable

QEMU = "qemu-system-x86_64"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
TAIL = 60  # lines of the console that are worth showing

libc = ctypes.CDLL(None, use_errno=True)


def die_with(parent):
    """For a child before its exec: it ends when its parent does."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def spawn(words, fds=(), **options):
    parent = os.getpid()
    try:
        return subprocess.Popen(words, pass_fds=fds, preexec_fn=lambda: die_with(parent), start_new_session=True,
                                stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError as e:
        raise Unavailable(f"{words[0]} is not installed") from e


def channel():
    """(ours, theirs) of a socket pair."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def start_tpm(theirs):
    """A TPM as it leaves the factory. It ends when its connection does."""
    if not shutil.which("swtpm"):
        raise Unavailable("swtpm is not installed")
    fd = theirs.fileno()
    swtpm = f"exec swtpm socket --tpm2 --tpmstate dir=/mnt --ctrl type=unixio,clientfd={fd} --flags startup-clear --terminate"
    private = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    return spawn([*private, "sh", "-c", f"mount -t tmpfs tpm /mnt && {swtpm}"], fds=[fd], stdout=subprocess.DEVNULL)


def memory_file(content):
    fd = os.memfd_create("guest")
    with os.fdopen(os.dup(fd), "wb") as f:
        f.write(content)
    return fd


class Died(Exception):
    """The machine ended, or hangs. started: it had begun with the command."""

    def __init__(self, started, why):
        super().__init__(why)
        self.started = started


class Machine:
    """options: words for QEMU; ports: names of virtio ports, as the guest sees them in /sys/class/virtio-ports."""

    def __init__(self, options, ports, initramfs=None, tpm=True):
        if not shutil.which(QEMU):
            raise Unavailable(f"{QEMU} is not installed (qemu-system-x86)")
        self.console = b""
        self.channels, self.processes, fds = {}, [], []
        words = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none", *options,
                 "-device", "virtio-serial-pci,max_ports=8"]

        def add(name):
            ours, theirs = channel()
            self.channels[name] = ours
            fds.append(theirs)
            words.extend(["-chardev", f"socket,id={name},fd={theirs.fileno()}"])

        add("console")
        words += ["-serial", "chardev:console"]
        for name in ports:
            add(name)
            words += ["-device", f"virtserialport,chardev={name},name={name}"]
        if tpm:
            ours, theirs = channel()
            ours.setblocking(True)
            self.processes.append(start_tpm(theirs))
            theirs.close()
            fds.append(ours)
            words += ["-chardev", f"socket,id=tpm,fd={ours.fileno()}", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                      "-device", "tpm-crb,tpmdev=tpm0"]
        inherited = [s.fileno() for s in fds]
        if initramfs is not None:
            file = memory_file(initramfs)
            inherited.append(file)
            words += ["-initrd", f"/proc/self/fd/{file}"]
        self.errors = memory_file(b"")
        self.qemu = spawn(words, fds=inherited, stdout=self.errors, stderr=self.errors)
        self.processes.append(self.qemu)
        for s in fds:
            s.close()
        if initramfs is not None:
            os.close(file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.processes:
            p.kill()
        for p in self.processes:
            p.wait()
        for s in self.channels.values():
            s.close()
        os.close(self.errors)

    def receive(self, deadline):
        """Yields (name, bytes) as they come, until QEMU ends. deadline(): the time.monotonic() at which to give up."""
        with selectors.DefaultSelector() as selector:
            for name, ours in self.channels.items():
                selector.register(ours, selectors.EVENT_READ, name)
            while selector.get_map():
                if time.monotonic() > deadline():
                    raise TimeoutError
                for key, _ in selector.select(timeout=1):
                    try:
                        data = key.fileobj.recv(1 << 16)
                    except ConnectionError:
                        data = b""
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data == "console":
                        self.console += data
                    yield key.data, data

    def drain(self, name):
        """What has arrived on a channel by now."""
        data = b""
        try:
            while more := self.channels[name].recv(1 << 16):
                data += more
        except (BlockingIOError, ConnectionError):
            pass
        return data

    def last_words(self):
        """The end of the console and what QEMU said, for a report."""
        size = os.lseek(self.errors, 0, os.SEEK_END)
        said = os.pread(self.errors, size, 0).decode(errors="replace")
        lines = self.console.decode(errors="replace").replace("\r", "").splitlines()
        return "\n".join(lines[-TAIL:] + ([said.rstrip()] if said else []))
