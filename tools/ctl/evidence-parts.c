/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Evidence in files that tools read which others have made. */

#include "tools/ctl/evidence-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/io/file.h"
#include "lib/pcrfile.h"
#include "lib/snp/endorsements.h"
#include "tools/ctl/ctl.h"

/* The files that other tools read. "": a part that is in no file of its own. */
static const char *const files[_EVIDENCE_PART_MAX] = {
        [EVIDENCE_NONCE] = "nonce.bin",
        [EVIDENCE_QUOTE] = "quote.attest",
        [EVIDENCE_SIGNATURE] = "quote.signature",
        [EVIDENCE_AK_PUBLIC] = "ak.public",
        [EVIDENCE_AK_CERTIFICATES] = "ak.certificates",
        [EVIDENCE_REPORT] = "report.bin",
        [EVIDENCE_VEK] = "vek.crt",
        [EVIDENCE_CHAIN] = "chain.crt",
        [EVIDENCE_CRL] = "chain.crl",
        [EVIDENCE_HCL] = "hcl.bin",
        [EVIDENCE_MANIFEST] = "manifest.bin",
        [EVIDENCE_FIRMWARE_LOG] = "firmware-log",
        [EVIDENCE_IMA_LIST] = "ima-list",
        [EVIDENCE_LOG] = "measurements",
};

/* A value that was not quoted is zero, as evmctl wants all of them. */
static int write_pcrs(const char *directory, const PcrInputs *pcrs) {
        int r = 0;

        for (HashAlg alg = 0; r >= 0 && alg < _HASH_MAX; alg++) {
                _cleanup_free_ PcrValues *values = calloc(1, sizeof(PcrValues));
                _cleanup_free_ char *text = NULL, *name = NULL;

                if (!(pcrs->banks & bank(alg)))
                        continue;
                if (!values || asprintf(&name, "pcrs.%s", hash_name(alg)) < 0)
                        return -ENOMEM;
                values->banks = bank(alg);
                memcpy(values->values[alg], pcrs->files[alg].values, sizeof(values->values[alg]));
                text = pcrfile_format(values, alg);
                r = text ? ctl_write_file(directory, name, text, strlen(text)) : -ENOMEM;
        }
        return r;
}

/* The sizes of TPML_PCR_SELECTION and TPML_DIGEST in tpm2-tss: 16 banks of 8 bytes, and 8 digests of 66 bytes. */
enum { SELECTIONS_MAX = 16, SELECTION_SIZE = 8, DIGESTS_MAX = 8, DIGEST_SIZE = 2 + DIGEST_MAX };

static void pad(Buffer *b, size_t to) {
        while (b->size < to && !b->failed)
                buffer_u8(b, 0);
}

/* Up to 8 values as a list. */
static void put_digests(Buffer *b, const PcrFile *file, HashAlg alg, unsigned *pcr, unsigned n) {
        size_t start = b->size;

        buffer_u32le(b, n);
        for (unsigned i = 0; i < n; (*pcr)++) {
                if (!(file->present & 1U << *pcr))
                        continue;
                buffer_u16le(b, (uint16_t) hash_size(alg));
                buffer_bytes(b, file->values[*pcr], hash_size(alg));
                pad(b, start + 4 + ++i * DIGEST_SIZE);
        }
        pad(b, start + 4 + DIGESTS_MAX * DIGEST_SIZE);
}

/* As tpm2_quote writes them (tpm2-tools 5, pcrs_format=serialized) and tpm2_checkquote reads them: the structures of tpm2-tss
 * in memory, little endian. One bank is quoted. */
static int write_serialized(const char *directory, const PcrInputs *pcrs) {
        _cleanup_(buffer_done) Buffer b = {};
        HashAlg alg = bank_preferred(pcrs->banks);
        const PcrFile *file = &pcrs->files[alg];
        unsigned left = (unsigned) __builtin_popcount(file->present), pcr = 0;

        buffer_u32le(&b, 1);
        buffer_u16le(&b, hash_tpm_id(alg));
        buffer_u8(&b, 3);
        for (unsigned i = 0; i < 3; i++)
                buffer_u8(&b, (uint8_t) (file->present >> 8 * i));
        pad(&b, 4 + SELECTIONS_MAX * SELECTION_SIZE);
        buffer_u32le(&b, (left + DIGESTS_MAX - 1) / DIGESTS_MAX);
        for (unsigned n; left > 0; left -= n) {
                n = MIN(left, (unsigned) DIGESTS_MAX);
                put_digests(&b, file, alg, &pcr, n);
        }
        return buffer_error(&b) < 0 ? -ENOMEM : ctl_write_file(directory, "pcrs.serialized", b.data, b.size);
}

/* TPM2B_PUBLIC, which tpm2-tools load. */
static int write_public(const char *directory, const Buffer *public) {
        _cleanup_(buffer_done) Buffer framed = {};

        buffer_u16be(&framed, (uint16_t) public->size);
        buffer_bytes(&framed, public->data, public->size);
        return buffer_error(&framed) < 0 ? -ENOMEM : ctl_write_file(directory, "ak.pub", framed.data, framed.size);
}

static int write_certificate(const char *directory, const char *name, X509 *x) {
        BIO *b = x ? BIO_new(BIO_s_mem()) : NULL;
        char *text;
        long n;
        int r = 0;

        if (!x)
                return 0;
        if (!b || !PEM_write_bio_X509(b, x))
                r = -ENOMEM;
        if (r >= 0) {
                n = BIO_get_mem_data(b, &text);
                r = ctl_write_file(directory, name, text, (size_t) n);
        }
        BIO_free(b);
        return r;
}

/* Each certificate in a file of the name that AMD's own documents and snpguest have for its role. */
static int write_certificates(const char *directory, const Buffer parts[_EVIDENCE_PART_MAX]) {
        const SnpEndorsementFiles endorsements = {
                .vek = parts[EVIDENCE_VEK].data,
                .vek_size = parts[EVIDENCE_VEK].size,
                .chain = parts[EVIDENCE_CHAIN].data,
                .chain_size = parts[EVIDENCE_CHAIN].size,
        };
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        int r = snp_endorsements_new(&endorsements, &e);
        bool vlek = r >= 0 && e->claims.role == SNP_VLEK;

        if (r >= 0)
                r = write_certificate(directory, vlek ? "vlek.pem" : "vcek.pem", e->vek);
        if (r >= 0)
                r = write_certificate(directory, vlek ? "asvk.pem" : "ask.pem", e->intermediate);
        if (r >= 0)
                r = write_certificate(directory, "ark.pem", e->root);
        return r;
}

int evidence_parts_write(const char *directory, const Evidence *e, const char *document, size_t n) {
        int r = make_directories(directory, 0700);

        if (r >= 0)
                r = ctl_write_file(directory, "evidence.json", document, n);
        for (EvidencePart i = 0; r >= 0 && i < _EVIDENCE_PART_MAX; i++)
                if (e->parts[i].size > 0)
                        r = ctl_write_file(directory, files[i], e->parts[i].data, e->parts[i].size);
        if (r >= 0)
                r = write_public(directory, &e->parts[EVIDENCE_AK_PUBLIC]);
        if (r >= 0)
                r = write_certificates(directory, e->parts);
        if (r >= 0)
                r = write_serialized(directory, &e->pcrs);
        return r < 0 ? r : write_pcrs(directory, &e->pcrs);
}
