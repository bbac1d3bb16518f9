/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parser of unit-style text. */

#include "lib/unitfile.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/escape.h"

/* Where the parser is. `line` is NUL-terminated inside the file's own copy of the text. */
typedef struct Cursor {
        UnitFile *file;
        ProblemList *problems;
        char *line;
        unsigned number;
        const char *section, *label;
} Cursor;

void unit_file_done(UnitFile *f) {
        free(f->name);
        free(f->text);
        free(f->items);
        *f = (UnitFile){};
}

static unsigned column_of(const Cursor *c, const char *p) {
        return (unsigned) (p - c->line) + 1;
}

#define complain(c, at, ...) problem_add((c)->problems, (c)->file->name, (c)->number, column_of(c, at), __VA_ARGS__)

static bool is_blank(char ch) {
        return ch == ' ' || ch == '\t';
}

static char *skip_blanks(char *p) {
        while (is_blank(*p))
                p++;
        return p;
}

/* Cuts blanks off the end of a string; returns the string. */
static char *strip_end(char *p) {
        size_t n = strlen(p);

        while (n > 0 && is_blank(p[n - 1]))
                p[--n] = '\0';
        return p;
}

static bool is_label_char(char ch) {
        return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' ||
               ch == '_' || ch == '.';
}

/* The first character that does not belong into a label, or NULL. */
static const char *bad_label_char(const char *label) {
        for (const char *p = label; *p; p++)
                if (!is_label_char(*p) || p - label >= UNITFILE_LABEL_MAX)
                        return p;
        return NULL;
}

static int add_item(Cursor *c, const char *key, const char *value, unsigned column, unsigned value_column) {
        UnitFile *f = c->file;

        if (GREEDY_REALLOC(f->items, f->allocated, f->size + 1) < 0)
                return -ENOMEM;
        f->items[f->size++] = (UnitItem){
                .section = c->section,
                .label = c->label,
                .key = key,
                .value = value,
                .line = c->number,
                .column = column,
                .value_column = value_column,
        };
        return 0;
}

static int parse_header(Cursor *c, char *p) {
        char *end = p + strlen(p) - 1, *name = p + 1, *label;
        const char *wrong;

        c->section = c->label = NULL; /* until the header is good, assignments belong nowhere */
        if (*end != ']') {
                complain(c, end, "expected ] at the end of the section header");
                return 0;
        }
        *end = '\0';
        name = strip_end(skip_blanks(name));
        label = name + strcspn(name, " \t");
        if (*label) {
                *label++ = '\0';
                label = skip_blanks(label);
        } else
                label = NULL;
        wrong = bad_label_char(name);
        if (!wrong && label)
                wrong = bad_label_char(label);
        if (*name == '\0' || wrong) {
                complain(c, wrong ? wrong : name, "section names are up to %d letters, digits, '-', '_' and '.'",
                         UNITFILE_LABEL_MAX);
                return 0;
        }
        c->section = name;
        c->label = label;
        return add_item(c, NULL, "", column_of(c, name), column_of(c, label ? label : name));
}

static int parse_assignment(Cursor *c, char *p) {
        char *equals = strchr(p, '='), *value;

        if (!equals) {
                complain(c, p, "expected \"Key=value\", \"[Section]\" or a comment");
                return 0;
        }
        value = skip_blanks(equals + 1);
        strip_end(value);
        *equals = '\0';
        strip_end(p);
        if (bad_label_char(p) || *p == '\0') {
                complain(c, p, "expected a key of letters and digits before '='");
                return 0;
        }
        if (*value && value[strlen(value) - 1] == '\\') {
                complain(c, value + strlen(value) - 1, "lines cannot be continued: repeat the key on the next line");
                return 0;
        }
        if (!c->section) {
                complain(c, p, "the assignment is in no section");
                return 0;
        }
        return add_item(c, p, value, column_of(c, p), column_of(c, value));
}

/* The first byte that is no printable UTF-8 (tabs are fine), or NULL. A rule must be what a person reads: see CVE-2021-42574
 * for what changes of the writing direction can do to that. */
static const char *bad_character(const char *line, size_t n) {
        for (size_t i = 0; i < n;) {
                unsigned c = 0;
                size_t length = utf8_next(line + i, n - i, &c);

                if (length == 0 || (c != '\t' && utf8_is_unprintable(c)))
                        return line + i;
                i += length;
        }
        return NULL;
}

static int parse_line(Cursor *c, size_t n) {
        const char *wrong = bad_character(c->line, n);
        char *p;

        if (wrong) {
                complain(c, wrong, "expected text, found the byte 0x%02x", (unsigned char) *wrong);
                return 0;
        }
        p = skip_blanks(c->line);
        strip_end(p);
        if (*p == '\0' || *p == '#' || *p == ';')
                return 0;
        return *p == '[' ? parse_header(c, p) : parse_assignment(c, p);
}

int unit_file_parse(const char *name, const char *text, size_t n, UnitFile *ret, ProblemList *problems) {
        _cleanup_(unit_file_done) UnitFile f = {};
        Cursor c = { .file = &f, .problems = problems };
        int r;

        f.name = strdup(name);
        f.text = memdup_nul(text, MIN(n, (size_t) UNITFILE_SIZE_MAX));
        if (!f.name || !f.text)
                return -ENOMEM;
        if (n > UNITFILE_SIZE_MAX)
                problem_add(problems, name, 0, 0, "the file is larger than %d bytes", UNITFILE_SIZE_MAX);
        for (char *p = f.text, *end = f.text + MIN(n, (size_t) UNITFILE_SIZE_MAX); p < end;) {
                char *newline = memchr(p, '\n', (size_t) (end - p));

                c.line = p;
                c.number++;
                p = newline ? newline : end;
                *p = '\0';
                r = parse_line(&c, (size_t) (p - c.line));
                if (r < 0)
                        return r;
                p++;
        }
        *ret = TAKE_STRUCT(f);
        return 0;
}

size_t next_word(const char **p, const char **ret_start) {
        const char *start = *p + strspn(*p, " \t");

        *ret_start = start;
        *p = start + strcspn(start, " \t");
        return (size_t) (*p - start);
}
