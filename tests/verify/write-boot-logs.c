/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* write-boot-logs DIRECTORY: simulated firmware logs (firmware-*.bin) and IMA lists (ima-*.bin, and the same in text).
 * write-boot-logs firmware|ima|ima-text BYTES: one log of at least so many bytes on standard output. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/firmware/eventtype.h"
#include "lib/sim/firmware.h"
#include "lib/sim/ima.h"
#include "tests/sample.h"

static void write_file(const char *directory, const char *name, const Buffer *b) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(fclosep) FILE *f = NULL;

        REQUIRE(asprintf(&path, "%s/%s", directory, name) > 0);
        f = fopen(path, "we");
        REQUIRE(f && fwrite(b->data, 1, b->size, f) == b->size && fflush(f) == 0);
}

static void write_firmware(const char *directory) {
        static const char *const boots[] = { "grub", "uki" };

        for (SimBoot boot = 0; boot < _SIM_BOOT_MAX; boot++)
                for (unsigned banks = 1; banks < 16; banks++) {
                        SimFirmware f = sim_firmware_default();
                        _cleanup_(buffer_done) Buffer log = {};
                        char name[64];

                        f.boot = boot;
                        f.banks = (BankSet) banks;
                        f.secure_boot = banks % 2 == 0;
                        f.locality = banks % 3 == 0 ? 3 : -1;
                        REQUIRE(sim_firmware_log(&f, &log) == 0);
                        snprintf(name, sizeof(name), "firmware-%s-%u.bin", boots[boot], banks);
                        write_file(directory, name, &log);
                }
}

static void write_lists(const char *directory) {
        static const char *const templates[] = { "ima",       "ima-ng",  "ima-ngv2", "ima-sig",
                                                 "ima-sigv2", "ima-buf", "evm-sig",  "ima-modsig" };

        for (size_t i = 0; i < ELEMENTSOF(templates); i++)
                for (unsigned every = 0; every < 10; every += 5) {
                        SimIma s = { HASH_SHA1, 10, templates[i], 50, every, NULL };
                        _cleanup_(buffer_done) Buffer list = {}, text = {};
                        char name[64];

                        REQUIRE(sim_ima_list(&s, &list) == 0 && sim_ima_text(&list, HASH_SHA1, &text) == 0);
                        snprintf(name, sizeof(name), "%s%s.bin", templates[i], every ? "-violations" : "");
                        write_file(directory, name, &list);
                        strcpy(name + strlen(name) - 3, "txt");
                        write_file(directory, name, &text);
                }
}

static void put(const Buffer *b) {
        REQUIRE(fwrite(b->data, 1, b->size, stdout) == b->size);
}

/* The same events again and again. */
static void stream_firmware(uint64_t bytes) {
        SimFirmware f = sim_firmware_default();
        _cleanup_(buffer_done) Buffer log = {}, head = {};

        REQUIRE(sim_firmware_log(&f, &log) == 0 && sim_firmware_begin(&head, f.banks) == 0);
        put(&head);
        for (uint64_t n = head.size; n < bytes; n += log.size - head.size)
                put(&(Buffer){ .data = log.data + head.size, .size = log.size - head.size });
}

static void stream_list(uint64_t bytes, bool is_text) {
        SimIma s = { .digests = HASH_SHA1, .pcr = 10, .entries = 1000, .violate_every = 100 };
        _cleanup_(buffer_done) Buffer list = {}, text = {};

        REQUIRE(sim_ima_list(&s, &list) == 0 && sim_ima_text(&list, HASH_SHA1, &text) == 0);
        for (uint64_t n = 0; n < bytes; n += is_text ? text.size : list.size)
                put(is_text ? &text : &list);
}

int main(int argc, char **argv) {
        if (argc == 2) {
                write_firmware(argv[1]);
                write_lists(argv[1]);
                return 0;
        }
        REQUIRE(argc == 3);
        if (streq(argv[1], "firmware"))
                stream_firmware(strtoull(argv[2], NULL, 10));
        else
                stream_list(strtoull(argv[2], NULL, 10), streq(argv[1], "ima-text"));
        return fflush(stdout) == 0 ? 0 : 1;
}
