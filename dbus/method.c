/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods: who calls, what is asked, and the answers that need no wait. */

#include <errno.h>

#include "dbus/bus-internal.h"
#include "dbus/names.h"
#include "lib/base/cleanup.h"

/* A call whose caller is not known yet. */
typedef struct Call {
        Bus *bus;
        sd_bus_message *message;
} Call;

static void call_free(void *userdata) {
        Call *c = userdata;

        sd_bus_message_unref(c->message);
        free(c);
}

static int append_event(void *sink, uint64_t seq, const char *kind, const char *json) {
        return sd_bus_message_append(sink, "(tss)", seq, kind, json);
}

static int append_secret(void *sink, const char *name, const char *state) {
        return sd_bus_message_append(sink, "(ss)", name, state);
}

static int list_events(Bus *b, sd_bus_message *m) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t since;
        uint32_t max;
        int r;

        r = sd_bus_message_read(m, "tu", &since, &max);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(tss)");
        if (r >= 0)
                r = b->ops.list_events(b->ops.userdata, since, MIN(max, (uint32_t) LIST_EVENTS_MAX), append_event,
                                       reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static int list_secrets(Bus *b, sd_bus_message *m) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ss)");
        if (r >= 0)
                r = b->ops.list_secrets(b->ops.userdata, append_secret, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

/* The requests that the daemon answers later. */
static const struct {
        const char *member, *signature;
        BusRequestType type;
} later[] = {
        { "SealSecret", "sh", BUS_SEAL }, { "ReleaseSecret", "s", BUS_RELEASE },
        { "Lock", "s", BUS_LOCK },        { "Detach", "s", BUS_DETACH },
        { "Reload", "", BUS_RELOAD },     { "Snapshot", "", BUS_SNAPSHOT },
        { "Attest", "ay", BUS_ATTEST },   { "GetEvidence", "aytt", BUS_EVIDENCE },
};

static int ask_later(Bus *b, sd_bus_message *m, size_t which, uint32_t uid, uint32_t pid) {
        BusRequest request = { .type = later[which].type, .fd = -1, .uid = uid, .pid = pid, .name = "" };
        int r = 0;

        if (later[which].signature[0] == 's')
                r = sd_bus_message_read(m, later[which].signature, &request.name, &request.fd);
        else if (later[which].signature[0] == 'a')
                r = sd_bus_message_read_array(m, 'y', &request.nonce, &request.nonce_size);
        if (r >= 0 && request.type == BUS_EVIDENCE)
                r = sd_bus_message_read(m, "tt", &request.since, &request.ima_since);
        if (r < 0)
                return r;
        for (size_t i = 0; i < BUS_REQUESTS_MAX; i++) {
                if (b->requests[i].id != 0)
                        continue;
                request.id = b->requests[i].id = ++b->next_id;
                b->requests[i].type = request.type;
                b->requests[i].message = sd_bus_message_ref(m);
                b->ops.request(b->ops.userdata, &request);
                return 0;
        }
        return sd_bus_reply_method_errorf(m, SEALWATCH_ERROR_BUSY, "too many requests at once");
}

static int run_method(Bus *b, sd_bus_message *m, uint32_t uid, uint32_t pid) {
        const char *member = sd_bus_message_get_member(m);

        if (streq(member, "ListEvents"))
                return list_events(b, m);
        if (streq(member, "ListSecrets"))
                return list_secrets(b, m);
        for (size_t i = 0; i < ELEMENTSOF(later); i++)
                if (streq(later[i].member, member))
                        return ask_later(b, m, i, uid, pid);
        return -EOPNOTSUPP;
}

/* Reads a{sv} for UnixUserID and ProcessID. */
static int read_credentials(sd_bus_message *reply, uint32_t *ret_uid, uint32_t *ret_pid) {
        const char *key;
        int r;

        *ret_uid = UINT32_MAX;
        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &key);
                if (r >= 0 && streq(key, "UnixUserID"))
                        r = sd_bus_message_read(reply, "v", "u", ret_uid);
                else if (r >= 0 && streq(key, "ProcessID"))
                        r = sd_bus_message_read(reply, "v", "u", ret_pid);
                else if (r >= 0)
                        r = sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_) {
        const Call *c = userdata;
        uint32_t uid = UINT32_MAX, pid = 0;
        int r;

        if (sd_bus_message_is_method_error(reply, NULL) || read_credentials(reply, &uid, &pid) < 0 || uid != 0)
                return sd_bus_reply_method_errorf(c->message, SD_BUS_ERROR_ACCESS_DENIED, "only root may do this");
        r = run_method(c->bus, c->message, uid, pid);
        return r < 0 ? sd_bus_reply_method_errno(c->message, r, NULL) : 0;
}

int on_method(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        Bus *b = userdata;
        Call *c = calloc(1, sizeof(Call));
        int r;

        if (!c)
                return -ENOMEM;
        *c = (Call){ .bus = b, .message = sd_bus_message_ref(m) };
        r = sd_bus_call_method_async(b->bus, &slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionCredentials", on_credentials, c, "s",
                                     sd_bus_message_get_sender(m));
        if (r < 0) {
                call_free(c);
                return r;
        }
        sd_bus_slot_set_userdata(slot, c);
        sd_bus_slot_set_destroy_callback(slot, call_free);
        sd_bus_slot_set_floating(slot, 1); /* the bus owns it until the answer */
        return 1;
}
