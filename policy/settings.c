/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Assignments to struct members by table. */

#include "policy/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

void complain_word(ProblemList *problems, const char *file, unsigned line, unsigned column, const char *what,
                   const char *word, const char *const *words) {
        const char *nearest = nearest_word(word, words);

        if (nearest)
                problem_add(problems, file, line, column, "unknown %s \"%s\"; did you mean \"%s\"?", what, word,
                            nearest);
        else
                problem_add(problems, file, line, column, "unknown %s \"%s\"", what, word);
}

int setting_check_section(const Setting *table, size_t n, const UnitFile *file, const UnitItem *header,
                          ProblemList *problems) {
        _cleanup_free_ const char **sections = new0(const char *, n + 1);

        if (!sections)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (streq(table[i].section, header->section))
                        return 0;
                sections[i] = table[i].section;
        }
        complain_word(problems, file->name, header->line, header->column, "section", header->section, sections);
        return 0;
}

/* No row has the key. In a section without rows the header was complained about already. */
static int complain_key(const Setting *table, size_t n, const UnitFile *file, const UnitItem *item,
                        ProblemList *problems) {
        _cleanup_free_ const char **keys = new0(const char *, n + 1);
        size_t size = 0;

        if (!keys)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (streq(table[i].section, item->section))
                        keys[size++] = table[i].key;
        if (size > 0)
                complain_word(problems, file->name, item->line, item->column, "key", item->key, keys);
        return 0;
}

int setting_apply(const Setting *table, size_t n, const UnitFile *file, const UnitItem *item, void *object,
                  uint64_t *seen, ProblemList *problems) {
        const char *at = item->value, *expected;

        assert(n <= 64);
        for (size_t i = 0; i < n; i++) {
                const Setting *s = &table[i];

                if (!streq(s->section, item->section) || !streq(s->key, item->key))
                        continue;
                if (*seen & (UINT64_C(1) << i)) {
                        problem_add(problems, file->name, item->line, item->column, "%s= is given twice", s->key);
                        return 0;
                }
                *seen |= UINT64_C(1) << i;
                expected = s->parse(s, &at, (char *) object + s->offset);
                if (expected)
                        problem_add(problems, file->name, item->line,
                                    item->value_column + (unsigned) (at - item->value), "%s= expects %s", s->key,
                                    expected);
                return 0;
        }
        return complain_key(table, n, file, item, problems);
}

int settings_apply_text(const Setting *table, size_t n, const char *name, const char *text, size_t text_size,
                        void *object, ProblemList *problems) {
        _cleanup_(unit_file_done) UnitFile file = {};
        uint64_t seen = 0;
        int r;

        r = unit_file_parse(name, text, text_size, &file, problems);
        for (size_t i = 0; r >= 0 && i < file.size; i++) {
                const UnitItem *item = &file.items[i];

                if (item->key)
                        r = setting_apply(table, n, &file, item, object, &seen, problems);
                else if (item->label)
                        problem_add(problems, name, item->line, item->value_column, "[%s] takes no name",
                                    item->section);
                else
                        r = setting_check_section(table, n, &file, item, problems);
        }
        return r;
}

/* The words, for the message. */
static const char *expected_words(const Setting *s, const char *before, const char *last) {
        static _Thread_local char expected[256];
        size_t used = (size_t) snprintf(expected, sizeof(expected), "%s", before);

        for (int i = 0; s->words[i] && used < sizeof(expected); i++)
                if (*s->words[i])
                        used += (size_t) snprintf(expected + used, sizeof(expected) - used, "%s%s",
                                                  used == strlen(before) ? "" : (s->words[i + 1] ? ", " : last),
                                                  s->words[i]);
        return expected;
}

const char *setting_word(const Setting *s, const char **at, void *member) {
        for (int i = 0; s->words[i]; i++)
                if (streq(s->words[i], *at)) {
                        *(int *) member = i;
                        return NULL;
                }
        return expected_words(s, "", " or ");
}

const char *setting_set(const Setting *s, const char **at, void *member) {
        const char *p = *at, *word;
        uint64_t set = 0;
        size_t n, words = 0;

        for (; (n = next_word(&p, &word)) > 0; words++) {
                size_t i = 0;

                *at = word;
                while (s->words[i] && (strlen(s->words[i]) != n || memcmp(s->words[i], word, n) != 0))
                        i++;
                if (!s->words[i])
                        return expected_words(s, "words out of ", " and ");
                set |= UINT64_C(1) << (s->min + i);
        }
        if (words < s->max)
                return expected_words(s, "words out of ", " and ");
        *(uint64_t *) member = set;
        return NULL;
}

const char *setting_bool(const Setting *s _unused_, const char **at, void *member) {
        static const struct {
                const char *word;
                bool value;
        } words[] = { { "yes", true },    { "no", false }, { "true", true },
                      { "false", false }, { "on", true },  { "off", false } };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i].word, *at)) {
                        *(bool *) member = words[i].value;
                        return NULL;
                }
        return "yes or no";
}

/* Decimal digits; *p moves behind them. False when there are none or they overflow. */
static bool parse_digits(const char **p, uint64_t *ret) {
        const char *start = *p;
        uint64_t v = 0;

        for (; **p >= '0' && **p <= '9'; (*p)++)
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t) (**p - '0'), &v))
                        return false;
        *ret = v;
        return *p > start;
}

static bool in_range(const Setting *s, uint64_t v) {
        return v >= s->min && (s->max == 0 || v <= s->max);
}

const char *setting_number(const Setting *s, const char **at, void *member) {
        static _Thread_local char expected[64];
        const char *p = *at;
        uint64_t v;

        if (!parse_digits(&p, &v) || *p || !in_range(s, v)) {
                snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long) s->min,
                         (unsigned long long) s->max);
                return expected;
        }
        *(uint64_t *) member = v;
        return NULL;
}

typedef struct Unit {
        const char *suffix;
        uint64_t factor;
} Unit;

static bool parse_scaled(const char *p, const Unit *units, size_t n, uint64_t *ret) {
        uint64_t v;

        if (!parse_digits(&p, &v))
                return false;
        for (size_t i = 0; i < n; i++)
                if (streq(units[i].suffix, p))
                        return !__builtin_mul_overflow(v, units[i].factor, ret);
        return false;
}

const char *setting_size(const Setting *s, const char **at, void *member) {
        static const Unit units[] = { { "", 1 },
                                      { "K", UINT64_C(1) << 10 },
                                      { "M", UINT64_C(1) << 20 },
                                      { "G", UINT64_C(1) << 30 },
                                      { "T", UINT64_C(1) << 40 } };
        uint64_t v;

        if (!parse_scaled(*at, units, ELEMENTSOF(units), &v) || !in_range(s, v))
                return "a size in bytes, with K, M, G or T behind it (256M), within its limits";
        *(uint64_t *) member = v;
        return NULL;
}

const char *setting_seconds(const Setting *s, const char **at, void *member) {
        static const Unit units[] = {
                { "", USEC_PER_SEC }, { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC }, { "min", 60 * USEC_PER_SEC }
        };
        uint64_t v;

        if (!parse_scaled(*at, units, ELEMENTSOF(units), &v) || !in_range(s, v))
                return "a time in seconds, or with ms, s or min behind it (500ms), within its limits";
        *(usec_t *) member = v;
        return NULL;
}

const char *setting_text(const Setting *s _unused_, const char **at, void *member) {
        if (**at == '\0')
                return "a value";
        return free_and_strdup(member, *at) < 0 ? "more memory" : NULL;
}
