# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian system whose first process is Debian's own systemd, in namespaces on this machine's kernel, with a software TPM.
Its files are a layer above a cached root; nothing that it does outlives it, and nothing outside of it is watched.

A machine looks at processes of the cgroup GUARDED only: its kernel is ours."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import root

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = os.environ.get("SEALWATCH_SOURCE", os.path.realpath(f"{HERE}/../.."))
BUILD = os.environ.get("SEALWATCH_BUILD", f"{SOURCE}/build")
SKIP = 77
GUARDED = "guarded.slice"
CONFIG = f"""[Registers]
Tpm=swtpm:/tpm/sock

[Watch]
Scope=cgroup:/{GUARDED}
Hooks=no
"""
POLICY = """[Policy]
Mode=enforce

[Reference base]

[Rule unknown-code]
Reference=!base
Action=deny alert
"""
# Everything is mounted before the first process of the machine; $1 lower layers, $2 a tmpfs, $3 the TPM's directory.
BOOT = """
set -eu
mount -t tmpfs -o mode=0755 machine "$2"
mkdir "$2/up" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/up,workdir=$2/work" overlay "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf -o mode=0700 bpf sys/fs/bpf
mount -t tmpfs -o mode=0755 dev dev
mkdir -p dev/pts dev/shm tpm
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0" "console 1 3"; do
    set -- "$1" "$2" "$3" $node
    mknod -m 0666 "dev/$4" c "$5" "$6"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=0755 run run
mount --bind "$3" tpm
mkdir -p mnt
pivot_root . mnt
umount --lazy /mnt
mount --make-rshared /
exec env -i container=sealwatch PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal --log-level=info \\
    --show-status=0 --unit=multi-user.target
"""


