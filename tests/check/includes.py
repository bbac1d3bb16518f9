#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Includes follow the arrow of the folders, pure folders see no I/O, and no two modules need each other."""

import os
import re

import tree

PURE = ["lib/base", "lib", "lib/firmware", "lib/ima", "lib/snp", "lib/tpm", "lib/azure", "lib/svsm", "lib/evidence", "lib/sim", "policy", "core"]
OUTSIDE = PURE + ["lib/io"]
EDGES = ["daemon/attest", "daemon/eventlog", "daemon/secret", "daemon/sensor", "daemon/sensor/bpf", "daemon/sensor/fanotify", "daemon/sensor/files",
         "daemon/sensor/ima", "daemon/sensor/unit", "daemon/tpm"]

# What each folder may include besides itself: folders, or single files.
ARROW = {
    "lib/base": [],
    "lib": ["lib/base"],
    "lib/firmware": ["lib/base", "lib"],
    "lib/ima": ["lib/base", "lib"],
    "lib/tpm": ["lib/base", "lib"],
    "lib/azure": ["lib/base", "lib", "lib/snp", "lib/tpm"],
    "lib/svsm": ["lib/base", "lib", "lib/snp", "lib/tpm"],
    "lib/evidence": ["lib/base", "lib", "lib/azure", "lib/firmware", "lib/ima", "lib/snp", "lib/svsm", "lib/tpm"],
    "lib/sim": ["lib/base", "lib", "lib/azure", "lib/firmware", "lib/ima", "lib/snp", "lib/tpm"],
    "lib/snp": ["lib/base", "lib"],
    "policy": ["lib/base", "lib", "lib/azure", "lib/evidence", "lib/firmware", "lib/ima", "lib/snp", "lib/svsm", "lib/tpm", "bpf/abi.h"],
    "core": ["lib/base", "lib", "lib/evidence", "policy"],
    "lib/io": ["lib/base"],
    "bpf": [],
    "daemon/attest": OUTSIDE,
    "daemon/eventlog": OUTSIDE,
    "daemon/secret": OUTSIDE,
    "daemon/sensor": OUTSIDE + ["bpf/abi.h"],
    "daemon/sensor/bpf": OUTSIDE + ["daemon/sensor", "bpf/abi.h", "bpf/sensors.skel.h"],
    "daemon/sensor/fanotify": OUTSIDE + ["daemon/sensor"],
    "daemon/sensor/files": OUTSIDE + ["daemon/sensor"],
    "daemon/sensor/ima": OUTSIDE,
    "daemon/sensor/unit": OUTSIDE + ["daemon/sensor"],
    "daemon/tpm": OUTSIDE,
    "dbus": OUTSIDE,
    "daemon": OUTSIDE + EDGES + ["dbus", "version.h"],
    "tools/ctl": ["lib/base", "lib", "lib/evidence", "lib/io", "lib/snp", "policy", "dbus/names.h", "version.h"],
    "tools/fetch": ["lib/base", "lib", "lib/io", "lib/snp", "version.h"],
    "tools/verify": OUTSIDE + ["version.h"],
}
LEAVES = ["bpf/abi.h"]
GENERATED = ["bpf/sensors.skel.h", "version.h"]

# The system headers of the pure folders: values, and nothing that opens, waits, logs or tells the time.
LANGUAGE = ["assert.h", "endian.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
            "stdio.h", "stdlib.h", "string.h"]
HEADERS = {
    "lib/base": LANGUAGE,
    "lib": LANGUAGE + ["jansson.h", "pthread.h", "time.h"] + [f"openssl/{name}.h" for name in ("crypto", "evp", "rsa", "x509")],
    "lib/firmware": LANGUAGE,
    "lib/ima": LANGUAGE,
    "lib/snp": LANGUAGE + [f"openssl/{name}.h" for name in ("ec", "evp", "objects", "x509", "x509v3")],
    "lib/azure": LANGUAGE + ["jansson.h"],
    "lib/svsm": LANGUAGE,
    "lib/evidence": LANGUAGE + ["jansson.h", "openssl/evp.h"],
    "lib/sim": LANGUAGE + [f"openssl/{name}.h" for name in ("bn", "core_names", "ecdsa", "evp", "params", "rsa", "x509v3")],
    "lib/tpm": LANGUAGE + [f"openssl/{name}.h" for name in
                           ("bn", "core_names", "ecdsa", "evp", "param_build", "rsa", "x509", "x509_vfy")],
    "policy": LANGUAGE + ["fnmatch.h"],
    "core": LANGUAGE,
}
# Libraries that are the business of some folders only.
LIBRARIES = {
    "tss2/": ["daemon/tpm"],
    "bpf/": ["bpf", "daemon/sensor/bpf"],
    "curl/": ["tools/fetch"],
    "systemd/": ["lib/io", "daemon", "daemon/sensor", "daemon/sensor/bpf", "daemon/sensor/fanotify", "daemon/sensor/files", "daemon/sensor/unit", "dbus", "tools/ctl"],
}


def includes(text):
    """(line, quoted?, header) of each include."""
    for n, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if match:
            yield n, match[1] == '"', match[2]


