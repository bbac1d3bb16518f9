/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl status. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dbus/names.h"
#include "lib/base/cleanup.h"
#include "tools/ctl/ctl.h"

/* One value of any type that our properties have, as JSON. NULL when it is none of them. */
static json_t *read_value(sd_bus_message *m) {
        const char *contents;
        char type;

        if (sd_bus_message_peek_type(m, &type, &contents) <= 0)
                return NULL;
        if (type == 's') {
                const char *text;
                return sd_bus_message_read_basic(m, type, &text) < 0 ? NULL : json_string(text);
        }
        if (type == 't') {
                uint64_t number;
                return sd_bus_message_read_basic(m, type, &number) < 0 ? NULL : json_integer((json_int_t) number);
        }
        if (type == 'u') {
                uint32_t number;
                return sd_bus_message_read_basic(m, type, &number) < 0 ? NULL : json_integer(number);
        }
        if (type == 'b') {
                int flag;
                return sd_bus_message_read_basic(m, type, &flag) < 0 ? NULL : json_boolean(flag);
        }
        if (type == 'a' && contents[0] != '{') {
                json_t *list = json_array();
                sd_bus_message_enter_container(m, 'a', contents);
                while (sd_bus_message_at_end(m, 0) == 0 && json_array_append_new(list, read_value(m)) == 0)
                        ;
                sd_bus_message_exit_container(m);
                return list;
        }
        return NULL;
}

/* a{sX} */
static json_t *read_map(sd_bus_message *m, const char *contents, const char *entry) {
        json_t *map = json_object();
        const char *key;

        if (sd_bus_message_enter_container(m, 'a', contents) < 0)
                return map;
        while (sd_bus_message_enter_container(m, 'e', entry) > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0 || json_object_set_new(map, key, read_value(m)) < 0)
                        break;
                sd_bus_message_exit_container(m);
        }
        sd_bus_message_exit_container(m);
        return map;
}

static json_t *read_property(sd_bus_message *m) {
        const char *contents;
        json_t *value;
        char type;

        if (sd_bus_message_peek_type(m, &type, &contents) <= 0 || type != 'v' ||
            sd_bus_message_enter_container(m, 'v', contents) < 0)
                return NULL;
        if (streq(contents, "a{ss}"))
                value = read_map(m, "{ss}", "ss");
        else if (streq(contents, "a{st}"))
                value = read_map(m, "{st}", "st");
        else
                value = read_value(m);
        sd_bus_message_exit_container(m);
        return value;
}

static int read_all(sd_bus_message *m, json_t *ret) {
        const char *key;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0 && json_object_set_new(ret, key, read_property(m)) < 0)
                        r = -EBADMSG;
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static const char *text(const json_t *all, const char *key) {
        return strempty(json_string_value(json_object_get(all, key)));
}

static long long number(const json_t *all, const char *key) {
        return (long long) json_integer_value(json_object_get(all, key));
}

static void print_list(const char *label, const json_t *list) {
        json_t *item;
        size_t i;

        if (json_array_size(list) == 0)
                return;
        printf("%11s:", label);
        json_array_foreach(list, i, item)
                printf(json_is_string(item) ? " %s" : "", json_string_value(item));
        putchar('\n');
}

static void print_map(const char *label, const json_t *map) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *) map, key, value) {
                if (json_is_string(value))
                        printf("%11s: %s %s\n", label, key, json_string_value(value));
                else
                        printf("%11s: %s %lld×\n", label, key, (long long) json_integer_value(value));
                label = "";
        }
}

/* One line: "asked 12, hashed 3". */
static void print_counters(const char *label, const json_t *map) {
        const char *key, *comma = "";
        json_t *value;

        printf("%11s:", label);
        json_object_foreach((json_t *) map, key, value) {
                printf("%s %s %lld", comma, key, (long long) json_integer_value(value));
                comma = ",";
        }
        putchar('\n');
}

static void print_people(const json_t *all) {
        bool trusted = streq(text(all, "State"), "trusted");
        const char *colour = !isatty(STDOUT_FILENO) ? "" : trusted ? "\033[32m" : "\033[1;31m";

        printf("%11s: %s%s%s (%s mode)\n", "State", colour, text(all, "State"), *colour ? "\033[0m" : "",
               text(all, "Mode"));
        print_list("Because of", json_object_get(all, "Reasons"));
        print_list("TAINTED", json_object_get(all, "Tainted"));
        printf("%11s: %s, life %s\n", "Scope", text(all, "Scope"), text(all, "Life"));
        print_map("Attestation", json_object_get(all, "Attestation"));
        print_map("Levels", json_object_get(all, "Levels"));
        printf("%11s: %lld, %lld of them anchored in PCR %lld\n", "Events", number(all, "EventCount"),
               number(all, "AnchoredCount"), number(all, "MeasurementPCR"));
        printf("%11s: %lld denied, %lld ungated, %lld lost, %lld suppressed\n", "Seen", number(all, "DeniedCount"),
               number(all, "UngatedCount"), number(all, "LostCount"), number(all, "SuppressedCount"));
        print_counters("Gate", json_object_get(all, "Gate"));
        print_map("Failures", json_object_get(all, "Failures"));
        printf("%11s: PCR %lld is %s\n", "Cap", number(all, "CapPCR"),
               json_is_true(json_object_get(all, "Capped")) ? "capped: the TPM unseals no secret of ours any more"
                                                            : "open");
        printf("%11s: generation %lld, %s\n", "Policy", number(all, "PolicyGeneration"), text(all, "PolicyDigest"));
        printf("%11s: %s\n", "Version", text(all, "Version"));
}

int verb_status(const Ctl *c, int argc, char **argv _unused_) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        json_auto_t *all = json_object();
        int r;

        if (argc != 1)
                return ctl_fail(c, CTL_USAGE, "status takes no arguments");
        r = ctl_connect(c, &bus);
        if (r != 0)
                return r;
        r = sd_bus_call_method(bus, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH, "org.freedesktop.DBus.Properties",
                               "GetAll", &error, &reply, "s", SEALWATCH_BUS_INTERFACE);
        if (r < 0)
                return ctl_call_failed(c, "status", &error, r);
        if (read_all(reply, all) < 0)
                return ctl_fail(c, CTL_UNREACHABLE, "status: the daemon's answer makes no sense");
        if (!c->json)
                print_people(all);
        else if (json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS) >= 0)
                putchar('\n');
        return streq(text(all, "State"), "trusted") ? CTL_YES : CTL_NO;
}
