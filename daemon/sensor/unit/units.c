/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asking systemd: everything once, then whatever may have changed. */

#include "daemon/sensor/unit/units.h"

#include <errno.h>
#include <openssl/rand.h>
#include <systemd/sd-bus.h>

#include "daemon/sensor/unit/unittext.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/table.h"
#include "lib/io/background.h"
#include "lib/io/bus.h"

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define CONNECT_AGAIN_AFTER USEC_PER_SEC
#define LOOK_AGAIN_AFTER (10 * USEC_PER_SEC)

enum {
        ASKED_MAX = 8, /* units at a time */
        KEY_SIZE = 16,
};

/* The kinds of units that start something or say where it comes from. */
static const char *const followed[] = { ".service", ".socket", ".timer", ".path", ".mount", ".automount", ".swap" };

/* What is known of a unit. Of an instance of a template the key is of the template's name and the digest: instances come by the
 * thousand, each with a name of its own. */
typedef struct Known {
        uint8_t key[KEY_SIZE]; /* truncated SHA-256 */
        uint8_t digest[SHA256_SIZE];
} Known;

/* A unit that waits to be asked about, or is. */
typedef struct Question {
        Units *units;
        UnitText *text;
        sd_bus_slot *slot;
        struct Question *next;
} Question;

struct Units {
        sd_event *event;
        UnitsOps ops;
        char *address;
        sd_bus *bus;
        sd_event_source *again, *background_source; /* again: connects, or looks */
        Background *background;
        Table *known;
        Question *first, *last; /* waiting */
        size_t asked, waiting;
        Question *open[ASKED_MAX];
        bool connected, listing;
        bool incomplete; /* something was not answered since we began to look */
        bool listed, told;
};

DEFINE_CLEANUP(Units *, units_free)

static Question *question_free(Question *q) {
        if (!q)
                return NULL;
        sd_bus_slot_unref(q->slot);
        unit_text_free(q->text);
        free(q);
        return NULL;
}

DEFINE_CLEANUP(Question *, question_free)

static void close_question(Question *q) {
        Units *u = q->units;

        for (size_t i = 0; i < ASKED_MAX; i++)
                if (u->open[i] == q)
                        u->open[i] = NULL;
        u->asked--;
        question_free(q);
}

static bool ends_with(const char *name, const char *suffix) {
        size_t n = strlen(name), m = strlen(suffix);

        return n > m && streq(name + n - m, suffix);
}

static bool is_followed(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(followed); i++)
                if (ends_with(name, followed[i]))
                        return true;
        return false;
}

static int key_of(const UnitText *t, uint8_t ret[KEY_SIZE]) {
        const char *at = strchr(t->name, '@'), *dot = strrchr(t->name, '.');
        _cleanup_(buffer_done) Buffer b = {};
        uint8_t digest[SHA256_SIZE];
        int r;

        if (at && dot && dot > at + 1) {
                buffer_bytes(&b, t->name, (size_t) (at + 1 - t->name));
                buffer_string(&b, dot);
                buffer_u8(&b, 0);
                buffer_bytes(&b, t->digest, SHA256_SIZE);
        } else
                buffer_string(&b, t->name);
        r = buffer_error(&b);
        if (r >= 0)
                r = sha256(b.data, b.size, digest);
        memcpy(ret, digest, KEY_SIZE);
        return r;
}

static void tell_changed(const Units *u, const UnitText *t, const Known *before) {
        UnitSeen seen = { .name = t->name,
                          .fragment = t->fragment,
                          .command = t->command,
                          .transient = t->transient,
                          .stale = t->stale };

        memcpy(seen.digest, t->digest, SHA256_SIZE);
        memcpy(seen.previous, before->digest, SHA256_SIZE);
        u->ops.changed(u->ops.userdata, &seen);
}

/* A unit that finds no room is told of each time: nothing is lost, only repeated. */
static int compare(Units *u, const UnitText *t) {
        uint8_t key[KEY_SIZE];
        Known before = {}, *entry = NULL;
        int r = key_of(t, key);

        if (r < 0)
                return r;
        r = table_put(u->known, key, (void **) &entry);
        if (r >= 0) {
                before = *entry;
                memcpy(entry->digest, t->digest, SHA256_SIZE);
        }
        if (u->listed && (r != 0 || memcmp(before.digest, t->digest, SHA256_SIZE) != 0))
                tell_changed(u, t, &before);
        return 0;
}

static int by_key(const void *a, const void *b) {
        return memcmp(a, b, KEY_SIZE);
}

/* The table in the order of its keys. */
static int digest_of_all(const Units *u, uint8_t ret[SHA256_SIZE]) {
        size_t n = table_size(u->known), position = 0, i = 0;
        _cleanup_free_ Known *all = new0(Known, MAX(n, (size_t) 1));
        const Known *k;

        if (!all)
                return -ENOMEM;
        while ((k = table_next(u->known, &position)) && i < n)
                all[i++] = *k;
        qsort(all, i, sizeof(Known), by_key);
        return sha256(all, i * sizeof(Known), ret);
}

