/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* seal-raw ADDRESS NAME BYTES sealed|open: hands the daemon a secret of so many bytes without any of the client's checks.
 * "open" leaves the memory file unsealed. Prints what the daemon answers; exit code 0 when it took the secret. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "dbus/names.h"

static int memory_file(off_t size, int is_sealed) {
        int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0 || ftruncate(fd, size) < 0)
                return -1;
        if (is_sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
                return -1;
        return fd;
}

int main(int argc, char **argv) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus *bus = NULL;
        int fd, r;

        if (argc != 5)
                return 2;
        fd = memory_file(atol(argv[3]), strcmp(argv[4], "sealed") == 0);
        if (fd < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, argv[1]) < 0 ||
            sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0)
                return 2;
        r = sd_bus_call_method(bus, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE, "SealSecret",
                               &error, NULL, "sh", argv[2], fd);
        printf("%s\n", r < 0 ? error.message : "taken");
        sd_bus_error_free(&error);
        sd_bus_flush_close_unref(bus);
        close(fd);
        return r < 0;
}
