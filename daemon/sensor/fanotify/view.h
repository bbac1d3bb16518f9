/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose mounts and paths the gate means: our own, or those of the machine's first process. A hardened service has a mount
 * namespace of its own, where the same mounts have other numbers, and some paths lead elsewhere. */

#include <stdbool.h>
#include <stdint.h>

typedef struct View {
        int root;           /* where its paths begin; -1 in our own */
        const char *mounts; /* the file with its mounts, as mountinfo_parse() wants it */
        const char *prefix; /* what makes a path of the view one of ours */
} View;

/* host: that of the first process. A view of which nothing can be seen has no file of mounts to open. */
View view_open(bool host);
void view_close(View *v);

/* openat2(2) of an absolute path of the view: a descriptor, or a negative errno. */
int view_lookup(const View *v, const char *path, uint64_t flags, uint64_t resolve);
