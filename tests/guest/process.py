# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that end when this one does, however it ends."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h

libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """What this machine lacks; a test says so and skips."""


@contextlib.contextmanager
def skipping():
    """Ends a test as one that was left out, where this machine lacks something."""
    try:
        yield
    except Unavailable as why:
        print(f"SKIP: {why}")
        sys.exit(77)


def die_with(parent):
    """For a child before its exec: it ends when its parent does."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def spawn(words, fds=(), **options):
    """A program in a session of its own, so that a Ctrl-C is ours to handle. fds: what it inherits."""
    parent = os.getpid()
    options = {"stdin": subprocess.DEVNULL, **options}
    try:
        return subprocess.Popen(words, pass_fds=fds, preexec_fn=lambda: die_with(parent), start_new_session=True, **options)
    except FileNotFoundError as e:
        raise Unavailable(f"{words[0]} is not installed") from e


def command(*words, **options):
    """Runs a program that must succeed; returns its output."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    with spawn(words, **options) as program:
        try:
            output = program.communicate()[0]
        except BaseException:
            program.kill()
            raise
    if program.returncode != 0:
        raise Unavailable(f"{words[0]} failed: {' '.join(output.split())[-500:]}")
    return output
