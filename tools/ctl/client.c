/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Talking to the daemon, and saying why it did not work. */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dbus/names.h"
#include "lib/base/cleanup.h"
#include "lib/io/file.h"
#include "tools/ctl/ctl.h"

int ctl_write_file(const char *directory, const char *name, const void *data, size_t n) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        return file_write_atomic(AT_FDCWD, path, 0600, data, n);
}

int ctl_fail(const Ctl *c, int code, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return code;
        fprintf(stderr, "sealwatchctl: %s\n", text);
        if (c->json) {
                json_auto_t *object = json_pack("{s:s}", "error", text);

                if (object && json_dumpf(object, stdout, JSON_COMPACT) >= 0)
                        putchar('\n');
        }
        return code;
}

int ctl_connect(const Ctl *c, sd_bus **ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        if (c->bus_address) {
                r = sd_bus_new(&bus);
                if (r >= 0)
                        r = sd_bus_set_address(bus, c->bus_address);
                if (r >= 0)
                        r = sd_bus_set_bus_client(bus, 1);
                if (r >= 0)
                        r = sd_bus_start(bus);
        } else
                r = sd_bus_open_system(&bus);
        if (r < 0)
                return ctl_fail(c, CTL_UNREACHABLE, "cannot reach the message bus: %s", strerror(-r));
        *ret = TAKE_PTR(bus);
        return 0;
}

int ctl_call_failed(const Ctl *c, const char *what, const sd_bus_error *error, int r) {
        static const struct {
                const char *name;
                int code;
        } codes[] = {
                { SD_BUS_ERROR_ACCESS_DENIED, CTL_NOT_PERMITTED },
                { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, CTL_NOT_PERMITTED },
                { SD_BUS_ERROR_SERVICE_UNKNOWN, CTL_UNREACHABLE },
                { SD_BUS_ERROR_NAME_HAS_NO_OWNER, CTL_UNREACHABLE },
                { SD_BUS_ERROR_NO_REPLY, CTL_UNREACHABLE },
                { SD_BUS_ERROR_DISCONNECTED, CTL_UNREACHABLE },
                { SEALWATCH_ERROR_INVALID, CTL_USAGE },
        };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (sd_bus_error_has_name(error, codes[i].name))
                        return ctl_fail(c, codes[i].code, "%s: %s", what,
                                        codes[i].code == CTL_UNREACHABLE ? "sealwatchd is not running"
                                                                         : error->message);
        if (!sd_bus_error_is_set(error))
                return ctl_fail(c, CTL_UNREACHABLE, "%s: %s", what, strerror(-r));
        return ctl_fail(c, CTL_NO, "%s: %s", what, error->message);
}

int ctl_call(const Ctl *c, sd_bus *bus, const char *method, sd_bus_message **ret_reply, const char *types, ...) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list ap;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE,
                                           method);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, 1);
        va_start(ap, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, ret_reply);
        return r < 0 ? ctl_call_failed(c, method, &error, r) : 0;
}
