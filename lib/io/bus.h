/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* Begins to connect to a message bus, when its socket is there, and has an event loop serve the connection. address: NULL for
 * $DBUS_SYSTEM_BUS_ADDRESS, else for the system's own. on_lost is called, in a callback of the connection itself (do not free
 * it there), once an existing one has gone. 0 with *ret owned by the caller, who closes it before it begins another one; or a
 * negative errno. */
int bus_open(sd_event *event, const char *address, sd_bus_message_handler_t on_lost, void *userdata, sd_bus **ret);
