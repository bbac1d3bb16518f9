/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl events. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dbus/names.h"
#include "lib/base/cleanup.h"
#include "tools/ctl/ctl.h"

typedef struct Arguments {
        uint64_t since;
        bool follow, json;
} Arguments;

static int parse_arguments(const Ctl *c, int argc, char **argv, Arguments *a) {
        static const struct option options[] = {
                { "since", required_argument, NULL, 's' },
                { "follow", no_argument, NULL, 'f' },
                { "format", required_argument, NULL, 'o' },
                {},
        };
        char *end;
        int o;

        a->json = c->json;
        while ((o = getopt_long(argc, argv, "f", options, NULL)) >= 0)
                if (o == 's') {
                        a->since = strtoull(optarg, &end, 10);
                        if (end == optarg || *end)
                                return ctl_fail(c, CTL_USAGE, "--since expects the number of an event");
                } else if (o == 'f')
                        a->follow = true;
                else if (o == 'o' && (streq(optarg, "json") || streq(optarg, "text")))
                        a->json = streq(optarg, "json");
                else
                        return ctl_fail(c, CTL_USAGE, "usage: events [--since N] [--follow] [--format=text|json]");
        return optind < argc ? ctl_fail(c, CTL_USAGE, "events takes no arguments besides its options") : 0;
}

enum { VALUE_WIDTH = 120 }; /* of lists and maps; --format=json has them whole */

/* One line: the number, the kind, the time, and every other key. */
static void print_text(uint64_t seq, const char *kind, const json_t *event) {
        json_int_t at = json_integer_value(json_object_get(event, "time"));
        time_t seconds = (time_t) (at / (json_int_t) USEC_PER_SEC);
        char when[32] = "";
        struct tm tm;
        const char *key;
        json_t *value;

        if (at > 0 && localtime_r(&seconds, &tm))
                strftime(when, sizeof(when), "%H:%M:%S", &tm);
        printf("%6" PRIu64 "  %8s  %-14s", seq, when, kind);
        json_object_foreach((json_t *) event, key, value) {
                _cleanup_free_ char *dumped = NULL;

                if (streq(key, "time") || streq(key, "boottime"))
                        continue;
                dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
                if (json_is_string(value))
                        printf(" %s=%s", key, json_string_value(value));
                else
                        printf(" %s=%.*s%s", key, VALUE_WIDTH, strempty(dumped),
                               strlen(strempty(dumped)) > VALUE_WIDTH ? "…" : "");
        }
        putchar('\n');
}

static int print_event(const Arguments *a, uint64_t seq, const char *kind, const char *text) {
        json_auto_t *event = json_loads(text, 0, NULL);

        if (!event)
                return -EBADMSG;
        if (!a->json) {
                print_text(seq, kind, event);
                return 0;
        }
        if (json_object_set_new(event, "seq", json_integer((json_int_t) seq)) < 0 ||
            json_object_set_new(event, "kind", json_string(kind)) < 0 ||
            json_dumpf(event, stdout, JSON_COMPACT | JSON_SORT_KEYS) < 0)
                return -ENOMEM;
        putchar('\n');
        return 0;
}

/* Prints one answer of ListEvents; a->since moves behind it. Returns how many there were, or a negative errno. */
static int print_answer(Arguments *a, sd_bus_message *m) {
        const char *kind, *text;
        uint64_t seq;
        int n = 0, r;

        r = sd_bus_message_enter_container(m, 'a', "(tss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(tss)", &seq, &kind, &text)) > 0) {
                r = print_event(a, seq, kind, text);
                a->since = seq + 1;
                n++;
        }
        fflush(stdout);
        return r < 0 ? r : n;
}

/* Prints all there is now. 0 or an exit code. */
static int print_available(const Ctl *c, Arguments *a, sd_bus *bus) {
        for (;;) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                int r = ctl_call(c, bus, "ListEvents", &reply, "tu", a->since, (uint32_t) LIST_EVENTS_MAX);

                if (r != 0)
                        return r;
                r = print_answer(a, reply);
                if (r < 0)
                        return ctl_fail(c, CTL_UNREACHABLE, "events: the daemon's answer makes no sense");
                if (r == 0)
                        return 0;
        }
}

static int on_anchored(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        *(bool *) userdata = true;
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        const char *name, *old, *new;

        if (sd_bus_message_read(m, "sss", &name, &old, &new) >= 0 && *new == '\0')
                *(bool *) userdata = true;
        return 0;
}

static int follow(const Ctl *c, Arguments *a, sd_bus *bus) {
        bool more = true, gone = false;
        int r;

        r = sd_bus_match_signal(bus, NULL, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE,
                                "EventsAnchored", on_anchored, &more);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0="
                                     "'" SEALWATCH_BUS_NAME "'",
                                     on_owner, &gone);
        if (r < 0)
                return ctl_fail(c, CTL_UNREACHABLE, "cannot follow: %s", strerror(-r));
        while (!gone) {
                if (more) {
                        more = false;
                        r = print_available(c, a, bus);
                        if (r != 0)
                                return r;
                }
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return ctl_fail(c, CTL_UNREACHABLE, "the bus is gone: %s", strerror(-r));
        }
        return ctl_fail(c, CTL_UNREACHABLE, "sealwatchd has ended");
}

int verb_events(const Ctl *c, int argc, char **argv) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        Arguments a = {};
        int r = parse_arguments(c, argc, argv, &a);

        if (r != 0)
                return r;
        r = ctl_connect(c, &bus);
        if (r != 0)
                return r;
        return a.follow ? follow(c, &a, bus) : print_available(c, &a, bus);
}
