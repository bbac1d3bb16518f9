# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel module of ours, built for a guest's kernel inside a Debian system with that kernel's headers; either is made once."""

import hashlib
import os
import shutil

import initramfs
import kernels
from process import Unavailable, command

COMPILER = "gcc-14"  # the one that Debian 13's kernels are made with


def make_root(kernel, suite, directory):
    """A Debian system with compiler and headers, in "root"."""
    if os.geteuid() != 0:
        raise Unavailable("only root can make a Debian system to build a kernel module in")
    command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "mmdebstrap", "--mode=root",
            "--format=directory", "--variant=apt", "--quiet", "--aptopt=APT::Install-Recommends false",
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", f"--include=make,{COMPILER},linux-headers-{kernel.release}", suite,
            f"{directory}/root", *kernels.sources(suite))


def make_module(kernel, tree, source, directory):
    name = os.path.basename(source)
    shutil.copy(source, f"{directory}/{name}")
    with open(f"{directory}/Makefile", "w", encoding="ascii") as f:
        f.write(f"obj-m := {os.path.splitext(name)[0]}.o\n")
    build = f"mount --bind {directory} {tree}/mnt && exec chroot {tree} make -s -C /lib/modules/{kernel.release}/build M=/mnt " \
            f"CC={COMPILER} modules"
    command("unshare", "--mount", "--propagation", "private", "sh", "-c", build,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})


def build(series, source):
    """The path of the module for Debian's kernel of that series."""
    kernel = kernels.Kernel(series)
    root = kernels.made_once(f"headers-{series}-{kernel.release}", lambda d: make_root(kernel, kernels.SUITES[series], d))
    kernels.forget_others(f"headers-{series}", root)
    recipe = initramfs.read(source) + kernel.release.encode()
    name = os.path.splitext(os.path.basename(source))[0]
    path = kernels.made_once(f"module-{name}-{series}-{hashlib.sha256(recipe).hexdigest()[:12]}",
                             lambda d: make_module(kernel, f"{root}/root", source, d))
    kernels.forget_others(f"module-{name}-{series}", path)
    return f"{path}/{name}.ko"
