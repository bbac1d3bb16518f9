# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of docs/: docs/NAME.md, made of docs/NAME.jsonl, which is what tests in the guest have shown (tests/guest/results.py).

NAME-table               writes the table anew
NAME-table --check       says whether it is what would be written
NAME-table --record DIR  runs the tests in their guests first, and writes down what they show: a directory for each in DIR,
                         and what is there already is not run again"""

import json
import os
import shutil
import subprocess
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
RUNGS = ["lsm", "fmod_ret", "fentry"]
BEST = {"lsm": "lsm", "no-lsm": "fmod_ret"}  # the rung that a guest comes to, by what bpf in lsm= is there
MARK = "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- Made by tests/tools/{tool}-table from docs/{name}.jsonl. -->
"""


def read(path):
    with open(f"{TOP}/{path}", encoding="utf-8") as f:
        return f.read()


def recorded(text):
    return [json.loads(line) for line in text.splitlines() if not line.startswith("#")]


def guest(kernel, lsm, test, *arguments):
    """The words that run a test of tests/guest in its guest."""
    options = ["--no-bpf-lsm"] if lsm == "no-lsm" else []
    return [f"{TOP}/tests/guest/run", "--kernel", kernel, *options, "--timeout", "1500", "--",
            "python3", f"{TOP}/tests/guest/{test}", *arguments]


def columns(lines):
    return sorted({(e["rung"], e["kernel"]) for e in lines}, key=lambda c: (RUNGS.index(c[0]), [int(n) for n in c[1].split(".")]))


class Table:
    """Its kind says: name and tool, in which files it is and what makes it; the introduction; titles of the first columns, which row()
    fills; cell(), what stands in the column of a line's rung and kernel; tells, values of the first line that must change it;
    runs(), its guests by name; faults(), what else is wrong with the lines."""

    def faults(self, _lines):
        return None

    def text(self, lines):
        heads, cells = columns(lines), {}
        for e in lines:
            cells.setdefault(self.row(e), {})[(e["rung"], e["kernel"])] = e
        rows = [[*self.titles, *(f"{rung}, {kernel}" for rung, kernel in heads)], ["---"] * (len(self.titles) + len(heads))]
        for group in dict.fromkeys(row[0] for row in cells):
            rows += [[*row, *(self.cell(found[c]) if c in found else "" for c in heads)] for row, found in cells.items() if row[0] == group]
        body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        return HEAD.format(tool=self.tool, name=self.name) + self.introduction + body

    def show(self, kept, command):
        """The lines that the tests of a guest write down, in a directory that they find in SEALWATCH_RESULTS."""
        if not os.path.exists(kept):
            results = f"{kept}.part"
            shutil.rmtree(results, ignore_errors=True)
            os.makedirs(results)
            environment = {"SEALWATCH_SOURCE": TOP, "SEALWATCH_BUILD": f"{TOP}/build", **os.environ, "SEALWATCH_RESULTS": results}
            subprocess.run(command, env=environment, check=True)
            os.rename(results, kept)
        with open(f"{kept}/{self.name}.jsonl", encoding="utf-8") as f:
            return f.read()

    def record(self, directory):
        shown = [self.show(f"{directory}/{name}", command) for name, command in self.runs()]
        with open(f"{TOP}/docs/{self.name}.jsonl", "w", encoding="utf-8") as f:
            f.write(MARK + "".join(shown))

    def check(self):
        lines = recorded(read(f"docs/{self.name}.jsonl"))
        good = self.text(lines)
        for key, other in self.tells:  # what it must find
            if self.text([{**lines[0], key: other}, *lines[1:]]) == good:
                return f"the table does not tell {key}"
        if read(f"docs/{self.name}.md") != good:
            return f"docs/{self.name}.md is not what tests/tools/{self.tool}-table makes of docs/{self.name}.jsonl"
        return self.faults(lines)

    def main(self):
        if sys.argv[1:] == ["--check"]:
            sys.exit(self.check())
        if sys.argv[1:2] == ["--record"]:
            self.record(os.path.realpath(sys.argv[2]))
        with open(f"{TOP}/docs/{self.name}.md", "w", encoding="utf-8") as f:
            f.write(self.text(recorded(read(f"docs/{self.name}.jsonl"))))
