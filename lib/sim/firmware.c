/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Firmware logs of boots that never happened, in the order and with the habits of real ones. */

#include "lib/sim/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/firmware/eventtype.h"
#include "lib/firmware/variable.h"

/* A log being written: the first failure sticks. */
typedef struct Writer {
        Buffer *log;
        BankSet banks;
        int error;
} Writer;

static const uint8_t guid_db[16] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                     0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };

SimFirmware sim_firmware_default(void) {
        return (SimFirmware){
                .boot = SIM_BOOT_GRUB,
                .banks = bank(HASH_SHA1) | bank(HASH_SHA256) | bank(HASH_SHA384),
                .secure_boot = true,
                .locality = -1,
                .sbat = 2024040900,
                .command_line = "root=/dev/vda2 ro quiet",
        };
}

static unsigned count_banks(BankSet banks) {
        return (unsigned) __builtin_popcount(banks);
}

int sim_firmware_begin(Buffer *log, BankSet banks) {
        static const uint8_t zeros[SHA1_SIZE];

        buffer_u32le(log, 0);
        buffer_u32le(log, EV_NO_ACTION);
        buffer_bytes(log, zeros, sizeof(zeros));
        buffer_u32le(log, 16 + 4 + 4 + 4 + 4 * count_banks(banks) + 1);
        buffer_bytes(log, "Spec ID Event03", 16);
        buffer_u32le(log, 0);
        buffer_bytes(log, "\0\2\0\2", 4); /* version 2.0, errata 0, 64-bit */
        buffer_u32le(log, count_banks(banks));
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (banks & bank(alg)) {
                        buffer_u16le(log, hash_tpm_id(alg));
                        buffer_u16le(log, (uint16_t) hash_size(alg));
                }
        buffer_u8(log, 0);
        return buffer_error(log);
}

static void put_event(Buffer *log, uint32_t pcr, uint32_t type, const BankDigests *digests, const void *data,
                      size_t size) {
        buffer_u32le(log, pcr);
        buffer_u32le(log, type);
        buffer_u32le(log, count_banks(digests->banks));
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (digests->banks & bank(alg)) {
                        buffer_u16le(log, hash_tpm_id(alg));
                        buffer_bytes(log, digests->values[alg], hash_size(alg));
                }
        buffer_u32le(log, (uint32_t) size);
        buffer_bytes(log, data, size);
}

int sim_firmware_event(Buffer *log, BankSet banks, uint32_t pcr, uint32_t type, const void *measured,
                       size_t measured_size, const void *data, size_t size) {
        BankDigests digests;
        int r = bank_digests_hash(banks, measured, measured_size, &digests);

        if (r < 0)
                return r;
        put_event(log, pcr, type, &digests, data, size);
        return buffer_error(log);
}

void sim_firmware_no_action(Buffer *log, BankSet banks, const void *data, size_t size) {
        BankDigests zero = bank_digests_zero(banks);

        put_event(log, 0, EV_NO_ACTION, &zero, data, size);
}

void sim_variable(Buffer *b, const uint8_t guid[16], const char *name, const void *data, size_t size) {
        buffer_bytes(b, guid, 16);
        buffer_u64le(b, strlen(name));
        buffer_u64le(b, size);
        for (; *name; name++)
                buffer_u16le(b, (uint8_t) *name);
        buffer_bytes(b, data, size);
}

static void event(Writer *w, uint32_t pcr, uint32_t type, const void *measured, size_t measured_size, const void *data,
                  size_t size) {
        if (w->error == 0)
                w->error = sim_firmware_event(w->log, w->banks, pcr, type, measured, measured_size, data, size);
}

/* An event that says what it measures. */
static void says(Writer *w, uint32_t pcr, uint32_t type, const void *data, size_t size) {
        event(w, pcr, type, data, size, data, size);
}

static void text(Writer *w, uint32_t pcr, uint32_t type, const char *s) {
        says(w, pcr, type, s, strlen(s));
}

static void variable(Writer *w, uint32_t pcr, uint32_t type, const uint8_t guid[16], const char *name,
                     const void *data, size_t size) {
        _cleanup_(buffer_done) Buffer b = {};

        sim_variable(&b, guid, name, data, size);
        if (buffer_error(&b) < 0)
                w->error = -ENOMEM;
        else if (type == EV_EFI_VARIABLE_BOOT)
                event(w, pcr, type, data, size, b.data, b.size);
        else
                says(w, pcr, type, b.data, b.size);
}

static void separator(Writer *w, uint32_t pcr) {
        says(w, pcr, EV_SEPARATOR, "\0\0\0", 4);
}

/* UEFI_IMAGE_LOAD_EVENT with an empty device path; the digest is of something else. */
static void image(Writer *w, const char *measured) {
        static const uint8_t load[32];

        event(w, 4, EV_EFI_BOOT_SERVICES_APPLICATION, measured, strlen(measured), load, sizeof(load));
}