class Skip(Exception):
    """What this machine lacks."""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def eventually(predicate, what, seconds=180):
    """Waits for something that must happen; the limit only turns a hang into a failure."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if predicate():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen")


def cgroup_root():
    with open("/proc/self/mountinfo", encoding="ascii") as f:
        return next((line.split()[4] for line in f if " - cgroup2 " in line), None)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


class Machine:
    """Runs while its block lasts. layers: directories above the root, the topmost first; files: {path: text} of its own."""

    def __init__(self, root, layers=(), files=None):
        self.directory = tempfile.mkdtemp(prefix="sealwatch-machine.")
        self.tpm = f"{self.directory}/tpm"
        self.files = f"{self.directory}/files"
        for d in ("root", "tpm", "files"):
            os.makedirs(f"{self.directory}/{d}")
        for path, text in (files or {}).items():
            write(f"{self.files}{path}", text)
        self.layers = ":".join([self.files, *layers, root])
        self.cgroup = f"{cgroup_root()}/sealwatch-machine-{os.getpid()}"
        self.unshare = self.swtpm = None

    # its life

    def __enter__(self):
        if cgroup_root() is None:
            raise Skip("the unified cgroup hierarchy is not mounted")
        os.mkdir(self.cgroup)
        try:
            self.start_tpm()
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.end()
        if self.swtpm:
            self.swtpm.kill()
            self.swtpm.wait()
        for directory, _, _ in os.walk(self.cgroup, topdown=False):
            for _ in range(100):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
                if not os.path.exists(directory):
                    break
                time.sleep(0.05)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start_tpm(self):
        self.swtpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm}", "--server",
                                       f"type=unixio,path={self.tpm}/sock", "--ctrl", f"type=unixio,path={self.tpm}/sock.ctrl",
                                       "--flags", "not-need-init,startup-clear"],
                                      start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: os.path.exists(f"{self.tpm}/sock"), "the software TPM")

    def boot(self):
        self.console = open(f"{self.directory}/console", "ab")
        self.unshare = subprocess.Popen(
            ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', self.cgroup, "unshare", "--mount", "--pid", "--fork", "--uts",
             "--ipc", "--cgroup", "--net", "--propagation", "private", "--kill-child", "sh", "-c", BOOT, "boot", self.layers,
             f"{self.directory}/root", self.tpm],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console, start_new_session=True)
        eventually(lambda: self.first() and os.path.exists(f"/proc/{self.first()}/root/run/systemd/private"), "systemd's start")

    def first(self):
        """The number of its first process, out here."""
        if self.unshare.poll() is not None:
            raise AssertionError(f"the machine ended:\n{self.said()}")
        with open(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children", encoding="ascii") as f:
            children = f.read().split()
        return int(children[0]) if children else None

    def said(self):
        with open(f"{self.directory}/console", encoding="utf-8", errors="replace") as f:
            return f.read()[-4000:]

    def end(self):
        """The power goes."""
        if self.unshare and self.unshare.poll() is None:
            self.unshare.kill()
            self.unshare.wait()

    def shut_down(self):
        """An orderly end, after which its files can be looked at in path()."""
        self.keep()
        self.run("systemctl", "--no-block", "poweroff")
        self.unshare.wait(timeout=180)

    def pcrs(self):
        """What the registers hold, by number."""
        values = subprocess.run(["tpm2_pcrread", "sha256"], env=dict(os.environ, TPM2TOOLS_TCTI=f"swtpm:path={self.tpm}/sock"),
                                check=True, stdout=subprocess.PIPE, text=True).stdout
        pairs = [line.split(": 0x") for line in values.splitlines() if ": 0x" in line]
        return {int(index): value.lower() for index, value in pairs}

    def shut_down_and_judge(self):
        """An orderly end. The log that is then on its disk must be what the TPM says. Returns a copy's path."""
        self.shut_down()
        log = next(f"{directory}/measurements" for directory, _, files in os.walk(self.path("/var/log/sealwatch"))
                   if "measurements" in files)
        copy = shutil.copy(log, f"{self.directory}/measurements")
        write(f"{self.directory}/pcrs", "".join(f"PCR-{index:02}: {value}\n" for index, value in self.pcrs().items()))
        p = subprocess.run([f"{BUILD}/tools/verify/sealwatch-verify", "log", copy, "--pcrs", f"{self.directory}/pcrs"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        check(p.returncode == 0, f"the log against the TPM: {p.stdout}")
        subprocess.run(["evmctl", "ima_measurement", "--ignore-violations", "--pcrs", f"sha256,{self.directory}/pcrs", copy],
                       check=True, stdout=subprocess.DEVNULL)
        return copy

    def keep(self):
        """Its file system stays for us to look at, whatever becomes of the machine."""
        self.root_fd = os.open(f"/proc/{self.first()}/root", os.O_PATH | os.O_DIRECTORY)

    # doing things in it

    def run(self, *words, code=0, stdin=None, user=None):
        """Runs a command in it. code=None: whatever comes of it. Returns its output."""
        p = self.process(*words, stdin=stdin, user=user)
        if code is not None and p.returncode != code:
            raise AssertionError(f"{' '.join(map(str, words))}: exit status {p.returncode}, not {code}: {p.stdout}{p.stderr}")
        return p.stdout

    def process(self, *words, stdin=None, user=None):
        enter = ["nsenter", "--target", str(self.first()), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wd"]
        if user:
            enter += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        return subprocess.run([*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", *map(str, words)], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180, check=False)

    def guarded(self, *words, user="root", code=0):
        """Runs a command where programs are watched."""
        return self.run("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--slice={GUARDED}", f"--uid={user}", *words, code=code)

    def show(self, name, unit="sealwatchd.service"):
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def status(self):
        p = self.process("sealwatchctl", "status", "--json")
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(p.stdout)
        return {}

    def events(self, kind=None):
        lines = self.run("sealwatchctl", "events", "--format=json").splitlines()
        return [e for e in map(json.loads, lines) if kind in (None, e["kind"])]

    def await_state(self, *states):
        eventually(lambda: self.status().get("State") in states, f"the state {' or '.join(states)}")

    def journal(self, *options):
        """Its entries, each a dict."""
        return [json.loads(line) for line in self.run("journalctl", "--output=json", "--no-pager", *options).splitlines()]

    def path(self, path):
        """Where a file of it is for us."""
        return f"/proc/self/fd/{self.root_fd}{path}"


def installed(root, known=()):
    """A directory with what is installed by meson, and a policy of the test's own: all in the root is known, and so are programs
    that are added to it."""
    directory = tempfile.mkdtemp(prefix="sealwatch-installed.")
    os.makedirs(f"{directory}/usr/local/bin")
    for program in known:
        shutil.copy(program, f"{directory}/usr/local/bin/")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True,
                   env=dict(os.environ, DESTDIR=directory), stdout=subprocess.DEVNULL)
    write(f"{directory}/etc/sealwatch/sealwatchd.conf", CONFIG)
    write(f"{directory}/etc/sealwatch/policy.d/test.policy", POLICY)
    os.makedirs(f"{directory}/etc/sealwatch/reference.d")
    subprocess.run([f"{BUILD}/tools/ctl/sealwatchctl", "policy", "learn", "--output",
                    f"{directory}/etc/sealwatch/reference.d/base.sha256", f"{root}/usr", f"{directory}/usr"], check=True)
    # The TPM's device is no file here, and nobody waits for it.
    write(f"{directory}/etc/systemd/system/{GUARDED}", "[Unit]\nDefaultDependencies=no\nBefore=sealwatchd.service\n")
    units = f"{directory}/etc/systemd/system/sysinit.target.wants"
    os.makedirs(units)
    os.symlink("/usr/lib/systemd/system/sealwatchd.service", f"{units}/sealwatchd.service")
    os.symlink(f"/etc/systemd/system/{GUARDED}", f"{units}/{GUARDED}")
    os.symlink("/dev/null", f"{directory}/etc/systemd/system/console-getty.service")
    return directory


def run_tests(files, tests):
    """Runs the tests, one after the other, on one machine of the release that the command line names, with these files."""
    try:
        base = root.system(sys.argv[1])
    except root.Unavailable as why:
        raise Skip(why) from why
    layer = installed(base)
    try:
        with Machine(base, [layer], files) as m:
            if m.process("/usr/lib/sealwatch/sealwatchd", "--version").returncode != 0:
                raise Skip(f"what is built here does not run on {sys.argv[1]}")
            for test in tests:
                try:
                    test(m)
                    print(f"{test.__name__}: ok", flush=True)
                except BaseException:
                    print(f"{test.__name__}: failed\n{m.said()}")
                    with contextlib.suppress(AssertionError, OSError):
                        print(m.run("journalctl", "--no-pager", "--lines=60"))
                    raise
    finally:
        shutil.rmtree(layer)


def main(test):
    """Runs test(), which raises to fail."""
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda number, _: sys.exit(128 + number))
    if os.geteuid() != 0:
        print("SKIP: only root can make namespaces")
        sys.exit(SKIP)
    try:
        test()
    except Skip as why:
        print(f"SKIP: {why}")
        sys.exit(SKIP)
