/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificate tables. */

#include "lib/snp/table.h"

#include <errno.h>

#include "lib/base/macro.h"
#include "lib/snp/report.h"

enum { GUID_SIZE = 16, ENTRY_SIZE = 24 };

static const struct {
        uint8_t guid[GUID_SIZE];
        size_t part; /* offset of a DerObject in SnpTable */
} parts[] = {
        { { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd },
          offsetof(SnpTable, vcek) },
        { { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 },
          offsetof(SnpTable, vlek) },
        { { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82 },
          offsetof(SnpTable, ask) },
        { { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae },
          offsetof(SnpTable, ark) },
        { { 0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea },
          offsetof(SnpTable, crl) },
};

static DerObject *part_of(const uint8_t *guid, SnpTable *t) {
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (memcmp(guid, parts[i].guid, GUID_SIZE) == 0)
                        return (DerObject *) ((char *) t + parts[i].part);
        return NULL;
}

/* The bytes of the entries with the one that ends them; 0: there is no end. */
static size_t header_size(const uint8_t *data, size_t n) {
        for (size_t i = 0; i <= SNP_TABLE_ENTRIES_MAX && n >= (i + 1) * ENTRY_SIZE; i++)
                if (snp_is_zero(data + i * ENTRY_SIZE, ENTRY_SIZE))
                        return (i + 1) * ENTRY_SIZE;
        return 0;
}

static const char *read_entry(const uint8_t *data, size_t n, size_t header, const uint8_t *entry, SnpTable *t) {
        uint32_t offset = snp_u32(entry + GUID_SIZE), size = snp_u32(entry + GUID_SIZE + 4);
        DerObject *part = part_of(entry, t);

        if (offset < header || offset > n || size > n - offset)
                return "a part that is not in the table";
        t->size = MAX(t->size, (size_t) offset + size);
        if (!part)
                return NULL;
        if (part->data)
                return "a part that is there twice";
        *part = (DerObject){ data + offset, size };
        return NULL;
}

int snp_table_parse(const void *data, size_t n, SnpTable *ret, size_t *reterr_offset, const char **reterr_why) {
        const uint8_t *bytes = data;
        SnpTable t = {};
        size_t header;

        *reterr_offset = 0;
        *reterr_why = NULL;
        header = n > 0 ? header_size(bytes, n) : 0;
        if (n > SNP_TABLE_MAX || (n > 0 && header == 0))
                *reterr_why = "a table without an end";
        t.size = header;
        for (size_t at = 0; !*reterr_why && at + ENTRY_SIZE < header; at += ENTRY_SIZE) {
                *reterr_offset = at;
                *reterr_why = read_entry(bytes, n, header, bytes + at, &t);
        }
        if (*reterr_why)
                return -EINVAL;
        *ret = t;
        return 0;
}
