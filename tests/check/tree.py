# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks of the tree's structure share. A check is a function that takes a Tree and yields findings; run() first
makes it prove, on small trees in a temporary folder, that it finds what is bad and lets pass what is good."""

import os
import shutil
import sys
import tempfile

SKIP = 77
NOT_OURS = {".cache", ".git", ".tour", "__pycache__"}


class Tree:
    """The files below a folder, without build folders; each is read when it is asked for."""

    def __init__(self, top):
        self.top = top
        self.files = []
        self.seen = 0
        for folder, folders, names in os.walk(top):
            folders[:] = [f for f in folders if f not in NOT_OURS and not os.path.exists(f"{folder}/{f}/meson-info")]
            self.files += [os.path.relpath(f"{folder}/{n}", top) for n in names if n not in NOT_OURS]
        self.files.sort()

    def path(self, file):
        return f"{self.top}/{file}"

    def text(self, file):
        self.seen += 1
        with open(self.path(file), encoding="utf-8", errors="replace") as f:
            return f.read()

    def ending(self, *suffixes):
        return [f for f in self.files if f.endswith(suffixes)]

    def scripts(self, *interpreters):
        """Files whose first line names one of the interpreters."""
        return [f for f in self.files if any(self.text(f).startswith((f"#!/bin/{i}\n", f"#!/usr/bin/env {i}\n"))
                                             for i in interpreters)]


def findings_in(check, files):
    """What the check says about a small tree, a dict of paths and texts."""
    top = tempfile.mkdtemp(prefix="sealwatch-check.")
    try:
        for path, text in files.items():
            os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
            with open(f"{top}/{path}", "w", encoding="utf-8") as f:
                f.write(text)
        return list(check(Tree(top)))
    finally:
        shutil.rmtree(top)


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(SKIP)


def run(check, good, bad):
    """good: small trees without a finding. bad: pairs of a small tree and what its only finding must say."""
    for files in good:
        found = findings_in(check, files)
        assert not found, f"a good tree was refused: {found}"
    for files, expected in bad:
        found = findings_in(check, files)
        assert len(found) == 1 and expected in found[0], f"expected one finding \"{expected}\", got {found}"
    tree = Tree(os.environ["SEALWATCH_SOURCE"])
    found = list(check(tree))
    for line in found:
        print(line)
    assert tree.seen > 0, "the check looked at no file"
    print(f"bad trees found out: {len(bad)}; files looked at here: {tree.seen}; findings: {len(found)}")
    sys.exit(1 if found else 0)