/* GRUB: a label and a text, of which the text is measured. */
static void labelled(Writer *w, const char *label, const char *measured) {
        char data[1024];
        int n = snprintf(data, sizeof(data), "%s: %s", label, measured);

        event(w, 8, EV_IPL, measured, strlen(measured), data, MIN((size_t) n, sizeof(data) - 1) + 1);
}

static void file(Writer *w, const char *path, const char *measured) {
        event(w, 9, EV_IPL, measured, strlen(measured), path, strlen(path) + 1);
}

static void platform(Writer *w, const SimFirmware *f) {
        static const char *const keys[] = { "PK", "KEK" };
        uint8_t locality[17] = "StartupLocality", on = f->secure_boot;
        uint8_t gpt[92 + 8] = "EFI PART"; /* a header, and no partitions behind it */

        if (f->locality >= 0) {
                locality[16] = (uint8_t) f->locality;
                sim_firmware_no_action(w->log, w->banks, locality, sizeof(locality));
        }
        says(w, 0, EV_S_CRTM_VERSION, "1\0.\0000\0\0", 8);
        event(w, 0, EV_EFI_PLATFORM_FIRMWARE_BLOB, "firmware", 8, "\0\0\202\0\0\0\0\0\0\0\16\0\0\0\0", 16);
        if (f->debugger)
                text(w, 7, EV_EFI_ACTION, "UEFI Debug Mode");
        variable(w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, uefi_guid_global, "SecureBoot", &on, 1);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                variable(w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, uefi_guid_global, keys[i], "key", 3);
        variable(w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, guid_db, "db", "certificate", 11);
        variable(w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, guid_db, "dbx", NULL, 0);
        separator(w, 7);
        variable(w, 1, EV_EFI_VARIABLE_BOOT, uefi_guid_global, "BootOrder", "\1", 2);
        text(w, 4, EV_EFI_ACTION, "Calling EFI Application from Boot Option");
        for (uint32_t pcr = 0; pcr < 7; pcr++)
                separator(w, pcr);
        says(w, 5, EV_EFI_GPT_EVENT, gpt, sizeof(gpt));
}

static void boot_grub(Writer *w, const SimFirmware *f) {
        char sbat[64], command_line[512];
        int n = snprintf(sbat, sizeof(sbat), "sbat,1,%llu\nshim,4\n", (unsigned long long) f->sbat);

        image(w, SIM_SHIM);
        event(w, 14, EV_IPL, "keys", 4, "MokList", 8);
        variable(w, 7, EV_EFI_VARIABLE_AUTHORITY, uefi_guid_shim, "SbatLevel", sbat, (size_t) n);
        variable(w, 7, EV_EFI_VARIABLE_AUTHORITY, guid_db, "db", "certificate", 11);
        image(w, SIM_GRUB);
        file(w, "(hd0,gpt1)/boot/grub/grub.cfg", "set default=0");
        labelled(w, "grub_cmd", "set default=0");
        file(w, "/boot/vmlinuz", SIM_KERNEL);
        snprintf(command_line, sizeof(command_line), "/boot/vmlinuz %s", f->command_line);
        labelled(w, "kernel_cmdline", command_line);
        file(w, "/boot/initrd.img", SIM_INITRD);
        labelled(w, "grub_cmd", "boot");
}

static void section(Writer *w, const char *name, const char *measured) {
        _cleanup_(buffer_done) Buffer wide = {};

        for (const char *p = name; *p; p++)
                buffer_u16le(&wide, (uint8_t) *p);
        buffer_u16le(&wide, 0);
        event(w, 11, EV_IPL, name, strlen(name) + 1, wide.data, wide.size);
        event(w, 11, EV_IPL, measured, strlen(measured), wide.data, wide.size);
}

static void boot_uki(Writer *w, const SimFirmware *f) {
        _cleanup_(buffer_done) Buffer wide = {};

        image(w, "simulated systemd-boot");
        image(w, "simulated UKI");
        section(w, ".linux", SIM_KERNEL);
        section(w, ".cmdline", f->command_line);
        section(w, ".initrd", SIM_INITRD);
        for (const char *p = f->command_line; *p; p++)
                buffer_u16le(&wide, (uint8_t) *p);
        buffer_u16le(&wide, 0);
        says(w, 12, EV_IPL, wide.data, wide.size);
        image(w, SIM_KERNEL);
        event(w, 9, EV_EVENT_TAG, SIM_INITRD, strlen(SIM_INITRD), "\xec\";\x8f\x0d\0\0\0Linux initrd", 21);
}

int sim_firmware_log(const SimFirmware *f, Buffer *log) {
        Writer w = { log, f->banks, sim_firmware_begin(log, f->banks) };

        platform(&w, f);
        if (f->boot == SIM_BOOT_GRUB)
                boot_grub(&w, f);
        else
                boot_uki(&w, f);
        text(&w, 5, EV_EFI_ACTION, "Exit Boot Services Invocation");
        text(&w, 5, EV_EFI_ACTION, "Exit Boot Services Returned with Success");
        return w.error < 0 ? w.error : buffer_error(log);
}
