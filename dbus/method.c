/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods: who calls, whether he may, what is asked, and the answers that need no wait. */

#include <errno.h>

#include "dbus/bus-internal.h"
#include "dbus/names.h"
#include "lib/base/cleanup.h"

/* A call whose caller is not known yet, or not authorized. */
typedef struct Call {
        Bus *bus;
        sd_bus_message *message;
        uint32_t uid, pid;
        const char *action; /* polkit is asked; NULL: it is not */
} Call;

static void call_free(void *userdata) {
        Call *c = userdata;

        if (c->action)
                c->bus->asking--;
        sd_bus_message_unref(c->message);
        free(c);
}

/* Hands the call over to a question to another service. */
static int wait_for(Call *c, sd_bus_slot *slot) {
        sd_bus_slot_set_userdata(slot, c);
        sd_bus_slot_set_destroy_callback(slot, call_free);
        return sd_bus_slot_set_floating(slot, 1); /* the bus owns it until the answer */
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
        { "SealSecret", "sh", BUS_SEAL },
        { "ReleaseSecret", "s", BUS_RELEASE },
        { "Lock", "s", BUS_LOCK },
        { "Detach", "s", BUS_DETACH },
        { "Reload", "", BUS_RELOAD },
        { "Snapshot", "", BUS_SNAPSHOT },
        { "Attest", "ay", BUS_ATTEST },
        { "GetEvidence", "aytt", BUS_EVIDENCE },
        { "BeginDrill", "a{su}", BUS_DRILL },
        { "EndDrill", "s", BUS_DRILL_END },
};

/* Names are borrowed from the message. */
static int read_items(sd_bus_message *m, BusDrillItem ret[BUS_ITEMS_MAX], size_t *ret_size) {
        BusDrillItem item;
        int r = sd_bus_message_enter_container(m, 'a', "{su}");

        *ret_size = 0;
        while (r >= 0 && (r = sd_bus_message_read(m, "{su}", &item.name, &item.pid)) > 0) {
                if (*ret_size == BUS_ITEMS_MAX)
                        return -E2BIG;
                ret[(*ret_size)++] = item;
        }
        return r;
}

static int ask_later(Bus *b, sd_bus_message *m, size_t which, uint32_t uid, uint32_t pid) {
        BusRequest request = { .type = later[which].type, .fd = -1, .uid = uid, .pid = pid, .name = "" };
        BusDrillItem items[BUS_ITEMS_MAX];
        int r = 0;

        if (later[which].signature[0] == 's')
                r = sd_bus_message_read(m, later[which].signature, &request.name, &request.fd);
        else if (request.type == BUS_DRILL) {
                r = read_items(m, items, &request.items_size);
                request.items = items;
        } else if (later[which].signature[0] == 'a')
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

static int forbid(sd_bus_message *m) {
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED,
                                          "only root may do this, or whom polkit authorizes");
}

/* What others than root may be authorized to do; org.sealwatch1.policy says by whom. */
static const struct {
        const char *member, *action;
} actions[] = {
        { "ListEvents", "org.sealwatch1.inspect" },    { "ListSecrets", "org.sealwatch1.inspect" },
        { "Snapshot", "org.sealwatch1.inspect" },      { "Attest", "org.sealwatch1.attest" },
        { "GetEvidence", "org.sealwatch1.attest" },    { "Lock", "org.sealwatch1.lock" },
        { "Reload", "org.sealwatch1.reload" },         { "SealSecret", "org.sealwatch1.seal" },
        { "ReleaseSecret", "org.sealwatch1.release" },
};

static const char *action_of(const char *member) {
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (streq(actions[i].member, member))
                        return actions[i].action;
        return NULL;
}

static int on_authorization(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_) {
        const Call *c = userdata;
        int authorized = 0, challenge = 0, r;

        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                return forbid(c->message);
        if (!authorized && challenge)
                return sd_bus_reply_method_errorf(c->message, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                                  "polkit wants to ask somebody first");
        if (!authorized)
                return forbid(c->message);
        r = run_method(c->bus, c->message, c->uid, c->pid);
        return r < 0 ? sd_bus_reply_method_errno(c->message, r, NULL) : 0;
}

/* By the caller's name on the bus, which nobody else is ever given. */
static int ask_polkit(const Call *known) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Bus *b = known->bus;
        Call *c;
        int r;

        if (!known->action)
                return forbid(known->message);
        if (b->asking >= BUS_REQUESTS_MAX)
                return sd_bus_reply_method_errorf(known->message, SEALWATCH_ERROR_BUSY, "too many requests at once");
        r = sd_bus_message_new_method_call(b->bus, &m, "org.freedesktop.PolicyKit1",
                                           "/org/freedesktop/PolicyKit1/Authority",
                                           "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                        sd_bus_message_get_sender(known->message), known->action, 0,
                        (uint32_t) (sd_bus_message_get_allow_interactive_authorization(known->message) > 0), "");
        c = r < 0 ? NULL : calloc(1, sizeof(Call));
        if (!c)
                return r < 0 ? r : -ENOMEM;
        *c = *known;
        sd_bus_message_ref(c->message);
        b->asking++;
        r = sd_bus_call_async(b->bus, &slot, m, on_authorization, c, POLKIT_TIMEOUT);
        if (r < 0) {
                call_free(c);
                return r;
        }
        return wait_for(c, slot);
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_) {
        const Call *c = userdata;
        Call known = *c;
        int r;

        if (sd_bus_message_is_method_error(reply, NULL) || read_credentials(reply, &known.uid, &known.pid) < 0 ||
            known.uid == UINT32_MAX)
                return forbid(c->message);
        known.action = known.uid == 0 ? NULL : action_of(sd_bus_message_get_member(c->message));
        r = known.uid == 0 ? run_method(c->bus, c->message, known.uid, known.pid) : ask_polkit(&known);
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
        r = wait_for(c, slot);
        return r < 0 ? r : 1;
}
