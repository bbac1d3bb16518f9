/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection: made when there is a bus, made again when it was lost. */

#include "dbus/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "dbus/bus-internal.h"
#include "dbus/names.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/bus.h"
#include "lib/pcrfile.h"

DEFINE_CLEANUP(Bus *, bus_free)

#define RECONNECT_AFTER USEC_PER_SEC
enum { FLUSH_AT_MOST_MS = 500 };

static int bus_connect(Bus *b);

static void drop_requests(Bus *b) {
        for (size_t i = 0; i < BUS_REQUESTS_MAX; i++) {
                sd_bus_message_unref(b->requests[i].message);
                b->requests[i].message = NULL;
                b->requests[i].id = 0;
        }
}

static int on_reconnect(sd_event_source *s, uint64_t usec, void *userdata);

static void reconnect_later(Bus *b) {
        if (!b->reconnect)
                (void) sd_event_add_time_relative(b->event, &b->reconnect, CLOCK_MONOTONIC, RECONNECT_AFTER, 0,
                                                  on_reconnect, b);
}

static int on_reconnect(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        Bus *b = userdata;

        b->reconnect = sd_event_source_unref(b->reconnect);
        if (bus_connect(b) < 0) /* else it watches for the socket by itself from here on */
                reconnect_later(b);
        return 0;
}

/* In an event of its own: the connection cannot be freed inside its own callback. */
static int on_disconnected(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        Bus *b = userdata;

        b->ops.gone(b->ops.userdata);
        drop_requests(b);
        reconnect_later(b);
        return 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Bus *b = userdata;

        if (sd_bus_message_is_method_error(m, NULL))
                b->ops.gone(b->ops.userdata); /* somebody else has the name, or the bus policy is missing */
        return 0;
}

static int bus_connect(Bus *b) {
        int r;

        b->bus = sd_bus_close_unref(b->bus);
        r = bus_open(b->event, b->address, on_disconnected, b, &b->bus);
        if (r >= 0)
                r = sd_bus_add_object_vtable(b->bus, NULL, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, manager_vtable,
                                             b);
        if (r >= 0)
                r = sd_bus_request_name_async(b->bus, NULL, SEALWATCH_BUS_NAME, 0, on_name, b);
        return r;
}

int bus_new(sd_event *event, const char *address, const BusOps *ops, Bus **ret) {
        _cleanup_(bus_freep) Bus *b = new0(Bus, 1);
        int r;

        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->ops = *ops;
        r = free_and_strdup(&b->address, address);
        if (r >= 0)
                r = bus_connect(b);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

/* Last answers go out, unless the bus stands still: the daemon must be able to end all the same. */
static void disconnect(Bus *b) {
        struct pollfd p = { .fd = b->bus ? sd_bus_get_fd(b->bus) : -1, .events = POLLOUT };
        uint64_t queued = 0;

        if (p.fd < 0 || sd_bus_is_ready(b->bus) <= 0 || sd_bus_get_n_queued_write(b->bus, &queued) < 0 ||
            (queued > 0 && poll(&p, 1, FLUSH_AT_MOST_MS) <= 0))
                b->bus = sd_bus_close_unref(b->bus);
        else
                b->bus = sd_bus_flush_close_unref(b->bus);
}

Bus *bus_free(Bus *b) {
        if (!b)
                return NULL;
        drop_requests(b);
        sd_event_source_disable_unref(b->reconnect);
        disconnect(b);
        sd_event_unref(b->event);
        free(b->address);
        free(b);
        return NULL;
}

static int append_pcrs(sd_bus_message *m, const PcrValues *pcrs) {
        int r = sd_bus_message_open_container(m, 'a', "(ss)");

        for (HashAlg alg = 0; r >= 0 && alg < _HASH_MAX; alg++) {
                _cleanup_free_ char *text = NULL;

                if (!(pcrs->banks & bank(alg)))
                        continue;
                text = pcrfile_format(pcrs, alg);
                r = text ? sd_bus_message_append(m, "(ss)", hash_name(alg), text) : -ENOMEM;
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_pairs(sd_bus_message *m, const BusPair *pairs) {
        int r = sd_bus_message_open_container(m, 'a', "{ss}");

        for (; r >= 0 && pairs->name; pairs++)
                r = sd_bus_message_append(m, "{ss}", pairs->name, pairs->text);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_drill(sd_bus_message *m, const BusReply *reply) {
        int r = sd_bus_message_append(m, "st", reply->texts[0], reply->size);

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(reply->pairs); i++)
                r = append_pairs(m, reply->pairs[i]);
        return r;
}

static int send_reply(sd_bus_message *request, BusRequestType type, const BusReply *reply) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (reply->error)
                return sd_bus_reply_method_errorf(request, reply->error, "%s", reply->message);
        r = sd_bus_message_new_method_return(request, &m);
        if (r >= 0 && type == BUS_ATTEST)
                r = sd_bus_message_append(m, "ss", reply->texts[0], reply->texts[1]);
        if (r >= 0 && type == BUS_DRILL)
                r = append_drill(m, reply);
        if (r >= 0 && (type == BUS_RELEASE || type == BUS_EVIDENCE))
                r = sd_bus_message_append(m, "h", reply->fd);
        if (r >= 0 && type == BUS_SNAPSHOT) {
                r = sd_bus_message_append(m, "ht", reply->fd, reply->size);
                if (r >= 0)
                        r = append_pcrs(m, reply->pcrs);
        }
        return r < 0 ? r : sd_bus_message_send(m);
}

void bus_reply(Bus *b, uint64_t id, const BusReply *reply) {
        for (size_t i = 0; i < BUS_REQUESTS_MAX; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *request = NULL;
                int r;

                if (id == 0 || b->requests[i].id != id)
                        continue;
                request = TAKE_PTR(b->requests[i].message);
                b->requests[i].id = 0;
                r = send_reply(request, b->requests[i].type, reply);
                if (r < 0)
                        (void) sd_bus_reply_method_errno(request, r, NULL);
        }
}

/* Signals are sent on a best-effort basis: the log has it all. */

void bus_state_changed(Bus *b, State from, State to, unsigned reasons) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (sd_bus_message_new_signal(b->bus, &m, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "StateChanged") >= 0 &&
            sd_bus_message_append(m, "ss", state_names[from], state_names[to]) >= 0 && append_reasons(m, reasons) >= 0)
                (void) sd_bus_send(b->bus, m, NULL);
        (void) sd_bus_emit_properties_changed(b->bus, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "State", "Reasons",
                                              NULL);
}

void bus_violation(Bus *b, uint64_t seq, const char *kind, const char *json) {
        (void) sd_bus_emit_signal(b->bus, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "Violation", "tss", seq, kind,
                                  json);
}

void bus_events_anchored(Bus *b, uint64_t count) {
        (void) sd_bus_emit_signal(b->bus, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "EventsAnchored", "t", count);
}

void bus_levels_changed(Bus *b) {
        (void) sd_bus_emit_properties_changed(b->bus, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "Levels", "Mode",
                                              NULL);
}

void bus_attestation_changed(Bus *b) {
        (void) sd_bus_emit_properties_changed(b->bus, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "Attestation",
                                              NULL);
}
