# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine under QEMU with a software TPM. Its processes die with this one, however this one dies, and there is not one
file: programs talk through socket pairs, and the TPM keeps its state in a memory only it can see."""

import json
import math
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import time

from process import Unavailable, spawn

QEMU = "qemu-system-x86_64"
TAIL = 60  # lines of the console that are worth showing
STANDING = 400  # and when each process that waits has some
DEATH = re.compile(r"BUG: |Oops|\[#1\]|Kernel panic")  # how a kernel begins to speak of its own
LOCKED, TRAP = b"soft lockup", b"asm_exc_int3"  # a processor that goes nowhere, and where
PORTS = ("out", "err", "status")
BOOT_SECONDS = 300  # only turns a hang into a failure
# A boot does the same each time, and no more than it must.
SHORT = "mitigations=off nokaslr tsc=reliable no_timer_check cryptomgr.notests random.trust_cpu=on"
ASKED = b"8lw"  # of the kernel (sysrq): to hide nothing, where its processors are, who waits and cannot be woken
QUIET = ("quiet", "loglevel=5")  # for the kernel's command line: of what it says only warnings, with all that belongs to them


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


def hardware(memory, cpus=2, icount=False, threads="multi"):
    """QEMU's words for the emulated machine. memory: MiB. threads: "single", where its processors take turns."""
    if icount:
        words = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"]
    else:
        words = ["-accel", f"tcg,thread={threads}", "-smp", str(cpus)]
    # "max" makes one boot in sixty die of an int3 oops.
    return words + ["-M", "q35", "-cpu", "Nehalem,+rdrand", "-m", str(memory)]


def command_line(bpf_lsm=True, more=()):
    """The kernel's."""
    modules = "landlock,lockdown,yama,integrity,apparmor" + (",bpf" if bpf_lsm else "")
    return " ".join(["console=ttyS0", "panic=-1", "oops=panic", "sysrq_always_enabled", f"lsm={modules}", SHORT, *more])


class Died(Exception):
    """The machine ended, or hangs. started: it had begun with the command. emulated: that was the emulator (Machine.died())."""

    def __init__(self, started, why, emulated=False):
        super().__init__(why)
        self.started, self.emulated = started, emulated


