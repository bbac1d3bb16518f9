/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Quotes. */

#include "lib/tpm/attest.h"

#include <errno.h>

#include "lib/base/cleanup.h"

enum { TPM_GENERATED_VALUE = 0xff544347, TPM_ST_ATTEST_QUOTE = 0x8018, SELECT_MAX = 4 };

static void read_selection(Reader *r, TpmSelection *s) {
        const uint8_t *bits;
        size_t n;

        s->id = reader_u16be(r);
        s->alg = hash_from_tpm_id(s->id);
        n = reader_u8(r);
        if (n > SELECT_MAX)
                r->failed = true;
        bits = reader_bytes(r, n);
        for (size_t i = 0; bits && i < n; i++)
                s->pcrs |= (uint32_t) bits[i] << (8 * i);
}

static void read_selections(Reader *r, Attest *a) {
        uint32_t n = reader_u32be(r);

        if (n > ATTEST_SELECTIONS_MAX) {
                r->failed = true;
                return;
        }
        a->n_selections = n;
        for (size_t i = 0; i < n; i++)
                read_selection(r, &a->selections[i]);
}

static const char *parse(Reader *r, Attest *a) {
        uint8_t safe;

        if (reader_u32be(r) != TPM_GENERATED_VALUE)
                return r->failed ? "the quote is cut off"
                                 : "it does not start with TPM_GENERATED_VALUE: no TPM made this";
        if (reader_u16be(r) != TPM_ST_ATTEST_QUOTE)
                return r->failed ? "the quote is cut off" : "a TPM attested this, but it is no quote";
        a->signer = reader_tpm2b(r, 2 + DIGEST_MAX);
        a->extra = reader_tpm2b(r, ATTEST_EXTRA_MAX);
        a->clock = reader_u64be(r);
        a->resets = reader_u32be(r);
        a->restarts = reader_u32be(r);
        safe = reader_u8(r);
        a->safe = safe == 1;
        a->firmware = reader_u64be(r);
        read_selections(r, a);
        a->digest = reader_tpm2b(r, DIGEST_MAX);
        if (r->failed)
                return "the quote is cut off, or a part of it is too long";
        if (!reader_done(r))
                return "there are bytes behind the quote";
        return safe > 1 ? "the clock's safe flag is neither 0 nor 1" : NULL;
}

int attest_parse(const void *data, size_t n, Attest *ret, size_t *reterr_offset, const char **reterr_why) {
        Reader r = reader_new(data, n);
        Attest a = {};

        *reterr_why = parse(&r, &a);
        *reterr_offset = r.pos;
        if (*reterr_why)
                return -EINVAL;
        *ret = a;
        return 0;
}

int attest_pcr_digest(const Attest *a, const PcrInputs *pcrs, HashAlg hash, Digest *ret) {
        _cleanup_(buffer_done) Buffer values = {};
        int r;

        for (size_t i = 0; i < a->n_selections; i++) {
                const TpmSelection *s = &a->selections[i];
                bool given = s->alg != _HASH_INVALID && pcrs->banks & bank(s->alg);

                if (s->pcrs & ~(given ? pcrs->files[s->alg].present : 0))
                        return -ENODATA;
                for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                        if (s->pcrs & 1U << pcr)
                                buffer_bytes(&values, pcrs->files[s->alg].values[pcr], hash_size(s->alg));
        }
        r = buffer_error(&values);
        return r < 0 ? r : digest_data(hash, values.data, values.size, ret);
}
