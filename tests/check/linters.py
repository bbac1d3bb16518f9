#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""linters.py layout|pages|python|shell: clang-format, scdoc and mandoc, pyflakes, or shellcheck finds nothing."""

import re
import shutil
import subprocess
import sys

import tree

# Versions differ in details of the same style; one has to decide.
CLANG_FORMAT = "14"


def said(tree_, program, options, files):
    """What a linter says, a finding a line."""
    tree_.seen += len(files)
    if not files:
        return []
    run = subprocess.run([program] + options + files, cwd=tree_.top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    lines = [line for line in run.stdout.splitlines() if re.match(r"[^ ]+:\d+:", line)]
    return lines or ([f"{program} failed: {run.stdout}"] if run.returncode else [])


def needed(*names):
    """The first of the programs that is there."""
    program = next(filter(shutil.which, names), None)
    return program or tree.skip(f"{names[0]} is not installed")


def shell():
    program = needed("shellcheck")
    return lambda t: said(t, program, ["--format=gcc"], t.scripts("sh", "bash"))


def python():
    program = needed("pyflakes3", "pyflakes")
    return lambda t: said(t, program, [], sorted({*t.scripts("python3"), *t.ending(".py")}))


def layout():
    program = needed(f"clang-format-{CLANG_FORMAT}", "clang-format")
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if f"version {CLANG_FORMAT}." not in version:
        tree.skip(f"this clang-format is not version {CLANG_FORMAT}")
    return lambda t: said(t, program, ["--dry-run", "--ferror-limit=1"], t.ending(".c", ".h"))


def pages():
    scdoc, mandoc = needed("scdoc"), needed("mandoc")

    def check(tree_):
        for page in tree_.ending(".scd"):
            made = subprocess.run([scdoc], input=tree_.text(page), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  check=False)
            if made.returncode:
                yield f"{page}: {made.stderr}"
                continue
            lint = subprocess.run([mandoc, "-Tlint", "-Wwarning"], input=made.stdout, stdout=subprocess.PIPE, text=True,
                                  check=False)
            for line in lint.stdout.splitlines():
                if "skipping paragraph macro" not in line:  # scdoc writes more of them than are needed
                    yield f"{page}: {line}"
    return check


STYLE = {".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 8\n"}
PAGE = "a(1)\n\n# NAME\n\na - b\n"
PROOFS = {
    shell: ([{"a": "#!/bin/sh\necho \"$1\"\n"}], [({"a": "#!/bin/sh\necho $1\n"}, "a:2:"), ({"a": "#!/bin/bash\nb=1\n"}, "a:2:")]),
    python: ([{"a.py": "import os\nprint(os.name)\n"}],
             [({"a.py": "import os\n"}, "imported but unused"), ({"a": "#!/usr/bin/env python3\nprint(b)\n"}, "undefined name")]),
    pages: ([{"a.scd": PAGE}], [({"a.scd": "a(99)\n"}, "a.scd: "), ({"a.scd": PAGE + "\n#  \n\nc\n"}, "line scope broken")]),
    layout: ([{**STYLE, "a.c": "struct s {\n        int a;\n};\n"}],
             [({**STYLE, "a.c": "struct s {\n    int a;\n};\n"}, "a.c:1:"), ({**STYLE, "a.h": "int  f(void);\n"}, "a.h:1:")]),
}

linter = {function.__name__: function for function in PROOFS}[sys.argv[1]]
tree.run(linter(), *PROOFS[linter])
