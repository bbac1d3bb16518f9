/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection to the system's message bus, which need not be there yet. */

#include "lib/io/bus.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"

static int set_address(sd_bus *bus, const char *address) {
        if (!address)
                address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        return sd_bus_set_address(bus, address ? address : "unix:path=/run/dbus/system_bus_socket");
}

int bus_open(sd_event *event, const char *address, sd_bus_message_handler_t on_lost, void *userdata, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);

        if (r >= 0)
                r = set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, 1);
        if (r >= 0)
                r = sd_bus_set_watch_bind(bus, 1);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, 1);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                              "org.freedesktop.DBus.Local", "Disconnected", on_lost, NULL, userdata);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}
