#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The objects of the pure folders call only what makes values from values, and keep nothing from one call to the next.
Judged by their symbols: by what the compiler made of the source, whatever that looks like."""

import os
import re
import shlex
import subprocess

import tree

COMPILER = shlex.split(os.environ["CC"])
ARCHIVES = [f"{os.environ['SEALWATCH_BUILD']}/{a}" for a in
            ("lib/libsw-base.a", "lib/libsw-lib.a", "policy/libsw-policy.a", "core/libsw-core.a")]

MAY_CALL = re.compile("|".join([
    r"malloc|calloc|realloc|reallocarray|free|qsort|bsearch|mem(chr|cmp|cpy|mem|move|rchr|set)",
    r"str(chr|cmp|cpy|cspn|dup|error|len|ncmp|ndup|nlen|rchr|spn|str|toul|toull)|is(alnum|alpha|digit|print|space|xdigit)",
    r"v?snprintf|v?sprintf|v?asprintf|sscanf|fnmatch",
    r"EVP_\w+|OPENSSL_cleanse|pthread_(key_create|once|setspecific)",
    r"(BN|ECDSA_SIG|OSSL_PARAM_BLD)_\w+|OSSL_PARAM_free|CRYPTO_free|(d2i|i2d)_(?!\w+_(bio|fp)$)\w+",
    r"(ASN1|X509|RSA_PSS_PARAMS|ECDSA_SIG|ISSUING_DIST_POINT|CRL_DIST_POINTS)_\w+|OBJ_(obj2nid|obj2txt)|OPENSSL_sk_(new_null|num|pop_free|push|value)",
    r"timegm|gmtime_r|strftime",
    r"json_(?!load_|loadf|dump_|dumpf)\w+",
    r"__stack_chk_fail|__assert_fail|__tls_get_addr|_GLOBAL_OFFSET_TABLE_"]))

# What may be kept, and why.
MAY_KEEP = {
    ("digest.c.o", "context"): "a digest context for each thread: to make one costs more than most digests",
    ("digest.c.o", "context_key"): "the same",
    ("digest.c.o", "fetched"): "the algorithms, found once",
    ("digest.c.o", "once"): "the same",
    ("settings.c.o", "expected"): "a sentence that is handed out as static, for each thread",
}


def symbols(path):
    """(object, name, section, defined?) of each symbol of an object or archive."""
    output = subprocess.run(["nm", "-f", "sysv", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in output.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if line.startswith(("Symbols from ", "Undefined symbols from ")):
            file = os.path.basename(re.sub(r".*\[|\]?:$", "", line).rsplit(" ", 1)[-1])
        elif len(columns) == 7:
            yield file, columns[0], columns[6], columns[2] != "U"


def plain(name):
    """Without what hardening and newer standards of C make of a function's name, and compilers of a local one (gcc: n.0,
    clang: f.n)."""
    return re.sub(r"^__isoc\d\d_|^__(?=\w+_chk$)|(?<=\w)_chk$|^\w+\.(?=\D)|\.\d+$", "", name)


def check_archives(archives):
    found = [symbol for archive in archives for symbol in symbols(archive)]
    ours = {name for _, name, _, defined in found if defined}
    for file, name, section, defined in sorted(found):
        if not defined and name not in ours and not MAY_CALL.fullmatch(plain(name)):
            yield f"{file} calls {name}, which is not for a pure folder"
        if re.match(r"\.(data(?!\.rel\.ro)|bss|tdata|tbss)", section) and (file, plain(name)) not in MAY_KEEP:
            yield f"{file} keeps {plain(name)} from one call to the next"


def check(tree_):
    sources = tree_.ending(".c")
    tree_.seen += len(sources)
    if tree_.top == os.environ["SEALWATCH_SOURCE"]:
        yield from check_archives(ARCHIVES)
        return
    for source in sources:
        subprocess.run(COMPILER + ["-O2", "-fPIC", "-c", "-o", tree_.path(source + ".o"), tree_.path(source)], check=True)
    yield from check_archives([tree_.path(source + ".o") for source in sources])


def c(body):
    return "#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n#include <fcntl.h>\n#include <unistd.h>\n" + body


GOOD = [{"a.c": c("static const char *const names[] = { \"a\" };\nint g(int);\n"
                  "int f(int i, char *b) { return snprintf(b, 9, \"%s%d\", names[i], g(i)); }\n"), "b.c": "int g(int i) { return i; }\n"}]
BAD = [
    ({"a.c": c("long f(void) { return time(NULL); }\n")}, "a.c.o calls time"),
    ({"a.c": c("char *f(void) { return getenv(\"A\"); }\n")}, "a.c.o calls getenv"),
    ({"a.c": c("int f(void) { return open(\"a\", O_RDONLY); }\n")}, "a.c.o calls open"),
    ({"a.c": c("void f(void) { puts(\"a\"); }\n")}, "a.c.o calls puts"),
    ({"a.c": c("void f(void) { usleep(1); }\n")}, "a.c.o calls usleep"),
    ({"a.c": "void *json_load_file(const char *);\nvoid *f(void) { return json_load_file(\"a\"); }\n"}, "calls json_load_file"),
    ({"a.c": "int f(void) { static int n; return n++; }\n"}, "a.c.o keeps n"),
    ({"a.c": "int n = 1;\n"}, "a.c.o keeps n"),
    ({"a.c": "_Thread_local int n;\n"}, "a.c.o keeps n"),
]

tree.run(check, GOOD, BAD)
