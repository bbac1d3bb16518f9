# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages of the sources as they are, built in clean roots."""

import glob
import hashlib
import os
import shutil
import subprocess
import tempfile

import root
from root import Unavailable, kernels

SOURCE = os.environ.get("SEALWATCH_SOURCE", os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")))
TOOLS = ["build-essential", "debhelper", "meson", "pkg-config", "python3", "clang", "llvm", "bpftool", "scdoc", "libbpf-dev", "libcap-dev",
         "libcurl4-openssl-dev", "libcryptsetup-dev", "libjansson-dev", "libssl-dev", "libsystemd-dev", "libtss2-dev", "libcmocka-dev",
         "lintian"]
# In namespaces of its own: nothing of it is left behind. $1 the clean root, $2 a directory to work in, $3 where sources are and
# packages will be, $4 for DEB_BUILD_OPTIONS, $5 a name for this build, $6 not empty: with lintian.
BUILD = """
set -eu
mount -t overlay -o "lowerdir=$1,upperdir=$2/up,workdir=$2/work" overlay "$2/root"
cd "$2/root"
mount -t proc proc proc
mount --rbind /dev dev
mount --bind "$3" mnt
exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="$4" sh -euc '
    mkdir -p "/build/$1"
    cd "/build/$1"
    tar -xf /mnt/source.tar
    dpkg-buildpackage --build=binary --no-sign >/mnt/"$1".log 2>&1 || { tail -n 60 /mnt/"$1".log; exit 1; }
    mkdir "/mnt/$1"
    cp ../*.deb ../*.changes ../*.buildinfo "/mnt/$1"
    if [ -n "$2" ]; then lintian --allow-root --fail-on error --display-info /mnt/"$1"/*.changes; fi' build "$5" "$6"
"""


def archive(path):
    """The sources into a tar file, to the same bytes whenever they are the same."""
    try:
        names = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True,
                               stdout=subprocess.PIPE).stdout
    except (OSError, subprocess.CalledProcessError) as e:
        raise Unavailable(f"the sources are not in git: {e}") from e
    subprocess.run(["tar", "-C", SOURCE, "--null", "--files-from=-", "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
                    "--numeric-owner", "--ignore-failed-read", "-cf", path], input=names, check=True)


def build(suite, directory, name, options="", lint=False):
    """Builds what is in the directory's source.tar; the packages are in its folder of that name then."""
    base = root.made("build", suite, TOOLS)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as work:
        for d in ("up", "work", "root"):
            os.mkdir(f"{work}/{d}")
        p = subprocess.run(["nice", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", BUILD,
                            "build", base, work, directory, options, name, "lint" if lint else ""], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
    if p.returncode != 0:
        raise AssertionError(f"{suite}: the build, or lintian:\n{p.stdout}")
    if lint:
        print(p.stdout, end="")
    return packages(f"{directory}/{name}")


def packages(directory):
    return [p for p in sorted(glob.glob(f"{directory}/*.deb")) if "-dbgsym_" not in p]


def made(suite):
    """The packages of the sources as they are, without the tests of the build; once for the same sources."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        archive(f"{directory}/source.tar")
        with open(f"{directory}/source.tar", "rb") as f:
            key = hashlib.sha256(f.read() + root.made("build", suite, TOOLS).encode()).hexdigest()[:12]

        def make(there):
            for package in build(suite, directory, "quick", "nocheck"):
                shutil.copy(package, there)

        path = kernels.made_once(f"packages-{suite}-{key}", make)
    kernels.forget_others(f"packages-{suite}", path)
    return packages(path)


def version(package, number, directory):
    """A later version of the same package in that directory. Its daemon is another file."""
    with tempfile.TemporaryDirectory() as tree:
        subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
        with open(f"{tree}/DEBIAN/control", encoding="utf-8") as f:
            lines = [f"Version: {number}\n" if line.startswith("Version:") else line for line in f]
        with open(f"{tree}/DEBIAN/control", "w", encoding="utf-8") as f:
            f.writelines(lines)
        with open(f"{tree}/usr/lib/sealwatch/sealwatchd", "ab") as f:
            f.write(number.encode())
        path = f"{directory}/sealwatch_{number}_amd64.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True, stdout=subprocess.DEVNULL)
    return path
