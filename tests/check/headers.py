#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every header compiles alone, with nothing included before it."""

import concurrent.futures
import os
import re
import shlex
import subprocess

import tree

BUILD = os.environ["SEALWATCH_BUILD"]
COMPILER = shlex.split(os.environ["CC"])
FLAGS = ["-x", "c", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fsyntax-only", "-"]
KERNEL_COMPILER = shlex.split(os.environ["BPF_CC"])  # for bpf/ but abi.h: it is not for user space


def compile_alone(top, header):
    """What the compiler says first, or None."""
    compiler = KERNEL_COMPILER if re.match(r"bpf/(?!abi\.h)", header) else COMPILER
    command = compiler + ["-I", top, "-I", BUILD, "-I", f"{top}/{os.path.dirname(header)}"] + FLAGS
    run = subprocess.run(command, input=f'#include "{header}"\n', stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode == 0:
        return None
    return next((line for line in run.stderr.splitlines() if "error" in line), run.stderr)


def check(tree_):
    headers = tree_.ending(".h")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, said in zip(headers, pool.map(lambda header: compile_alone(tree_.top, header), headers)):
            tree_.seen += 1
            if said:
                yield f"{header}: does not compile alone: {said}"


GOOD = [{"a.h": "#include <stdint.h>\nint f(uint8_t);\n", "b/b.h": '#include "a.h"\n'}]
BAD = [
    ({"a.h": "int f(uint8_t);\n"}, "a.h: does not compile alone"),
    ({"a.h": "typedef int T;\n", "b.h": "int f(T);\n"}, "b.h: does not compile alone"),
    ({"bpf/a.h": "int f(T);\n"}, "bpf/a.h: does not compile alone"),
]

tree.run(check, GOOD, BAD)