def against_arrow(tree_, file, header):
    folder, target = os.path.dirname(file), os.path.dirname(header)
    if header not in tree_.files and header not in GENERATED:
        return "is no file of the house"
    if file in LEAVES:
        return "and a leaf includes nothing of the house"
    if folder != target and target not in ARROW[folder] and header not in ARROW[folder]:
        return "against the arrow"
    return None


def not_for(folder, header):
    if folder in HEADERS and header not in HEADERS[folder]:
        return "is not for a pure folder"
    for prefix, folders in LIBRARIES.items():
        if header.startswith(prefix) and folder not in folders:
            return f"is for {', '.join(folders)} only"
    return None


def module(file):
    """A header and its source are one module, and what it keeps to itself belongs to it."""
    return re.sub(r"(-internal)?\.[ch]$", "", file)


def cycles(graph):
    """Each cycle once, as a path. A module that is done cannot lead into another cycle through one on the path."""
    done, path = set(), []

    def walk(node):
        if node in path:
            yield path[path.index(node):] + [node]
        elif node not in done:
            path.append(node)
            for following in sorted(graph.get(node, ())):
                yield from walk(following)
            path.pop()
            done.add(node)

    for node in sorted(graph):
        yield from walk(node)


def check(tree_):
    graph = {}
    for file in tree_.ending(".c", ".h"):
        folder = os.path.dirname(file)
        if folder.split("/")[0] == "tests":
            continue
        if folder not in ARROW:
            yield f"{file}: the house has no folder {folder}"
            continue
        for n, quoted, header in includes(tree_.text(file)):
            why = against_arrow(tree_, file, header) if quoted else not_for(folder, header)
            if why:
                yield f"{file}:{n}: includes {header}, {why}"
            if quoted and module(header) != module(file):
                graph.setdefault(module(file), set()).add(module(header))
    for path in cycles(graph):
        yield "a cycle: " + " -> ".join(path)



def pair(upper, lower, header=True):
    """A file of one folder that includes one of another."""
    return {f"{upper}/a.c": f'#include "{lower}/b.h"\n', f"{lower}/b.h": "", **({f"{upper}/a.h": ""} if header else {})}


GOOD = [
    {"lib/a.c": '#include <string.h>\n#include "lib/base/b.h"\n', "lib/base/b.h": ""},
    {**pair("daemon", "dbus"), **pair("daemon", "daemon/tpm"), "daemon/tpm/c.c": "#include <tss2/tss2_esys.h>\n"},
    {"core/e.h": "", "core/e-internal.h": '#include "core/e.h"\n', "core/e.c": '#include "core/e-internal.h"\n'},
    {"policy/a.h": '#include "bpf/abi.h"\n', "bpf/abi.h": "#include <linux/types.h>\n"},
    {"tests/a.c": '#include "dbus/b.h"\n#include <fcntl.h>\n', "dbus/b.h": "", "dbus/c.h": '#include "dbus/b.h"\n'},
    {"tools/ctl/a.c": '#include "dbus/names.h"\n', "dbus/names.h": ""},
]
BAD = [
    (pair("lib/base", "lib"), "against the arrow"),
    (pair("lib", "policy"), "against the arrow"),
    (pair("policy", "core"), "against the arrow"),
    (pair("core", "daemon"), "against the arrow"),
    (pair("policy", "lib/io"), "against the arrow"),
    (pair("policy", "bpf"), "against the arrow"),
    (pair("daemon/tpm", "daemon/eventlog"), "against the arrow"),
    (pair("daemon/tpm", "daemon"), "against the arrow"),
    (pair("daemon/sensor", "daemon/sensor/bpf"), "against the arrow"),
    (pair("daemon/sensor/fanotify", "daemon/sensor/bpf"), "against the arrow"),
    (pair("dbus", "daemon"), "against the arrow"),
    (pair("daemon/secret", "dbus"), "against the arrow"),
    (pair("tools/ctl", "dbus"), "against the arrow"),
    (pair("tools/verify", "daemon/tpm"), "against the arrow"),
    (pair("daemon", "tests"), "against the arrow"),
    ({"bpf/abi.h": '#include "bpf/b.h"\n', "bpf/b.h": ""}, "a leaf"),
    ({"lib/a.c": '#include "a.h"\n', "lib/a.h": ""}, "no file of the house"),
    ({"helpers/a.c": ""}, "no folder helpers"),
    ({"lib/a.c": "#include <unistd.h>\n"}, "not for a pure folder"),
    ({"core/a.c": "# include <time.h>\n"}, "not for a pure folder"),
    ({"lib/base/a.c": "#include <openssl/evp.h>\n"}, "not for a pure folder"),
    ({"policy/a.c": "#include <bpf/libbpf.h>\n"}, "not for a pure folder"),
    ({"daemon/a.c": "#include <tss2/tss2_esys.h>\n"}, "is for daemon/tpm only"),
    ({"tools/verify/a.c": "#include <systemd/sd-bus.h>\n"}, "only"),
    ({"core/a.h": '#include "core/b.h"\n', "core/b.c": '#include "core/a.h"\n', "core/b.h": ""},
     "core/a -> core/b -> core/a"),
]

tree.run(check, GOOD, BAD)
