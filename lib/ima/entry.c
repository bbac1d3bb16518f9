/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entries of the IMA list. */

#include "lib/ima/entry.h"

#include <string.h>

#include "lib/base/macro.h"

static LogResult bad(const char **reterr_why, const char *why) {
        *reterr_why = why;
        return LOG_BAD;
}

static bool is_zero(const uint8_t *data, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

/* "alg:" NUL digest, with "type:" in front of it or not. */
static const char *parse_digest(const uint8_t *data, size_t n, bool typed, ImaEntry *e) {
        static const char *const types[] = { "ima:", "verity:" };
        const uint8_t *nul = memchr(data, 0, n);
        char alg[16];
        size_t prefix, skip = 0;

        if (!nul || nul == data || nul[-1] != ':')
                return "a digest does not say its algorithm";
        for (size_t i = 0; typed && i < ELEMENTSOF(types) && skip == 0; i++)
                if (startswith((const char *) data, types[i]))
                        skip = strlen(types[i]);
        if (typed && skip == 0)
                return "a digest says neither ima nor verity";
        prefix = (size_t) (nul - data) - 1 - skip;
        if (prefix >= sizeof(alg) || skip > (size_t) (nul - data) - 1)
                return "a digest is of an unknown algorithm";
        memcpy(alg, data + skip, prefix);
        alg[prefix] = '\0';
        e->digest = nul + 1;
        e->digest_size = n - (size_t) (nul + 1 - data);
        if (ima_digest_size(alg) == 0)
                return "a digest is of an unknown algorithm";
        if (e->digest_size != ima_digest_size(alg))
                return "a digest does not have the size of its algorithm";
        e->alg = hash_from_name(alg);
        return NULL;
}

static const char *parse_text(const uint8_t *data, size_t n) {
        return n > 0 && memchr(data, 0, n) == data + n - 1 ? NULL : "a text field is not one terminated string";
}

/* Keeps what the rest of the project looks at. */
static const char *take_field(ImaField f, const uint8_t *data, size_t n, ImaEntry *e) {
        ImaEntry other = {};

        switch (f) {
        case IMA_D:
                e->alg = HASH_SHA1;
                e->digest = data;
                e->digest_size = n;
                return NULL;
        case IMA_D_NG:
        case IMA_D_NGV2:
                return parse_digest(data, n, f == IMA_D_NGV2, e);
        case IMA_D_MODSIG:
                return parse_digest(data, n, false, &other);
        case IMA_N:
        case IMA_N_NG:
                if (n == 1)
                        return "a name is empty";
                e->name = (const char *) data;
                e->name_size = n - 1;
                return NULL;
        case IMA_BUF:
                e->buf = data;
                e->buf_size = n;
                return NULL;
        default:
                return NULL;
        }
}

static const char *parse_field(ImaField f, const uint8_t *data, size_t n, ImaEntry *e) {
        const ImaFieldType *type = &ima_fields[f];
        const char *why = NULL;

        if (n == 0 && type->may_be_empty)
                return f == IMA_BUF ? take_field(f, data, n, e) : NULL;
        if (type->form == IMA_FORM_TEXT)
                why = parse_text(data, n);
        else if ((type->form == IMA_FORM_DIGEST && n != SHA1_SIZE) || (type->form == IMA_FORM_U32 && n != 4) ||
                 (type->form == IMA_FORM_U16 && n != 2))
                why = "a field has a wrong length";
        return why ? why : take_field(f, data, n, e);
}

static const char *parse_fields(ImaEntry *e) {
        Reader r = reader_new(e->data, e->data_size);

        for (size_t i = 0; i < e->template.n; i++) {
                uint32_t size = reader_u32le(&r);
                const uint8_t *data = reader_bytes(&r, size);
                const char *why;

                if (r.failed)
                        return "a field is longer than the template data";
                why = parse_field(e->template.fields[i], data, size, e);
                if (why)
                        return why;
        }
        return reader_done(&r) ? NULL : "there are bytes behind the last field";
}

/* The template "ima" has no length around its data. */
static LogResult parse_legacy(Reader *r, ImaEntry *e, const char **reterr_why) {
        uint32_t size;

        e->data = r->data + r->pos;
        e->alg = HASH_SHA1;
        e->digest = reader_bytes(r, SHA1_SIZE);
        e->digest_size = SHA1_SIZE;
        size = reader_u32le(r);
        if (!r->failed && (size == 0 || size > IMA_NAME_OLD_MAX))
                return bad(reterr_why, "a name is empty or longer than 255 bytes");
        e->name = (const char *) reader_bytes(r, size);
        e->name_size = size;
        if (r->failed)
                return LOG_TRUNCATED;
        e->data_size = SHA1_SIZE + 4 + size;
        if (memchr(e->name, 0, size))
                return bad(reterr_why, "a name has a NUL inside");
        return LOG_ENTRY;
}

/* What the template digest is of. */
static const uint8_t *hashed(const ImaEntry *e, uint8_t old[IMA_HASHED_OLD], size_t *ret_size) {
        if (!e->template.legacy) {
                *ret_size = e->data_size;
                return e->data;
        }
        memset(old, 0, IMA_HASHED_OLD);
        memcpy(old, e->digest, SHA1_SIZE);
        memcpy(old + SHA1_SIZE, e->name, e->name_size);
        *ret_size = IMA_HASHED_OLD;
        return old;
}

static LogResult check_digests(ImaEntry *e, HashAlg list_alg, const char **reterr_why) {
        uint8_t old[IMA_HASHED_OLD];
        const uint8_t *data;
        size_t size;
        Digest d;

        e->violation = is_zero(e->template_digest, hash_size(list_alg));
        if (e->violation)
                return !e->digest || is_zero(e->digest, e->digest_size)
                               ? LOG_ENTRY
                               : bad(reterr_why, "the entry is a violation, yet it has a file digest");
        data = hashed(e, old, &size);
        if (digest_data(list_alg, data, size, &d) < 0)
                return LOG_FAILED;
        if (memcmp(d.bytes, e->template_digest, hash_size(list_alg)) != 0)
                return bad(reterr_why, "the template digest is not that of the template data");
        if (!e->buf || !e->digest || e->alg == _HASH_INVALID)
                return LOG_ENTRY;
        if (digest_data(e->alg, e->buf, e->buf_size, &d) < 0)
                return LOG_FAILED;
        if (memcmp(d.bytes, e->digest, e->digest_size) != 0)
                return bad(reterr_why, "the digest is not that of the buffer");
        return LOG_ENTRY;
}

static LogResult parse_data(Reader *r, ImaEntry *e, const char **reterr_why) {
        uint32_t size;
        const char *why;

        if (e->template.legacy)
                return parse_legacy(r, e, reterr_why);
        size = reader_u32le(r);
        if (!r->failed && size > IMA_DATA_MAX)
                return bad(reterr_why, "the template data are larger than 4 MiB");
        e->data = reader_bytes(r, size);
        e->data_size = size;
        if (r->failed)
                return LOG_TRUNCATED;
        why = parse_fields(e);
        return why ? bad(reterr_why, why) : LOG_ENTRY;
}

static LogResult parse_at(Reader *r, HashAlg list_alg, ImaEntry *e, const char **reterr_why) {
        const char *name;
        LogResult result;
        uint32_t size;

        e->alg = _HASH_INVALID;
        e->pcr = reader_u32le(r);
        if (!r->failed && e->pcr >= PCR_COUNT)
                return bad(reterr_why, "the entry is of a PCR that does not exist");
        e->template_digest = reader_bytes(r, hash_size(list_alg));
        size = reader_u32le(r);
        if (!r->failed && (size == 0 || size > IMA_TEMPLATE_NAME_MAX))
                return bad(reterr_why, "the template's name is empty or too long");
        name = (const char *) reader_bytes(r, size);
        if (r->failed)
                return LOG_TRUNCATED;
        if (!ima_template_find(name, size, &e->template))
                return bad(reterr_why, "the template is unknown");
        result = parse_data(r, e, reterr_why);
        return result == LOG_ENTRY ? check_digests(e, list_alg, reterr_why) : result;
}

LogResult ima_entry_parse(Reader *r, HashAlg list_alg, ImaEntry *ret, const char **reterr_why) {
        Reader attempt = *r;
        ImaEntry e = {};
        LogResult result;

        *reterr_why = "";
        if (reader_left(r) == 0)
                return LOG_END;
        result = parse_at(&attempt, list_alg, &e, reterr_why);
        if (result == LOG_TRUNCATED)
                *reterr_why = "the list ends inside the entry";
        if (result == LOG_ENTRY) {
                *r = attempt;
                *ret = e;
        }
        return result;
}

LogResult ima_list_digests(const void *data, size_t n, HashAlg *ret) {
        LogResult result = LOG_BAD;

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                Reader r = reader_new(data, n);
                const char *name;
                ImaTemplate t;
                uint32_t size;

                reader_bytes(&r, 4 + hash_size(alg));
                size = reader_u32le(&r);
                if (!r.failed && (size == 0 || size > IMA_TEMPLATE_NAME_MAX))
                        continue;
                name = (const char *) reader_bytes(&r, size);
                if (r.failed)
                        result = LOG_TRUNCATED;
                else if (ima_template_find(name, size, &t)) {
                        *ret = alg;
                        return LOG_ENTRY;
                }
        }
        return result;
}

int ima_entry_extended(const ImaEntry *e, BankSet banks, bool padded, BankDigests *ret) {
        uint8_t old[IMA_HASHED_OLD];
        const uint8_t *data;
        size_t size;
        Digest sha1;
        int r;

        if (e->violation) {
                *ret = bank_digests_violation(banks);
                return 0;
        }
        data = hashed(e, old, &size);
        if (!padded)
                return bank_digests_hash(banks, data, size, ret);
        r = digest_data(HASH_SHA1, data, size, &sha1);
        if (r < 0)
                return r;
        *ret = bank_digests_zero(banks);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memcpy(ret->values[alg], sha1.bytes, SHA1_SIZE);
        return 0;
}
