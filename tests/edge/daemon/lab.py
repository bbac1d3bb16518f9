# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small machine for tests of the whole daemon: namespaces, a file system, a cgroup, a message bus and a software TPM of
its own. Nothing outside is watched or changed, and all of it is gone when the test ends, however it ends.

A test script calls lab.run(main): main(lab) then runs inside, and must raise to fail."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

SOURCE = os.environ.get("SEALWATCH_SOURCE", os.path.realpath(os.path.join(os.path.dirname(__file__), "../../..")))
BUILD = os.environ.get("SEALWATCH_BUILD", f"{SOURCE}/build")
ROOT = "/mnt"  # a tmpfs of our own
SKIP = 77

POLICY = """[Policy]
Mode={mode}

[Reference base]

[Rule unknown-code]
Reference=!base
Action=deny alert
Severity=critical
Technique=T1204.002
"""


class Skip(Exception):
    """What the machine lacks."""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def eventually(predicate, what, seconds=180):
    """Waits for something that must happen; the limit only turns a hang into a failure."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if predicate():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen")


def tool(*words, **options):
    """Runs a command that must succeed; returns its output."""
    options = {"check": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    try:
        return subprocess.run([str(w) for w in words], **options).stdout
    except subprocess.CalledProcessError as e:
        raise AssertionError(f"{words[0]} failed: {e.stdout}") from e


def pcr_file(text):
    """What tpm2_pcrread printed, in the form that evmctl wants."""
    return "".join(f"PCR-{int(index):02}: {value.lower()}\n" for index, value in re.findall(r"(\d+)\s*: 0x([0-9A-F]+)", text))


class Lab:
    def __init__(self):
        self.cgroup = os.environ["LAB_CGROUP"]
        self.cgroup_path = os.environ["LAB_CGROUP_PATH"]
        self.daemon = None
        self.bus = f"unix:path={ROOT}/run/bus"
        self.software_tpm = True
        self.tcti = f"swtpm:path={ROOT}/tpm/swtpm.sock"  # of tpm2-tools
        tool("mount", "-t", "tmpfs", "-o", "mode=0755", "lab", ROOT)
        for d in ("etc/policy.d", "etc/reference.d", "run", "state", "log", "disk", "tpm", "tmp", "bpf"):
            os.makedirs(f"{ROOT}/{d}")
        tool("mount", "-t", "bpf", "bpf", f"{ROOT}/bpf")
        self.mount_disk()
        shutil.copy(f"{BUILD}/tests/tools/payload-good", f"{ROOT}/disk/good")
        if os.path.exists(f"{BUILD}/tests/tools/attack"):
            shutil.copy(f"{BUILD}/tests/tools/attack", f"{ROOT}/disk/")
        self.make_unknown(f"{ROOT}/unknown")
        self.config()
        self.policy()
        self.learn()
        self.start_bus()

    # what is made

    def mount_disk(self):
        image = f"{ROOT}/disk.img"
        with open(image, "wb") as f:
            f.truncate(64 << 20)
        tool("mkfs.ext4", "-q", image)
        tool("mount", "-o", "loop", image, f"{ROOT}/disk")

    def make_unknown(self, path, extra=None):
        """A program that is in no reference set."""
        shutil.copy(f"{BUILD}/tests/tools/payload-evil", path)
        with open(path, "ab") as f:
            f.write(extra or os.urandom(16))
        return path

    def config(self, **sections):
        sections = {**{"Watch": {}}, **sections}
        sections["Watch"] = {"Scope": f"cgroup:{self.cgroup_path}", "FileSystems": f"{ROOT}/disk", "Hooks": "no", **sections["Watch"]}
        with open(f"{ROOT}/etc/sealwatchd.conf", "w") as f:
            for name, keys in sections.items():
                f.write(f"[{name}]\n" + "".join(f"{k}={v}\n" for k, v in keys.items()))

    def policy(self, mode="enforce", extra=""):
        with open(f"{ROOT}/etc/policy.d/test.policy", "w") as f:
            f.write(POLICY.format(mode=mode) + extra)

    def learn(self):
        self.ctl("policy", "learn", "--output", f"{ROOT}/etc/reference.d/base.sha256", f"{ROOT}/disk")

    def start_bus(self):
        with open(f"{SOURCE}/tour/bus.conf.in") as f:
            text = f.read().replace("@BUS@", self.bus).replace("@POLICY@", f"{SOURCE}/dbus/org.sealwatch1.conf")
        with open(f"{ROOT}/bus.conf", "w") as f:
            f.write(text)
        self.bus_pid = int(tool("dbus-daemon", f"--config-file={ROOT}/bus.conf", "--fork", "--print-pid"))

    # the daemon

    def command(self, binary="sealwatchd", options=()):
        words = [f"{BUILD}/daemon/{binary}", "--config-dir", f"{ROOT}/etc", "--run-dir", f"{ROOT}/run/sealwatch",
                 "--state-dir", f"{ROOT}/state", "--log-dir", f"{ROOT}/log", "--bus", self.bus,
                 "--canary", f"{BUILD}/daemon/sensor/sealwatch-canary", "--bpf-dir", f"{ROOT}/bpf/sealwatch"]
        if self.software_tpm:
            words += ["--software-tpm", f"{ROOT}/tpm"]
        return words + list(options)

    def start(self, kill_at=None, stop_at=None, wait=True, options=(), binary=None):
        """Starts the daemon. kill_at, stop_at: the named step at which it dies, or stands still (a build with steps in it)."""
        env = dict(os.environ)
        binary = binary or ("sealwatchd-steps" if kill_at or stop_at else "sealwatchd")
        if kill_at:
            env["SEALWATCH_KILL_AT"] = kill_at
        if stop_at:
            env["SEALWATCH_STOP_AT"] = stop_at
        self.stderr = open(f"{ROOT}/sealwatchd.stderr", "a+")
        self.daemon = subprocess.Popen(self.command(binary, options), stderr=self.stderr, env=env)
        if wait:
            eventually(lambda: self.ended() or self.state() not in (None, "starting"), "the daemon's start")
        return self

    def watch_with_hooks(self, rules="", **watch):
        """Everything that is on the disk is known. Returns the levels."""
        self.config(Watch={"Hooks": "yes", **watch})
        self.policy("enforce", rules)
        self.learn()
        self.start()
        self.expect_state("trusted")
        return self.status()["Levels"]

    def ended(self):
        return self.daemon.poll() is not None

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        code = self.daemon.wait(timeout=180)
        self.daemon = None
        return code

    def kill(self):
        self.daemon.kill()
        return self.wait()

    def hand_over(self):
        self.daemon.send_signal(signal.SIGUSR2)
        return self.wait()

    def pins(self):
        """Of programs that are left in the kernel, or would be."""
        return glob.glob(f"{ROOT}/bpf/sealwatch/*/link-*")

    def said(self, text):
        """True when the daemon said it on standard error."""
        with open(f"{ROOT}/sealwatchd.stderr") as f:
            return text in f.read()

    # asking it

    def asking(self, *words):
        return [f"{BUILD}/tools/ctl/sealwatchctl", "--bus", self.bus, "--config-dir", f"{ROOT}/etc", *words]

    def ctl(self, *words, code=0, stdin=None):
        p = subprocess.run(self.asking(*words), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if code is not None and p.returncode != code:
            raise AssertionError(f"sealwatchctl {' '.join(words)}: exit code {p.returncode}, not {code}: {p.stderr.decode()}")
        return p.stdout.decode(errors="replace") + (p.stderr.decode(errors="replace") if code else "")

    def status(self):
        p = subprocess.run([f"{BUILD}/tools/ctl/sealwatchctl", "--bus", self.bus, "status", "--json"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if p.returncode not in (0, 1):
            return None
        try:
            answer = json.loads(p.stdout)
        except json.JSONDecodeError:
            return None
        return answer if "State" in answer else None

    def state(self):
        status = self.status()
        return status and status["State"]

    def expect_state(self, state):
        eventually(lambda: self.state() == state, f"the state {state} (it is {self.state()})")

    def events(self, kind=None):
        lines = self.ctl("events", "--format=json").splitlines()
        return [e for e in map(json.loads, lines) if kind in (None, e["kind"])]

    def expect_event(self, kind, **keys):
        def matches(e):
            return all(e.get(k) == v if not hasattr(v, "search") else v.search(str(e.get(k))) for k, v in keys.items())

        eventually(lambda: any(matches(e) for e in self.events(kind)), f"the event {kind} {keys}")
        return next(e for e in self.events(kind) if matches(e))

    # doing things in its scope

    def watched(self, *words, **options):
        """Runs a program in the watched cgroup: only its own exec happens in there."""
        script = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 180, **options}
        return subprocess.run(["bash", "-c", script, self.cgroup, *[str(w) for w in words]], **options)

    def runs(self, path):
        return "one runs" in self.watched(path).stdout.lower()

    # its TPM

    def start_tpm(self):
        """As the firmware would, before anything else runs."""
        sock = f"{ROOT}/tpm/swtpm.sock"
        tool("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={ROOT}/tpm", "--server", f"type=unixio,path={sock}", "--ctrl",
             f"type=unixio,path={sock}.ctrl", "--flags", "not-need-init,startup-clear", "--pid",
             f"file={ROOT}/tpm/swtpm.pid", "--daemon")
        eventually(lambda: os.path.exists(sock), "the software TPM")

    def tpm_pid(self):
        with open(f"{ROOT}/tpm/swtpm.pid") as f:
            return int(f.read())

    def kill_tpm(self):
        pid = self.tpm_pid()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not os.path.exists(f"/proc/{pid}") or self.is_zombie(pid), "the end of the TPM")

    def is_zombie(self, pid):
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"

    def power_cycle(self):
        """What a reboot does: the TPM forgets its registers, the runtime directory is gone."""
        if self.daemon:
            self.stop()
        self.kill_tpm()
        shutil.rmtree(f"{ROOT}/run/sealwatch", ignore_errors=True)

    def tpm2(self, *words, code=0):
        env = dict(os.environ, TPM2TOOLS_TCTI=self.tcti)
        p = subprocess.run([str(w) for w in words], env=env, cwd=f"{ROOT}/tmp", stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=180)
        if code is not None:
            check(p.returncode == code, f"{' '.join(map(str, words))}: {p.stdout}")
        return p

    def pcr(self, index, bank="sha256"):
        out = self.tpm2("tpm2_pcrread", f"{bank}:{index}").stdout
        return re.search(rf"{index}\s*: 0x([0-9A-F]+)", out).group(1).lower()

    def root_unseals(self, blob):
        """Root's own attempt with tpm2-tools. True when it worked."""
        self.ctl("blob", blob, "--parts", f"{ROOT}/tmp/parts")
        selection = json.loads(self.ctl("blob", blob, "--json"))["pcrs"]
        attributes = "restricted|decrypt|fixedtpm|fixedparent|noda|sensitivedataorigin|userwithauth"
        self.tpm2("tpm2_createprimary", "-C", "o", "-g", "sha256", "-G", "ecc256:aes128cfb", "-a", attributes, "-c", "srk.ctx")
        self.tpm2("tpm2_flushcontext", "-t")
        self.tpm2("tpm2_load", "-C", "srk.ctx", "-u", "parts/public", "-r", "parts/private", "-c", "object.ctx")
        self.tpm2("tpm2_flushcontext", "-t")
        self.tpm2("tpm2_startauthsession", "--policy-session", "-S", "session.ctx")
        self.tpm2("tpm2_policypcr", "-S", "session.ctx", "-l", selection, code=None)
        p = self.tpm2("tpm2_unseal", "-p", "session:session.ctx", "-c", "object.ctx", "-o", "key", code=None)
        self.tpm2("tpm2_flushcontext", "-l", code=None)
        self.tpm2("tpm2_flushcontext", "-t", code=None)
        if os.path.exists(f"{ROOT}/tmp/key"):
            os.unlink(f"{ROOT}/tmp/key")
        return p.returncode == 0

    # judges

    def write_pcrs(self, path):
        """All PCRs of the SHA-256 bank, as evmctl wants them."""
        with open(path, "w") as f:
            f.write(pcr_file(self.tpm2("tpm2_pcrread", "sha256").stdout))
        return path

    def verify(self, log, pcrs, *options):
        return subprocess.run([f"{BUILD}/tools/verify/sealwatch-verify", "log", log, "--pcrs", pcrs, *options],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def judge_snapshot(self):
        """A snapshot that evmctl and sealwatch-verify must both confirm. Returns its directory."""
        directory = f"{ROOT}/tmp/snapshot"
        self.ctl("log", "--snapshot", directory)
        self.judge_log(f"{directory}/measurements", f"{directory}/pcrs.sha256")
        return directory

    def judge_log(self, log, pcrs, *options):
        violations = ["--ignore-violations"] if not options else []
        tool("evmctl", "ima_measurement", *violations, "--pcrs", f"sha256,{pcrs}", log)
        verdict = self.verify(log, pcrs, *options)
        check(verdict.returncode == 0, verdict.stdout)

    def say_how_it_ended(self):
        """For a failure: what does not answer has ended, or waits for something."""
        if self.daemon and self.daemon.poll() is not None:
            print(f"-- the daemon has ended: {self.daemon.returncode}", file=sys.stderr)
        elif self.daemon and not self.status():
            print("-- the daemon does not answer; here all stand:", file=sys.stderr)
            say_where_all_wait()

    def done(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()


def daemon_said():
    if os.path.exists(f"{ROOT}/sealwatchd.stderr"):
        with open(f"{ROOT}/sealwatchd.stderr") as f:
            sys.stderr.write("-- the daemon said:\n" + f.read()[-6000:])


def say_where_all_wait():
    """Every thread of this namespace, and where it waits in the kernel."""
    for thread in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        try:
            with open(f"{thread}/cmdline") as command, open(f"{thread}/stack") as stack:
                print(f"{thread}: {command.read()[:200]!r}\n{stack.read()}", end="", file=sys.stderr)
        except OSError:
            pass  # it has ended


def where_it_stands(_, frame):
    """For a run whose time is nearly over."""
    print("-- the time is nearly over; here it stands:", file=sys.stderr)
    traceback.print_stack(frame)
    say_where_all_wait()
    daemon_said()


def say_in_time():
    """Where somebody ends us after some time, he learns why."""
    signal.signal(signal.SIGALRM, where_it_stands)
    signal.setitimer(signal.ITIMER_REAL, float(os.environ.get("SEALWATCH_TEST_SECONDS", "0")) * 0.9)


def inside(main):
    lab = None
    say_in_time()
    try:
        lab = Lab()
        main(lab)
        code = 0
    except Skip as e:
        print(f"SKIP: {e}")
        code = SKIP
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
        daemon_said()
        if lab:
            lab.say_how_it_ended()
        code = 1
    if lab:
        lab.done()
    sys.stdout.flush()
    os._exit(code)


def cgroup_root():
    with open("/proc/self/mountinfo") as f:
        for line in f:
            if " - cgroup2 " in line:
                return line.split()[4]
    return None


def run(main):
    """Runs main(lab) in namespaces of its own, and ends with its result."""
    if "LAB_CGROUP" in os.environ:
        inside(main)
    if os.geteuid() != 0:
        print("SKIP: only root can make namespaces, mount and load BPF programs")
        sys.exit(SKIP)
    root = cgroup_root()
    if root is None:
        print("SKIP: the unified cgroup hierarchy is not mounted")
        sys.exit(SKIP)
    name = f"sealwatch-test-{os.getpid()}"
    path = f"{root}/{name}"
    os.mkdir(path)
    env = dict(os.environ, LAB_CGROUP=path, LAB_CGROUP_PATH=f"/{name}")
    code = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
                           sys.executable, *sys.argv], env=env).returncode
    for _ in range(50):
        try:
            os.rmdir(path)
            break
        except OSError:
            time.sleep(0.1)
    sys.exit(code)