static void level(Units *u, Level level, const char *why) {
        u->told = level == LEVEL_OBSERVE;
        u->ops.level(u->ops.userdata, level, why);
}

static void again_after(Units *u, usec_t delay, sd_event_time_handler_t handler) {
        if (!u->again)
                (void) sd_event_add_time_relative(u->event, &u->again, CLOCK_MONOTONIC, delay, 0, handler, u);
}

static int on_look_later(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        Units *u = userdata;

        u->again = sd_event_source_unref(u->again);
        units_look(u);
        return 0;
}

/* Until everything was asked once more, nothing is claimed. */
static void fail(Units *u, const char *why) {
        u->incomplete = true;
        if (u->connected)
                level(u, LEVEL_OFF, why);
}

/* When nothing is left to ask. */
static void all_asked(Units *u) {
        uint8_t digest[SHA256_SIZE];

        if (!u->connected || u->listing || u->asked > 0 || u->first)
                return;
        if (u->incomplete)
                return again_after(u, LOOK_AGAIN_AFTER, on_look_later);
        if (!u->listed && digest_of_all(u, digest) >= 0) {
                u->listed = true;
                u->ops.listed(u->ops.userdata, table_size(u->known), digest);
        }
        if (u->listed && !u->told)
                level(u, LEVEL_OBSERVE, NULL);
}

static void ask_more(Units *u);

static int work(void *item) {
        const Question *q = item;

        return unit_text_digest(q->text);
}

static void work_done(void *item, int result, int cancelled) {
        Question *q = item;
        Units *u = q->units;

        if (!cancelled && u->connected && (result < 0 || compare(u, q->text) < 0))
                fail(u, "a unit could not be judged");
        close_question(q);
        ask_more(u);
}

static void digest_question(Question *q) {
        q->slot = sd_bus_slot_unref(q->slot);
        (void) background_submit(q->units->background, work, work_done, q);
}

static int get_all(Question *q, const char *interface, sd_bus_message_handler_t handler) {
        _cleanup_free_ char *path = NULL;
        int r;

        q->slot = sd_bus_slot_unref(q->slot);
        r = sd_bus_path_encode(SYSTEMD_PATH "/unit", q->text->name, &path);
        return r < 0 ? r
                     : sd_bus_call_method_async(q->units->bus, &q->slot, SYSTEMD_NAME, path,
                                                "org.freedesktop.DBus.Properties", "GetAll", handler, q, "s",
                                                interface);
}

static void give_up(Question *q) {
        Units *u = q->units;

        close_question(q);
        ask_more(u);
}

/* A unit that is gone in the meantime is no unit. */
static bool is_gone(const sd_bus_message *m) {
        return sd_bus_message_is_method_error((sd_bus_message *) m, "org.freedesktop.DBus.Error.UnknownObject") ||
               sd_bus_message_is_method_error((sd_bus_message *) m, SYSTEMD_NAME ".NoSuchUnit");
}

/* False when nothing can be made of the answer; then the question is over. */
static bool take_answer(Question *q, sd_bus_message *m) {
        bool error = sd_bus_message_is_method_error(m, NULL);

        if (!error && unit_text_take(q->text, m) >= 0)
                return true;
        if (!error || !is_gone(m))
                fail(q->units, "systemd does not answer for every unit");
        give_up(q);
        return false;
}

static int on_service(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Question *q = userdata;

        if (take_answer(q, m))
                digest_question(q);
        return 0;
}

static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Question *q = userdata;

        if (!take_answer(q, m))
                return 0;
        if (!ends_with(q->text->name, ".service"))
                digest_question(q);
        else if (get_all(q, SYSTEMD_NAME ".Service", on_service) < 0) {
                fail(q->units, "systemd cannot be asked");
                give_up(q);
        }
        return 0;
}

static void ask_more(Units *u) {
        while (u->connected && u->first && u->asked < ASKED_MAX) {
                Question *q = u->first;
                size_t i = 0;

                u->first = q->next;
                u->waiting--;
                while (u->open[i])
                        i++;
                u->open[i] = q;
                u->asked++;
                if (get_all(q, SYSTEMD_NAME ".Unit", on_unit) < 0) {
                        fail(u, "systemd cannot be asked");
                        close_question(q);
                }
        }
        all_asked(u);
}

/* One that waits already is asked once. */
static bool waits(const Units *u, const char *name) {
        for (const Question *q = u->first; q; q = q->next)
                if (streq(q->text->name, name))
                        return true;
        return false;
}

static int ask(Units *u, const char *name) {
        _cleanup_(question_freep) Question *q = NULL;
        int r;

        if (!is_followed(name) || waits(u, name))
                return 0;
        if (u->waiting >= UNITS_MAX)
                return -ENOSPC;
        q = new0(Question, 1);
        if (!q)
                return -ENOMEM;
        q->units = u;
        r = unit_text_new(name, &q->text);
        if (r < 0)
                return r;
        if (u->first)
                u->last->next = q;
        else
                u->first = q;
        u->last = TAKE_PTR(q);
        u->waiting++;
        return 0;
}

