# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small Debian systems in directories: made once from Debian's packages, and never written to afterwards."""

import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../guest"))
import kernels  # noqa: E402
from process import Unavailable, command  # noqa: E402

# What runs beside the daemon in a system test, and the libraries that it loads by name or links.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "polkitd", "procps", "util-linux", "libbpf1", "libjansson4", "libcap2", "tpm2-tools",
            "libcryptsetup12", "ca-certificates"]
LIBRARIES = {
    "bookworm": ["libssl3", "libtss2-esys-3.0.2-0", "libtss2-mu0", "libtss2-rc0", "libtss2-tctildr0", "libtss2-tcti-device0",
                 "libtss2-tcti-swtpm0", "libcurl4"],
    "trixie": ["libssl3t64", "libtss2-esys-3.0.2-0t64", "libtss2-mu-4.0.1-0t64", "libtss2-rc0t64", "libtss2-tctildr0t64",
               "libtss2-tcti-device0t64", "libtss2-tcti-swtpm0t64", "libcurl4t64"],
}


def debootstrap(suite, packages, directory):
    """In namespaces of its own: an interruption leaves no mount and no process."""
    if os.geteuid() != 0:
        raise Unavailable("only root can make a Debian system")
    command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "mmdebstrap", "--mode=root",
            "--format=directory", "--variant=minbase", "--quiet", "--aptopt=APT::Install-Recommends false",
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
            f"--include={','.join(packages)}", suite, directory, *kernels.sources(suite))


def made(kind, suite, packages):
    """The directory with that system."""
    key = hashlib.sha256(repr(packages).encode()).hexdigest()[:12]
    path = kernels.made_once(f"{kind}-{suite}-{key}", lambda d: debootstrap(suite, packages, f"{d}/root"))
    kernels.forget_others(f"{kind}-{suite}", path)
    return f"{path}/root"


def system(suite):
    """Debian's systemd with what sealwatch needs."""
    return made("system", suite, PACKAGES + LIBRARIES[suite])
