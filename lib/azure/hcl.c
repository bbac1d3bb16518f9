/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Azure's attestation blob. */

#include "lib/azure/hcl.h"

#include <errno.h>

enum { REQUEST_AK_CERT = 2, REPORT_SNP = 2, DATA_HEADER_SIZE = HCL_CLAIMS_OFFSET - HCL_DATA_OFFSET };

static const char *read_header(Reader *r, HclBlob *b) {
        static const char magic[] = "HCLA";
        const uint8_t *start = reader_bytes(r, 4), *reserved;

        if (!start || memcmp(start, magic, 4) != 0)
                return "it does not start with HCLA";
        b->version = reader_u32le(r);
        if (b->version != 1 && b->version != 2)
                return "the version of the header is neither 1 nor 2";
        b->stated_size = reader_u32le(r);
        if (reader_u32le(r) != REQUEST_AK_CERT)
                return "the type of the request is not 2";
        if (reader_u32le(r) != 0)
                return "the status is not 0";
        reserved = reader_bytes(r, 12);
        if (!reserved || !snp_is_zero(reserved, 12))
                return "the reserved bytes are not zero";
        return NULL;
}

static const char *read_claims(Reader *r, HclBlob *b) {
        static const HashAlg hashes[] = { _HASH_INVALID, HASH_SHA256, HASH_SHA384, HASH_SHA512 };
        uint32_t size, hash;

        size = reader_u32le(r);
        if (reader_u32le(r) != 1)
                return "the version of the runtime data is not 1";
        if (reader_u32le(r) != REPORT_SNP)
                return "the hardware report is not of SEV-SNP";
        hash = reader_u32le(r);
        if (hash == 0 || hash >= ELEMENTSOF(hashes))
                return "the hash of the claims is not known";
        b->hash = hashes[hash];
        b->claims.size = reader_u32le(r);
        if (r->failed)
                return "it is cut off";
        if (size < DATA_HEADER_SIZE || size - DATA_HEADER_SIZE != b->claims.size)
                return "the two sizes of the claims differ";
        b->claims.data = reader_bytes(r, b->claims.size);
        if (!b->claims.data)
                return "the claims are cut off";
        return b->claims.size > 0 ? NULL : "there are no claims";
}

int hcl_parse(const void *data, size_t n, HclBlob *ret, size_t *reterr_offset, const char **reterr_why) {
        Reader r = reader_new(data, n);
        HclBlob b = { .report.size = SNP_REPORT_SIZE };

        *reterr_why = read_header(&r, &b);
        if (!*reterr_why) {
                b.report.data = reader_bytes(&r, SNP_REPORT_SIZE);
                *reterr_why = b.report.data ? read_claims(&r, &b) : "it is cut off";
        }
        *reterr_offset = r.pos;
        if (!*reterr_why && !snp_is_zero(r.data + r.pos, reader_left(&r)))
                *reterr_why = "the bytes behind the claims are not zero";
        if (*reterr_why)
                return -EINVAL;
        *ret = b;
        return 0;
}

int hcl_report_data(const HclBlob *blob, uint8_t ret[SNP_REPORT_DATA_SIZE]) {
        Digest d;
        int r = digest_data(blob->hash, blob->claims.data, blob->claims.size, &d);

        if (r >= 0)
                memcpy(ret, d.bytes, SNP_REPORT_DATA_SIZE);
        return r;
}