static int take_list(Units *u, sd_bus_message *m) {
        int r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)"), q = 0;

        while (r >= 0 && (q = sd_bus_message_enter_container(m, 'r', "ssssssouso")) > 0) {
                const char *name = NULL;

                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0)
                        r = ask(u, name);
                if (r >= 0)
                        r = sd_bus_message_skip(m, "sssssouso");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : q;
}

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Units *u = userdata;

        u->listing = false;
        if (sd_bus_message_is_method_error(m, NULL))
                fail(u, "systemd does not list its units");
        else if (take_list(u, m) < 0)
                fail(u, "systemd has more units than can be followed");
        ask_more(u);
        return 0;
}

void units_look(Units *u) {
        if (!u->connected || u->listing)
                return;
        u->incomplete = false;
        u->listing = sd_bus_call_method_async(u->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "ListUnits",
                                              on_list, u, NULL) >= 0;
}

static int on_unit_new(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        const char *name = NULL;
        Units *u = userdata;

        if (sd_bus_message_read(m, "s", &name) < 0 || ask(u, name) < 0)
                fail(u, "systemd makes units faster than they can be read");
        ask_more(u);
        return 0;
}

/* Twice for each reload, before and after; asking twice does no harm. */
static int on_look_again(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        units_look(userdata);
        return 0;
}

static void forget_questions(Units *u) {
        while (u->first) {
                Question *q = u->first;

                u->first = q->next;
                question_free(q);
        }
        u->waiting = 0;
        for (size_t i = 0; i < ASKED_MAX; i++)
                if (u->open[i] && u->open[i]->slot) /* the others are in the background's hands */
                        close_question(u->open[i]);
        u->listing = false;
}

static int units_connect(Units *u);

static int on_connect_again(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        Units *u = userdata;

        u->again = sd_event_source_unref(u->again);
        if (units_connect(u) < 0)
                again_after(u, CONNECT_AGAIN_AFTER, on_connect_again);
        return 0;
}

/* The connection cannot be freed inside its own callback. */
static int on_disconnected(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        Units *u = userdata;

        forget_questions(u);
        u->connected = false;
        level(u, LEVEL_OFF, "the bus is gone");
        u->again = sd_event_source_disable_unref(u->again);
        again_after(u, CONNECT_AGAIN_AFTER, on_connect_again);
        return 0;
}

static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Units *u = userdata;

        if (sd_bus_message_is_method_error(m, NULL))
                level(u, LEVEL_OFF, "systemd is not on the bus");
        else {
                u->connected = true;
                units_look(u);
        }
        return 0;
}

static int listen_to(Units *u, const char *signal, sd_bus_message_handler_t handler) {
        return sd_bus_match_signal_async(u->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, signal, handler,
                                         NULL, u);
}

static int units_connect(Units *u) {
        int r;

        u->bus = sd_bus_close_unref(u->bus);
        r = bus_open(u->event, u->address, on_disconnected, u, &u->bus);
        if (r >= 0)
                r = listen_to(u, "UnitNew", on_unit_new);
        if (r >= 0)
                r = listen_to(u, "Reloading", on_look_again);
        if (r >= 0)
                r = listen_to(u, "UnitFilesChanged", on_look_again);
        return r < 0 ? r
                     : sd_bus_call_method_async(u->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe",
                                                on_subscribed, u, NULL);
}

static int on_background(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        Units *u = userdata;

        background_dispatch(u->background);
        return 0;
}

int units_new(sd_event *event, const char *address, const UnitsOps *ops, Units **ret) {
        _cleanup_(units_freep) Units *u = new0(Units, 1);
        uint8_t seed[16];
        int r;

        if (!u)
                return -ENOMEM;
        u->event = sd_event_ref(event);
        u->ops = *ops;
        r = free_and_strdup(&u->address, address);
        if (r >= 0 && RAND_bytes(seed, sizeof(seed)) != 1)
                r = -EIO;
        if (r >= 0)
                r = table_new(KEY_SIZE, sizeof(Known), UNITS_MAX, seed, &u->known);
        if (r >= 0)
                r = background_new(&u->background);
        if (r >= 0)
                r = sd_event_add_io(event, &u->background_source, background_fd(u->background), EPOLLIN, on_background,
                                    u);
        if (r >= 0)
                r = units_connect(u);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(u);
        return 0;
}

Units *units_free(Units *u) {
        if (!u)
                return NULL;
        sd_event_source_disable_unref(u->again);
        sd_event_source_disable_unref(u->background_source);
        u->connected = false; /* nothing is asked or told any more */
        forget_questions(u);
        u->bus = sd_bus_close_unref(u->bus);
        background_free(u->background);
        table_free(u->known);
        sd_event_unref(u->event);
        free(u->address);
        free(u);
        return NULL;
}
