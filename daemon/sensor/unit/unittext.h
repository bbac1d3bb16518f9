/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One unit as systemd tells of it, and the digest over that and its files. */

#include <systemd/sd-bus.h>

#include "lib/base/bytes.h"
#include "lib/digest.h"

enum {
        UNIT_FILES_MAX = 256,
        UNIT_FILE_SIZE_MAX = 1 << 20, /* systemd's own limit */
        UNIT_TEXT_MAX = 1 << 20,
};

typedef struct UnitText {
        char *name, *fragment, *command; /* as in UnitSeen; never NULL but for `name` */
        char *files[UNIT_FILES_MAX];     /* fragment, source, drop-ins, in systemd's order */
        size_t files_size;
        Buffer text; /* what was taken from properties, canonical */
        bool transient, stale;
        uint8_t digest[SHA256_SIZE];
} UnitText;

/* 0 or -ENOMEM. */
int unit_text_new(const char *name, UnitText **ret);
UnitText *unit_text_free(UnitText *t);

/* Takes what matters of the answer to GetAll() of org.freedesktop.systemd1.Unit or .Service. 0, -E2BIG for more files or text
 * than any sane unit has, or another negative errno. */
int unit_text_take(UnitText *t, sd_bus_message *properties);

/* Reads the files and computes the digest; a file that cannot be read counts as its error. Waits for the file systems. 0 or a
 * negative errno. */
int unit_text_digest(UnitText *t);