class Machine:
    """options: words for QEMU; initramfs: its bytes; files: open descriptors that the words name."""

    def __init__(self, options, initramfs, files=(), tpm=True):
        if not shutil.which(QEMU):
            raise Unavailable(f"{QEMU} is not installed (qemu-system-x86)")
        self.console = b""
        self.negotiated = False
        self.over = math.inf  # the time.monotonic() when a kernel that died is left
        self.sinks = {}
        self.channels, self.processes, self.theirs = {}, [], []
        boot = memory_file(initramfs)
        words = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", *options,
                 "-initrd", f"/proc/self/fd/{boot}", "-device", "virtio-serial-pci,max_ports=8"]
        words += self.channel("console") + ["-serial", "chardev:console"]
        words += self.channel("qmp") + ["-mon", "chardev=qmp,mode=control"]
        for name in PORTS:
            words += self.channel(name) + ["-device", f"virtserialport,chardev={name},name={name}"]
        if tpm:
            words += self.tpm()
        self.errors = memory_file(b"")
        inherited = [*files, boot, *[s.fileno() for s in self.theirs]]
        self.qemu = spawn(words, fds=inherited, stdout=self.errors, stderr=self.errors)
        self.processes.append(self.qemu)
        for s in self.theirs:
            s.close()
        os.close(boot)

    def channel(self, name):
        """Words for the end of a socket pair whose other end is ours."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.channels[name] = ours
        self.theirs.append(theirs)
        return ["-chardev", f"socket,id={name},fd={theirs.fileno()}"]

    def tpm(self):
        """Words for the TPM, whose process then runs."""
        qemus, swtpms = socket.socketpair()
        self.processes.append(start_tpm(swtpms))
        swtpms.close()
        self.theirs.append(qemus)
        return ["-chardev", f"socket,id=tpm,fd={qemus.fileno()}", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                "-device", "tpm-crb,tpmdev=tpm0"]

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
        """Yields (name, bytes) as they come. Raises TimeoutError after deadline() (of time.monotonic()), Died with QEMU."""
        with selectors.DefaultSelector() as selector:
            for name, ours in self.channels.items():
                if name != "qmp":
                    selector.register(ours, selectors.EVENT_READ, name)
            while selector.get_map():
                if time.monotonic() > deadline():
                    raise TimeoutError
                if time.monotonic() > self.over:
                    raise Died(False, "the kernel died, or hangs")
                for key, _ in selector.select(timeout=1):
                    try:
                        data = key.fileobj.recv(1 << 16)
                    except ConnectionError:
                        data = b""
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data == "console":
                        self.hear(data)
                    yield key.data, data
        raise Died(False, "the machine ended")

    def hear(self, data):
        """The console. A kernel that dies, or is caught by a breakpoint for ever, has some seconds for its last words."""
        seen = len(self.console)
        self.console += data
        new = self.console[max(0, seen - 16):]
        if b"Kernel panic" in new or (TRAP in new and self.is_trapped()):
            self.over = time.monotonic() + 3

    def is_trapped(self):
        """A processor does not come out of a breakpoint that is no more."""
        return LOCKED in self.console and TRAP in self.console[self.console.index(LOCKED):]

    def lines(self, deadline):
        """Yields the lines of the status port; what comes elsewhere goes to the sink of that name."""
        status = b""
        for name, data in self.receive(deadline):
            if name in self.sinks:
                self.sinks[name](data)
            if name == "status":
                *lines, status = (status + data).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)

    def drain(self):
        """Gives the sinks what has arrived by now."""
        for name, sink in self.sinks.items():
            try:
                while data := self.channels[name].recv(1 << 16):
                    sink(data)
            except (BlockingIOError, ConnectionError):
                pass

    def send(self, data, seconds=60):
        """To the guest's status port."""
        self.channels["status"].settimeout(seconds)
        try:
            self.channels["status"].sendall(data)
        except OSError as e:
            raise Died(False, f"the guest does not take what it is sent: {e}") from e
        finally:
            self.channels["status"].setblocking(False)

    def monitor(self, command, **arguments):
        """A command for QEMU; returns its answer."""
        if not self.negotiated:
            self.negotiated = True
            self.monitor("qmp_capabilities")
        qmp = self.channels["qmp"]
        qmp.settimeout(60)
        qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        text = b""
        while True:
            text += qmp.recv(1 << 16) or b'{"error": "QEMU ended"}\n'
            *lines, text = text.split(b"\n")
            for answer in map(json.loads, lines):
                if "error" in answer:
                    raise Died(False, f"QEMU refuses {command}: {answer['error']}")
                if "return" in answer:
                    return answer["return"]

    def standing(self):
        """What a kernel whose time is over says of where it stands."""
        for key in ASKED:
            try:
                self.monitor("chardev-send-break", id="console")
                self.channels["console"].sendall(bytes([key]))
                end = time.monotonic() + 5
                for _ in self.receive(lambda: end):
                    pass
            except TimeoutError:
                pass
            except (Died, OSError) as e:
                return f"{self.last_words(STANDING)}\n{e}"
        return self.last_words(STANDING)

    def first_words(self):
        """How the kernel's death began."""
        for line in self.console.decode(errors="replace").splitlines():
            if DEATH.search(line):
                return line
        return ""

    def last_words(self, most=TAIL):
        """The end of the console and what QEMU said, for a report."""
        size = os.lseek(self.errors, 0, os.SEEK_END)
        said = os.pread(self.errors, size, 0).decode(errors="replace")
        lines = self.console.decode(errors="replace").replace("\r", "").splitlines()
        return "\n".join(lines[-most:] + ([said.rstrip()] if said else []))

    def died(self, e, started):
        """The exception that reports e in full. It was the emulator's fault when QEMU crashed, or the kernel met a breakpoint that it
        sets in its own code while it changes that, or for ever: QEMU before 8.1 may translate such code while another processor's
        thread writes it, and keep that."""
        first = self.first_words()
        crashed = self.qemu.poll() is not None and self.qemu.returncode < 0
        how = f": {first}" if first else f": QEMU ended by signal {-self.qemu.returncode}" if crashed else ""
        emulated = crashed or "int3: 0000" in first or self.is_trapped()
        return Died(started, f"{self.last_words()}\nguest: {e}{how}", emulated)


def tried(act):
    """What act("multi") returns. Where a boot fails, or the emulator and not the command, act("single") tries once more, and the
    processors take turns."""
    try:
        return act("multi")
    except Died as e:
        if e.started and not e.emulated:
            raise
        what = "emulator" if e.emulated else "boot"
        print(f"guest: {e}\nguest: that was the {what}, not the command: once more, on one thread", file=sys.stderr, flush=True)
    return act("single")
