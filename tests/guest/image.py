# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk with a small Debian system: made once from Debian's packages, then only copied on write."""

import hashlib
import os
import shutil

import initramfs
import kernels
from process import Unavailable, command

PACKAGES = ["systemd", "systemd-sysv", "dbus", "udev", "polkitd", "kmod", "iproute2", "procps", "e2fsprogs", "keyutils",
            "tpm2-tools", "cryptsetup-bin", "ima-evm-utils", "fsverity", "bpftool", "openssl", "curl", "libarchive-tools",
            "libjansson4", "python3-minimal"]
# Work that begins by itself some time after the start.
UNWANTED_UNITS = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
                  "systemd-tmpfiles-clean.timer", "getty@tty1.service", "serial-getty@ttyS0.service"]
SIZE = "2G"  # most of it is never written
AGENT_UNIT = """[Unit]
Description=Runs what the host asks for
After=dbus.service polkit.service

[Service]
Type=exec
ExecStart=/usr/local/sbin/guest-agent
Restart=always
StandardInput=null
TasksMax=infinity
OOMScoreAdjust=-900
"""


def write(path, content, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, mode)


def debootstrap(suite, tree):
    """In namespaces of its own: an interruption leaves no mount and no process."""
    command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "mmdebstrap",
                    "--mode=root", "--format=directory", "--variant=minbase", "--quiet",
                    "--aptopt=APT::Install-Recommends false", "--dpkgopt=path-exclude=/usr/share/doc/*",
                    "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                    f"--include={','.join(PACKAGES)}", suite, tree, *kernels.sources(suite))


def furnish(tree, kernel):
    shutil.copytree(kernel.modules, f"{tree}/usr/lib/modules/{kernel.release}", symlinks=True)
    write(f"{tree}/etc/hostname", b"guest\n")
    write(f"{tree}/etc/hosts", b"127.0.0.1 localhost guest\n")
    write(f"{tree}/etc/fstab", b"")
    write(f"{tree}/etc/machine-id", b"5ea1" * 8 + b"\n")
    write(f"{tree}/usr/local/sbin/guest-agent", initramfs.read(f"{initramfs.HERE}/agent"), 0o755)
    write(f"{tree}/usr/local/lib/guest/run-command", initramfs.read(f"{initramfs.HERE}/run-command"))
    units = f"{tree}/etc/systemd/system"
    write(f"{units}/guest-agent.service", AGENT_UNIT.encode())
    os.makedirs(f"{units}/multi-user.target.wants", exist_ok=True)
    os.symlink("../guest-agent.service", f"{units}/multi-user.target.wants/guest-agent.service")
    for unit in UNWANTED_UNITS:
        if not os.path.lexists(f"{units}/{unit}"):
            os.symlink("/dev/null", f"{units}/{unit}")


class Image:
    """path: its directory in the cache; disk: an ext4 file system; kernel: the one whose modules it has."""

    def __init__(self, series):
        self.suite = kernels.SUITES[series]
        self.kernel = kernels.Kernel(series, "cloud-amd64")
        recipe = b"".join(initramfs.read(f"{initramfs.HERE}/{name}") for name in ("image.py", "agent", "run-command"))
        key = hashlib.sha256(recipe + self.kernel.release.encode()).hexdigest()[:12]
        self.path = kernels.made_once(f"image-{series}-{key}", self.make)
        kernels.forget_others(f"image-{series}", self.path)
        self.disk = f"{self.path}/disk.img"

    def make(self, directory):
        if os.geteuid() != 0:
            raise Unavailable("only root can make the image of a Debian system")
        tree = f"{directory}/tree"
        debootstrap(self.suite, tree)
        furnish(tree, self.kernel)
        command("mke2fs", "-q", "-t", "ext4", "-O", "verity", "-b", "4096", "-d", tree, f"{directory}/disk.img", SIZE)
        shutil.rmtree(tree)
