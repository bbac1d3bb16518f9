/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests of SVSM services. */

#include "lib/svsm/manifest.h"

#include <errno.h>

#include "lib/digest.h"

enum { GUID_SIZE = 16, ENTRY_SIZE = 24 };

static const uint8_t table_guid[GUID_SIZE] = { 0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46,
                                               0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb };
static const uint8_t vtpm_guid[GUID_SIZE] = { 0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5, 0x45,
                                              0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3 };

static bool is_guid(const uint8_t *data, const uint8_t guid[GUID_SIZE]) {
        return data && memcmp(data, guid, GUID_SIZE) == 0;
}

/* The services' manifests follow each other in the order of the table, with nothing between, so that every byte belongs to one
 * of them. */
static const char *read_services(const uint8_t *data, size_t n, uint32_t count, Bytes *ret) {
        Reader r = reader_new(data, n);
        size_t next = ENTRY_SIZE * (count + (size_t) 1);

        reader_bytes(&r, ENTRY_SIZE);
        for (uint32_t i = 0; i < count; i++) {
                const uint8_t *guid = reader_bytes(&r, GUID_SIZE);
                uint32_t offset = reader_u32le(&r), size = reader_u32le(&r);

                if (r.failed || offset != next || size > n - next)
                        return "the services do not follow each other within the table";
                for (uint32_t j = 0; j < i; j++)
                        if (is_guid(guid, data + ENTRY_SIZE * (j + (size_t) 1)))
                                return "a service is there twice";
                if (is_guid(guid, vtpm_guid))
                        *ret = (Bytes){ data + offset, size };
                next += size;
        }
        return next == n ? NULL : "there are bytes behind the services";
}

static const char *read_table(const uint8_t *data, size_t n, Bytes *ret) {
        Reader r = reader_new(data, n);
        uint32_t size, count;
        const char *why;

        reader_bytes(&r, GUID_SIZE);
        size = reader_u32le(&r);
        count = reader_u32le(&r);
        if (r.failed || size != n)
                return "the table is not as long as it says";
        if (count > SVSM_SERVICES_MAX || ENTRY_SIZE * (count + (size_t) 1) > n)
                return "there are more services than the table has room for";
        why = read_services(data, n, count, ret);
        if (why)
                return why;
        return ret->size > 0 ? NULL : "there is no manifest of a vTPM";
}

int svsm_manifest_vtpm(const void *data, size_t n, Bytes *ret, const char **reterr_why) {
        Bytes vtpm = {};

        if (n >= GUID_SIZE && is_guid(data, table_guid))
                *reterr_why = read_table(data, n, &vtpm);
        else {
                *reterr_why = n > 0 ? NULL : "there is no manifest";
                vtpm = (Bytes){ data, n };
        }
        if (*reterr_why)
                return -EINVAL;
        *ret = vtpm;
        return 0;
}

int svsm_report_data(const uint8_t nonce[SVSM_NONCE_SIZE], const void *manifest, size_t n,
                     uint8_t ret[SNP_REPORT_DATA_SIZE]) {
        Digest d;
        int r = digest_pair(HASH_SHA512, nonce, SVSM_NONCE_SIZE, manifest, n, &d);

        if (r >= 0)
                memcpy(ret, d.bytes, SNP_REPORT_DATA_SIZE);
        return r;
}
