# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock Debian kernels, fetched once by apt into a cache that is used from then on without a network.

apt checks every package against Debian's archive keys. It works on a configuration of its own: the system's list of
packages and its sources are neither used nor changed."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess

from process import Unavailable, command, spawn

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = {"6.12": "trixie", "6.1": "bookworm", "backports": "trixie-backports"}  # the last is whatever is newest there
NEWEST = "6.12"
# What no guest of ours has hardware for: half of the bytes.
UNWANTED = ["drivers/gpu", "drivers/iio", "drivers/infiniband", "drivers/media", "drivers/net/ethernet",
            "drivers/net/wireless", "drivers/scsi", "drivers/staging", "drivers/usb", "sound"]


def cache_directory():
    top = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
    home = os.environ.get("XDG_CACHE_HOME")
    return os.path.realpath(os.environ.get("SEALWATCH_GUEST_CACHE") or (f"{home}/sealwatch" if home else f"{top}/.cache"))


@contextlib.contextmanager
def locked(name):
    """Of several runs one makes a thing; the others wait for it. The lock ends with its holder, however that ends."""
    os.makedirs(cache_directory(), exist_ok=True)
    with open(f"{cache_directory()}/{name}.lock", "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def made_once(name, make):
    """The directory of that name in the cache. make(directory) fills it, once: a directory that exists is complete."""
    path = f"{cache_directory()}/{name}"
    if os.path.isdir(path):
        return path
    with locked(name):
        if not os.path.isdir(path):
            shutil.rmtree(f"{path}.new", ignore_errors=True)
            os.makedirs(f"{path}.new")
            try:
                make(f"{path}.new")
                os.rename(f"{path}.new", path)
            finally:
                shutil.rmtree(f"{path}.new", ignore_errors=True)
    return path


def forget_others(kind, path):
    """Removes what an earlier version of us, or of what we are made from, left under another key."""
    for name in os.listdir(cache_directory()):
        other = f"{cache_directory()}/{name}"
        if name.startswith(f"{kind}-") and not name.endswith((".lock", ".new")) and other != path:
            shutil.rmtree(other, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{other}.lock")


def sources(suite):
    """Where packages of a Debian release come from, in apt's words."""
    mirror = os.environ.get("SEALWATCH_GUEST_MIRROR", "http://deb.debian.org")
    places = [("debian", suite)]
    if not suite.endswith("-backports"):
        places.append(("debian-security", f"{suite}-security"))
    return [f"deb [signed-by={KEYRING} arch=amd64] {mirror}/{place} {name} main" for place, name in places]


class Archive:
    """apt for one Debian release, in a directory of its own."""

    def __init__(self, directory, suite):
        if not os.path.exists(KEYRING):
            raise Unavailable(f"{KEYRING} does not exist (debian-archive-keyring)")
        self.directory = directory
        for d in ("lists/partial", "cache/archives/partial"):
            os.makedirs(f"{directory}/{d}")
        with open(f"{directory}/sources.list", "w", encoding="ascii") as f:
            f.write("\n".join(sources(suite)) + "\n")
        with open(f"{directory}/status", "w", encoding="ascii"):
            pass
        self.apt("apt-get", "update")

    def apt(self, program, *words):
        settings = {
            "Dir::State": self.directory, "Dir::State::lists": f"{self.directory}/lists",
            "Dir::State::status": f"{self.directory}/status", "Dir::Cache": f"{self.directory}/cache",
            "Dir::Etc::sourcelist": f"{self.directory}/sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::trusted": "/dev/null", "Dir::Etc::trustedparts": "/dev/null",
            "APT::Architecture": "amd64", "APT::Architectures": "amd64", "APT::Sandbox::User": "",
            "APT::Get::AllowUnauthenticated": "false", "APT::Update::Error-Mode": "any", "Acquire::Languages": "none",
            "Acquire::Retries": "2", "Acquire::http::Timeout": "30", "Acquire::AllowInsecureRepositories": "false",
        }
        options = [w for name, value in settings.items() for w in ("-o", f"{name}={value}")]
        return command(program, *options, *words, cwd=self.directory, env=dict(os.environ, LC_ALL="C"))

    def kernel(self, flavour):
        """Downloads the kernel that linux-image-FLAVOUR stands for; returns the .deb files. Newer ones are in several packages."""
        text = self.apt("apt-cache", "depends", f"linux-image-{flavour}")
        name = re.search(r"Depends: (linux-image-\d\S+)", text)
        if not name:
            raise Unavailable(f"Debian names no kernel for linux-image-{flavour}: {text}")
        parts = re.findall(r"Depends: (linux-(?:base|binary|modules)-\d\S+)", self.apt("apt-cache", "depends", name.group(1)))
        self.apt("apt-get", "download", name.group(1), *parts)
        return [f"{self.directory}/{f}" for f in os.listdir(self.directory) if f.endswith(".deb")]


def unpack(packages, directory):
    """Leaves vmlinuz, config, release and lib/modules/RELEASE in the directory."""
    tree = f"{directory}/tree"
    os.makedirs(tree)
    excludes = [f"--exclude=*/kernel/{d}" for d in UNWANTED]
    for package in packages:
        with spawn(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar:
            command("tar", "-C", tree, "--no-same-owner", "-xf", "-", *excludes, stdin=tar.stdout)
        if tar.returncode != 0:
            raise Unavailable(f"dpkg-deb cannot read {package}")
    modules = next(d for d in (f"{tree}/usr/lib/modules", f"{tree}/lib/modules") if os.path.isdir(d))
    release = os.listdir(modules)[0]
    os.makedirs(f"{directory}/lib")
    os.rename(modules, f"{directory}/lib/modules")
    for name in ("vmlinuz", "config"):
        old = f"{tree}/boot/{name}-{release}"
        os.rename(old if os.path.exists(old) else f"{directory}/lib/modules/{release}/{name}", f"{directory}/{name}")
    with open(f"{directory}/release", "w", encoding="ascii") as f:
        f.write(release)
    command("depmod", "-b", directory, release)
    shutil.rmtree(tree)


def make_kernel(version, flavour, directory):
    archive = Archive(f"{directory}/apt", SUITES[version])
    unpack(archive.kernel(flavour), directory)
    shutil.rmtree(f"{directory}/apt")


class Kernel:
    """An unpacked kernel. modules: the directory lib/modules/RELEASE."""

    def __init__(self, version=NEWEST, flavour="amd64"):
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        self.directory = made_once(f"kernel-{version}-{flavour}", lambda d: make_kernel(version, flavour, d))
        with open(f"{self.directory}/release", encoding="ascii") as f:
            self.release = f.read()
        self.image = f"{self.directory}/vmlinuz"
        self.modules = f"{self.directory}/lib/modules/{self.release}"

    def load_order(self, names):
        """Paths of these modules and all that they need, each after what it needs. Built-in ones are left out."""
        needs = {}
        with open(f"{self.modules}/modules.dep", encoding="ascii") as f:
            for line in f:
                path, _, others = line.partition(":")
                needs[path] = others.split()
        paths = {re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(p)).replace("-", "_"): p for p in needs}
        order = []

        def add(path):
            for other in reversed(needs[path]):
                add(other)
            if path not in order:
                order.append(path)

        for name in names:
            if name in paths:
                add(paths[name])
        return [f"{self.modules}/{p}" for p in order]
