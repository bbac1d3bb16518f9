/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignments to struct members by table: what sealwatchd.conf and the policy files have in common. Unknown sections
 * and keys are mistakes, never ignored: a misspelt key would silently weaken the guard. */

#include <stdint.h>

#include "lib/unitfile.h"

typedef struct Setting Setting;

/* Parses item->value into the member at `member`. Returns NULL, or what was expected ("a size like 256M"), with
 * *at moved to the wrong word. */
typedef const char *(*SettingParse)(const Setting *s, const char **at, void *member);

struct Setting {
        const char *section, *key;
        SettingParse parse;
        size_t offset;            /* of the member */
        const char *const *words; /* for setting_word() and setting_set(): the words, ended by NULL */
        uint64_t min, max;        /* for numbers */
};

/* Applies an item (not a header) to the object. Mistakes go to *problems: unknown section or key with the nearest
 * valid word, a scalar given twice in one section of one file (tracked in `seen`, a bit per row of the table), a
 * wrong value. Returns 0 or -ENOMEM. */
int setting_apply(const Setting *table, size_t n, const UnitFile *file, const UnitItem *item, void *object,
                  uint64_t *seen, ProblemList *problems);

/* Complains when no row has the section of a header. Returns 0 or -ENOMEM. */
int setting_check_section(const Setting *table, size_t n, const UnitFile *file, const UnitItem *header,
                          ProblemList *problems);

/* Applies a whole file whose sections have no names. Returns 0 or -ENOMEM; mistakes go to *problems. */
int settings_apply_text(const Setting *table, size_t n, const char *name, const char *text, size_t text_size,
                        void *object, ProblemList *problems);

/* Complains about an unknown word, with the nearest one of the words. */
void complain_word(ProblemList *problems, const char *file, unsigned line, unsigned column, const char *what,
                   const char *word, const char *const *words);

/* Value parsers. In a set "" is no word, and max is how many there must be at least. */
const char *setting_word(const Setting *s, const char **at, void *member);    /* int: index into words */
const char *setting_set(const Setting *s, const char **at, void *member);     /* uint64_t: 1 << (min + index) each */
const char *setting_bool(const Setting *s, const char **at, void *member);    /* bool */
const char *setting_number(const Setting *s, const char **at, void *member);  /* uint64_t, min to max */
const char *setting_size(const Setting *s, const char **at, void *member);    /* uint64_t bytes, suffix K M G T */
const char *setting_seconds(const Setting *s, const char **at, void *member); /* usec_t, "5", "5s", "500ms", "2min" */
const char *setting_text(const Setting *s, const char **at, void *member);    /* char *, replaced; not empty */
