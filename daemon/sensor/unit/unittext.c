/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading what systemd says of a unit. */

#include "daemon/sensor/unit/unittext.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/file.h"

DEFINE_CLEANUP(UnitText *, unit_text_free)

int unit_text_new(const char *name, UnitText **ret) {
        _cleanup_(unit_text_freep) UnitText *t = new0(UnitText, 1);
        int r;

        if (!t)
                return -ENOMEM;
        r = free_and_strdup(&t->name, name);
        if (r >= 0)
                r = free_and_strdup(&t->fragment, "");
        if (r >= 0)
                r = free_and_strdup(&t->command, "");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}

UnitText *unit_text_free(UnitText *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->files_size; i++)
                free(t->files[i]);
        buffer_done(&t->text);
        free(t->name);
        free(t->fragment);
        free(t->command);
        free(t);
        return NULL;
}

static int add_text(UnitText *t, const char *s) {
        if (strlen(s) >= UNIT_TEXT_MAX - MIN(t->text.size, (size_t) UNIT_TEXT_MAX))
                return -E2BIG;
        buffer_bytes(&t->text, s, strlen(s) + 1);
        return buffer_error(&t->text);
}

static int add_file(UnitText *t, const char *path) {
        if (*path == '\0')
                return 0;
        if (t->files_size == UNIT_FILES_MAX)
                return -E2BIG;
        t->files[t->files_size] = strdup(path);
        return t->files[t->files_size++] ? 0 : -ENOMEM;
}

typedef struct Property Property;
struct Property {
        const char *name, *type;
        int (*take)(UnitText *t, const Property *p, sd_bus_message *m);
};

static int take_flag(UnitText *t, const Property *p, sd_bus_message *m) {
        int value = 0, r = sd_bus_message_read(m, "b", &value);

        if (streq(p->name, "Transient"))
                t->transient = value;
        else
                t->stale = value;
        return r;
}

static int take_file(UnitText *t, const Property *p, sd_bus_message *m) {
        const char *path = NULL;
        int r = sd_bus_message_read(m, "s", &path);

        if (r >= 0)
                r = add_file(t, path);
        if (r >= 0 && streq(p->name, "FragmentPath"))
                r = free_and_strdup(&t->fragment, path);
        return r;
}

static int take_strings(UnitText *t, sd_bus_message *m, int (*add)(UnitText *t, const char *s)) {
        const char *s = NULL;
        int r = sd_bus_message_enter_container(m, 'a', "s"), q = 0;

        while (r >= 0 && (q = sd_bus_message_read(m, "s", &s)) > 0)
                r = add(t, s);
        if (r >= 0)
                r = q;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int take_files(UnitText *t, const Property *p _unused_, sd_bus_message *m) {
        return take_strings(t, m, add_file);
}

static int take_list(UnitText *t, const Property *p, sd_bus_message *m) {
        int r = add_text(t, p->name);

        return r < 0 ? r : take_strings(t, m, add_text);
}

static int take_word(UnitText *t, const Property *p, sd_bus_message *m) {
        const char *s = NULL;
        int r = sd_bus_message_read(m, "s", &s);

        if (r >= 0)
                r = add_text(t, p->name);
        return r < 0 ? r : add_text(t, s);
}

/* Path, arguments, and whether a failure counts; behind them is when and how it ran. */
static int take_command(UnitText *t, const Property *p, sd_bus_message *m) {
        const char *path = NULL;
        int ignore = 0, r = sd_bus_message_read(m, "s", &path);

        if (r >= 0)
                r = add_text(t, p->name);
        if (r >= 0)
                r = add_text(t, path);
        if (r >= 0)
                r = take_strings(t, m, add_text);
        if (r >= 0)
                r = sd_bus_message_read(m, "b", &ignore);
        if (r >= 0)
                r = add_text(t, ignore ? "-" : "");
        if (r >= 0 && *t->command == '\0' && streq(p->name, "ExecStart"))
                r = free_and_strdup(&t->command, path);
        return r < 0 ? r : sd_bus_message_skip(m, "ttttuii");
}

static int take_commands(UnitText *t, const Property *p, sd_bus_message *m) {
        int r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)"), q = 0;

        while (r >= 0 && (q = sd_bus_message_enter_container(m, 'r', "sasbttttuii")) > 0) {
                r = take_command(t, p, m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = q;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static const Property properties[] = {
        { "FragmentPath", "s", take_file },
        { "SourcePath", "s", take_file },
        { "DropInPaths", "as", take_files },
        { "Transient", "b", take_flag },
        { "NeedDaemonReload", "b", take_flag },
        { "ExecStartPre", "a(sasbttttuii)", take_commands },
        { "ExecStart", "a(sasbttttuii)", take_commands },
        { "ExecStartPost", "a(sasbttttuii)", take_commands },
        { "ExecReload", "a(sasbttttuii)", take_commands },
        { "ExecStop", "a(sasbttttuii)", take_commands },
        { "ExecStopPost", "a(sasbttttuii)", take_commands },
        { "User", "s", take_word },
        { "Group", "s", take_word },
        { "RootDirectory", "s", take_word },
        { "RootImage", "s", take_word },
        { "Environment", "as", take_list },
};

/* The value of one property, of whatever type. */
static int take_value(UnitText *t, const char *name, sd_bus_message *m) {
        const char *type = NULL;
        char kind;
        int r = sd_bus_message_peek_type(m, &kind, &type);

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(properties); i++) {
                const Property *p = &properties[i];

                if (!streq(p->name, name) || !streq(p->type, type))
                        continue;
                r = sd_bus_message_enter_container(m, 'v', type);
                if (r >= 0)
                        r = p->take(t, p, m);
                return r < 0 ? r : sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_skip(m, "v");
}

int unit_text_take(UnitText *t, sd_bus_message *m) {
        int r = sd_bus_message_enter_container(m, 'a', "{sv}"), q = 0;

        while (r >= 0 && (q = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name = NULL;

                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0)
                        r = take_value(t, name, m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = q;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int add_file_digest(Buffer *b, const char *path) {
        _cleanup_free_ char *content = NULL;
        uint8_t digest[SHA256_SIZE] = {};
        size_t n = 0;
        int r = file_read(AT_FDCWD, path, UNIT_FILE_SIZE_MAX, &content, &n);

        buffer_bytes(b, path, strlen(path) + 1);
        buffer_u32le(b, r < 0 ? (uint32_t) -r : 0);
        if (r >= 0)
                r = sha256(content, n, digest);
        else
                r = r == -ENOMEM ? r : 0;
        buffer_bytes(b, digest, sizeof(digest));
        return r;
}

int unit_text_digest(UnitText *t) {
        _cleanup_(buffer_done) Buffer whole = {};
        int r = 0;

        buffer_bytes(&whole, t->text.data, t->text.size);
        for (size_t i = 0; r >= 0 && i < t->files_size; i++)
                r = add_file_digest(&whole, t->files[i]);
        if (r >= 0)
                r = buffer_error(&whole);
        return r < 0 ? r : sha256(whole.data, whole.size, t->digest);
}
