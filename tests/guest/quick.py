# SPDX-License-Identifier: LGPL-2.1-or-later
"""The quick guest: this machine's files, which it can change only for itself, a kernel, and no system around the command."""

import os
import shlex
import time

import initramfs
from machine import BOOT_SECONDS, Died, Machine, command_line, hardware

MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"]
KEPT = ("LANG", "LC_", "PYTHON", "RACE_SECONDS", "SEALWATCH_", "TERM", "TZ")


def script(words, seconds):
    """The command where it was given, with what matters of the environment and how long it may take."""
    kept = {k: v for k, v in os.environ.items() if k.startswith(KEPT)}
    environment = {"PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin", "HOME": "/root", "TMPDIR": "/run/tmp",
                   "SEALWATCH_TEST_SECONDS": str(seconds), **kept}
    lines = [f"export {k}={shlex.quote(v)}" for k, v in environment.items()]
    lines += [f"cd {shlex.quote(os.getcwd())} || exit 125", f"exec {shlex.join(words)}"]
    return "\n".join(lines).encode() + b"\n"


def boot_files(kernel, words, results, seconds):
    places = {"RELEASE": kernel.release, "MODULES": kernel.modules, "RESULTS": results or ""}
    return {
        "command": script(words, seconds),
        "places": "".join(f"{k}={shlex.quote(v)}\n" for k, v in places.items()).encode(),
        **{name: initramfs.read(f"{initramfs.HERE}/{name}") for name in ("main-quick", "run-command")},
    }


def share(path, tag, more=""):
    model = "passthrough" if os.geteuid() == 0 else "none"
    return ["-virtfs", f"local,path={path.replace(',', ',,')},mount_tag={tag},multidevs=remap,security_model={model}{more}"]


def converse(machine, seconds):
    """Returns the exit status of the command. TimeoutError when that takes too long."""
    ready, deadline = False, time.monotonic() + BOOT_SECONDS
    try:
        for line in machine.lines(lambda: deadline):
            if line == "ready":
                ready, deadline = True, time.monotonic() + seconds
            elif line.startswith("exit "):
                machine.drain()
                return int(line.split()[1])
    except Died as e:
        raise Died(ready, str(e)) from e
    except TimeoutError:
        if ready:
            raise TimeoutError(machine.standing()) from None
    raise Died(False, f"no command started within {BOOT_SECONDS} s")


def run(kernel, words, sinks, *, results=None, bpf_lsm=True, more=(), memory=2048, cpus=2, icount=False, tpm=True, threads="multi",
        seconds=300):
    """Boots, runs the command, and returns its exit status. results: a directory that the guest may write to."""
    options = [*hardware(memory, cpus, icount, threads), *share("/", "host", ",readonly=on"), "-no-reboot", "-kernel", kernel.image,
               "-append", command_line(bpf_lsm, more)]
    if results:
        options += share(results, "results")
    files = boot_files(kernel, words, results, seconds)
    with Machine(options, initramfs.make(kernel, "init-quick", MODULES, files), tpm=tpm) as machine:
        machine.sinks = sinks
        try:
            return converse(machine, seconds)
        except Died as e:
            raise machine.died(e, e.started) from e
