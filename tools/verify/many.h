/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Many documents: one a line, judged by several threads, answered in their order. */

#include "tools/verify/judge.h"

typedef struct Many {
        const Judging *judging;
        const char *path;        /* "-": standard input */
        const char *nonces_path; /* one in hexadecimal for each line, and none more; NULL: `nonce` is of all */
        Bytes nonce;
        unsigned threads;
        bool json;
} Many;

/* Prints a line for each line, and a failure for each nonce without one. Returns the exit code: the worst of all. */
int many_judge(const Many *m);
