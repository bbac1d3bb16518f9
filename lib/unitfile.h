/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unit-style text: sections, assignments, comments. (Kept INI libraries report no columns.) As systemd.syntax(7),
 * but strict: no continuation lines (repeat the key instead), no text before the first section, no control
 * characters (nor others that hide what is written, see lib/escape.h), and well-formed UTF-8 only. */

#include <stddef.h>

#include "lib/problem.h"

enum { UNITFILE_SIZE_MAX = 1024 * 1024, UNITFILE_LABEL_MAX = 64 };

/* One assignment, or (key NULL) the header of a section. */
typedef struct UnitItem {
        const char *section; /* "Rule" of [Rule name] */
        const char *label;   /* "name", or NULL for [Rule] */
        const char *key;     /* NULL: this is the section's header */
        const char *value;   /* without blanks around; "" when empty */
        unsigned line;
        unsigned column;       /* of the section's name or of the key */
        unsigned value_column; /* of the value; of the label in a header */
} UnitItem;

/* All-zero is empty. */
typedef struct UnitFile {
        char *name; /* for messages */
        char *text; /* what the items' strings lead into */
        UnitItem *items;
        size_t size, allocated;
} UnitFile;

void unit_file_done(UnitFile *f);

/* Parses n bytes; adds what is wrong to *problems and goes on behind it. Returns 0 or -ENOMEM. */
int unit_file_parse(const char *name, const char *text, size_t n, UnitFile *ret, ProblemList *problems);

/* The next word of a value: *p moves behind it. Returns its length (0 at the end) and where it starts. */
size_t next_word(const char **p, const char **ret_start);
