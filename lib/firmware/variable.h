/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UEFI_VARIABLE_DATA (TCG PC Client Platform Firmware Profile 1.06, section 10.2.6), little endian:
 *
 *   16 bytes GUID | u64 length of the name in characters | u64 length of the contents in bytes | name, UTF-16, no NUL |
 *   contents */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pointers lead into the event's data. */
typedef struct UefiVariable {
        const uint8_t *guid; /* 16 bytes */
        const uint8_t *name; /* UTF-16 */
        size_t name_size;    /* bytes */
        const uint8_t *data;
        size_t size;
        size_t trailing; /* bytes behind the contents; shim before version 15.3 puts some there */
} UefiVariable;

/* False when the data are too short for what they say. */
bool uefi_variable_parse(const uint8_t *data, size_t n, UefiVariable *ret);

/* Compares with a name in ASCII and a GUID in the order of its bytes. */
bool uefi_variable_is(const UefiVariable *v, const uint8_t guid[16], const char *name);

extern const uint8_t uefi_guid_global[16]; /* EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c */
extern const uint8_t uefi_guid_shim[16];   /* of shim's variables, 605dab50-e046-4300-abb6-3dd810dd8b23 */
