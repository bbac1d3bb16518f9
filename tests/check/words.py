#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every file says its licence, which is that of its folder; nothing is put off to later; no blank ends a line; pages link to
what is there."""

import os
import re

import tree

LICENCES = {  # the first that fits
    r"bpf/(abi|judge)\.h$": "LGPL-2.1-or-later OR GPL-2.0-only",
    r"bpf/.*\.[ch]$": "GPL-2.0-only",
    r"tests/guest/\w+/\w+_double\.c$": "GPL-2.0-only",  # modules of the kernel
    r"": "LGPL-2.1-or-later",
}
# The licence itself, and bytes for parsers.
DATA = re.compile(r"LICENSE$|(.*/)?corpus/|(.*/)?vectors/|debian/(changelog|source/format)$")
LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")


def licence_of(file):
    return next(licence for pattern, licence in LICENCES.items() if re.match(pattern, file))


def check(tree_):
    for file in tree_.files:
        if DATA.match(file):
            continue
        text = tree_.text(file)
        found = re.search(r"SPDX-License-Identifier: (.*?)\s*(\*/|-->)?$", text, re.M)
        if not found or text[:found.start()].count("\n") > 5:
            yield f"{file}: no SPDX-License-Identifier at its top"
        elif found[1] != licence_of(file):
            yield f"{file}: its licence is {found[1]}, and should be {licence_of(file)}"
        for n, line in enumerate(text.splitlines(), 1):
            if LATER.search(line):
                yield f"{file}:{n}: something is put off to later"
            if line != line.rstrip() or "\t" in line and not file.endswith((".scd", "debian/rules")):
                yield f"{file}:{n}: a blank at the end, or a tab"
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if file.endswith(".md") else []:
            if not os.path.exists(tree_.path(os.path.join(os.path.dirname(file), link))):
                yield f"{file}: links to {link}, which is not there"
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{file}: does not end in one newline"


C, SHELL = "/* SPDX-License-Identifier: %s */\n", "#!/bin/sh\n# SPDX-License-Identifier: LGPL-2.1-or-later\n"
OURS, PAGE = "LGPL-2.1-or-later", "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"

GOOD = [{"a.c": C % OURS, "bpf/a.bpf.c": C % "GPL-2.0-only", "run": SHELL, "tests/fuzz/corpus/log/1": "\x00 ", "LICENSE": "…"},
        {"docs/a.md": PAGE + "[b](../b.md), [c](https://c)\n", "b.md": PAGE}]
BAD = [
    ({"a.c": "int a;\n"}, "no SPDX"),
    ({"a.c": "\n" * 9 + C % OURS}, "no SPDX"),
    ({"bpf/a.bpf.c": C % OURS}, "should be GPL-2.0-only"),
    ({"lib/a.c": C % "GPL-2.0-only"}, "should be LGPL-2.1-or-later"),
    ({"a.c": C % OURS + "/* TO" + "DO: all */\n"}, "a.c:2: something is put off"),
    ({"run": SHELL + "# FIX" + "ME\n"}, "run:3: something is put off"),
    ({"run": SHELL + "true \n"}, "run:3: a blank"),
    ({"run": SHELL + "\ttrue\n"}, "run:3: a blank at the end, or a tab"),
    ({"run": SHELL + "true"}, "newline"),
    ({"docs/a.md": PAGE + "[b](b.md)\n"}, "links to b.md"),
]

tree.run(check, GOOD, BAD)
