/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the bus front end's own files share. */

#include <systemd/sd-bus.h>

#include "dbus/bus.h"

enum { BUS_REQUESTS_MAX = 64, BUS_ITEMS_MAX = 64 };
#define POLKIT_TIMEOUT (120 * USEC_PER_SEC) /* somebody may be asked for a password */

struct Bus {
        sd_event *event;
        sd_bus *bus; /* NULL between two connections */
        sd_event_source *reconnect;
        char *address;
        BusOps ops;
        unsigned asking; /* polkit, about callers */
        uint64_t next_id;
        struct {
                uint64_t id; /* 0: free */
                BusRequestType type;
                sd_bus_message *message;
        } requests[BUS_REQUESTS_MAX];
};

/* vtable.c; the object's userdata is the Bus. */
extern const sd_bus_vtable manager_vtable[];

/* method.c: the handler of every method. Asks the bus who calls, and goes on when that is known to be root. */
int on_method(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* A list of the reasons' names in the message. */
int append_reasons(sd_bus_message *m, unsigned reasons);
