# SPDX-License-Identifier: LGPL-2.1-or-later
"""The small first root file system: busybox, the modules it takes to reach the host's files, and a script."""

import lzma
import os
import stat
import struct

from process import Unavailable

BUSYBOX = "/bin/busybox"
HERE = os.path.dirname(os.path.realpath(__file__))


def newc(files):
    """A cpio archive of {name: (mode, content)} (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    out = bytearray()

    def entry(number, name, mode, content):
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        out.extend(b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0")
        out.extend(bytes(-len(out) % 4))
        out.extend(content)
        out.extend(bytes(-len(out) % 4))

    for number, (name, (mode, content)) in enumerate(files.items(), start=1):
        entry(number, name, mode, content)
    entry(0, "TRAILER!!!", 0, b"")
    return bytes(out)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def module(path):
    """(name, content) of a module for the initramfs: plain, since busybox knows no compressed ones."""
    name = os.path.basename(path)
    if name.endswith(".xz"):
        return name[:-3], lzma.decompress(read(path))
    return name, read(path)


def is_static(program):
    """True for an ELF program without a PT_INTERP (3) among its headers (elf.h)."""
    data = read(program)
    offset, size, count = struct.unpack_from("<32xQ14xHH", data)
    return data[:4] == b"\x7fELF" and 3 not in [struct.unpack_from("<I", data, offset + n * size)[0] for n in range(count)]


def make(kernel, script, modules, extra):
    """The archive's bytes. script: the first process; modules: what it loads; extra: {name: content} beside it."""
    if not os.path.exists(BUSYBOX) or not is_static(BUSYBOX):
        raise Unavailable(f"{BUSYBOX} is no static busybox (busybox-static)")
    program, text, directory = stat.S_IFREG | 0o755, stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755
    files = {d: (directory, b"") for d in ("bin", "dev", "modules", "new", "proc", "sys")}
    files["init"] = program, read(f"{HERE}/{script}")
    files["bin/busybox"] = program, read(BUSYBOX)
    for number, path in enumerate(kernel.load_order(modules)):
        name, content = module(path)
        files[f"modules/{number:02}-{name}"] = text, content
    for name, content in extra.items():
        files[name] = text, content
    return newc(files)
