/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Variables in the firmware's log. */

#include "lib/firmware/variable.h"

#include <string.h>

#include "lib/base/bytes.h"

const uint8_t uefi_guid_global[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                       0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
const uint8_t uefi_guid_shim[16] = { 0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43,
                                     0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23 };

bool uefi_variable_parse(const uint8_t *data, size_t n, UefiVariable *ret) {
        Reader r = reader_new(data, n);
        UefiVariable v = {};
        uint64_t name, size;

        v.guid = reader_bytes(&r, 16);
        name = reader_u64le(&r);
        size = reader_u64le(&r);
        if (r.failed || name > n / 2 || size > n)
                return false;
        v.name_size = 2 * (size_t) name;
        v.size = (size_t) size;
        v.name = reader_bytes(&r, v.name_size);
        v.data = reader_bytes(&r, v.size);
        if (r.failed)
                return false;
        v.trailing = reader_left(&r);
        *ret = v;
        return true;
}

bool uefi_variable_is(const UefiVariable *v, const uint8_t guid[16], const char *name) {
        size_t n = strlen(name);

        if (memcmp(v->guid, guid, 16) != 0 || v->name_size != 2 * n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (v->name[2 * i] != (uint8_t) name[i] || v->name[2 * i + 1] != 0)
                        return false;
        return true;
}
