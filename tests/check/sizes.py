#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files have at most 600 lines, functions at most 80."""

import ast
import re

import tree

FILE_MAX, FUNCTION_MAX = 600, 80


def c_functions(text):
    """(name, first line, size). clang-format puts the head of a function and its last brace into the first column, and
    nothing else between them."""
    head = None
    for n, line in enumerate(text.splitlines(), 1):
        if re.match(r"[A-Za-z_]", line):
            head = (n, line)
        elif line == "}" and head:
            name = re.search(r"(\w+)\(", head[1])
            yield (name[1] if name else head[1]), head[0], n - head[0] + 1
            head = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def shell_functions(text):
    head = None
    for n, line in enumerate(text.splitlines(), 1):
        match = re.match(r"(\w+)\(\) \{", line)
        if match and not line.endswith("}"):
            head = (match[1], n)
        elif line == "}" and head:
            yield head[0], head[1], n - head[1] + 1
            head = None


def check(tree_):
    kinds = [(tree_.ending(".c", ".h"), c_functions), (tree_.scripts("python3"), python_functions),
             (tree_.scripts("sh", "bash"), shell_functions), (tree_.ending(".py"), python_functions),
             (tree_.ending(".build", ".scd", ".md", ".xml"), lambda text: [])]
    functions_of = {file: functions for files, functions in kinds for file in files}
    for file, functions in sorted(functions_of.items()):
        text = tree_.text(file)
        size = len(text.splitlines())
        if size > FILE_MAX:
            yield f"{file}: {size} lines, at most {FILE_MAX} are allowed"
        for name, line, size in functions(text):
            if size > FUNCTION_MAX:
                yield f"{file}:{line}: {name} has {size} lines, at most {FUNCTION_MAX} are allowed"


def c(n):
    """A function of n lines, behind a structure and in front of another function."""
    return "struct s {\n        int a;\n};\n\nint f(int a,\n      int b) {\n" + "        a++;\n" * (n - 3) + "}\n\nint g(void) {\n}\n"


def python(n):
    return "#!/usr/bin/env python3\ndef f():\n" + "    pass\n" * (n - 1)


def shell(n):
    return "#!/bin/sh\nf() {\n" + "    true\n" * (n - 2) + "}\n"


GOOD = [{"a.c": c(80), "b.py": python(80), "run": shell(80), "c.h": "int f(void);\n" * 600, "corpus": "\n" * 601}]
BAD = [
    ({"a.c": c(81)}, "a.c:5: f has 81 lines"),
    ({"a": python(81)}, "a:2: f has 81 lines"),
    ({"a.py": python(81)}, "a.py:2: f has 81 lines"),
    ({"a": shell(81)}, "a:2: f has 81 lines"),
    ({"a.h": "int f(void);\n" * 601}, "a.h: 601 lines"),
    ({"meson.build": "\n" * 601}, "601 lines"),
]

tree.run(check, GOOD, BAD)
