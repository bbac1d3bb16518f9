/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The record codec. Strict: what it accepts, it would write itself in the same bytes. */

#include "lib/record.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

static const char *const template_names[] = {
        [TEMPLATE_NG] = "ima-ng",
        [TEMPLATE_BUF] = "ima-buf",
};
static_assert(ELEMENTSOF(template_names) == _TEMPLATE_MAX, "a name per template");

static const char digest_prefix[] = "sha256:"; /* its NUL is part of the field */
static const uint8_t zeros[SHA256_SIZE];

enum { DIGEST_FIELD_SIZE = sizeof(digest_prefix) + SHA256_SIZE };

static RecordResult bad(const char **reterr_why, const char *why) {
        *reterr_why = why;
        return RECORD_BAD;
}

static RecordResult parse_template_name(Reader *r, RecordView *v, const char **reterr_why) {
        uint32_t size = reader_u32le(r);
        const uint8_t *name;

        if (!r->failed && size > 16)
                return bad(reterr_why, "the template name is too long");
        name = reader_bytes(r, size);
        if (r->failed)
                return RECORD_TRUNCATED;
        for (v->template = 0; v->template <_TEMPLATE_MAX; v->template ++)
                if (strlen(template_names[v->template]) == size &&
                    memcmp(template_names[v->template], name, size) == 0)
                        return RECORD_OK;
        return bad(reterr_why, "the template is neither ima-ng nor ima-buf");
}

/* The fields inside the template data; the data is complete here, so a short read is a wrong length. */
static RecordResult parse_fields(RecordView *v, const char **reterr_why) {
        Reader r = reader_new(v->data, v->data_size);
        const uint8_t *prefix;
        uint32_t size;

        if (reader_u32le(&r) != DIGEST_FIELD_SIZE || r.failed)
                return bad(reterr_why, "the digest field has a wrong length");
        prefix = reader_bytes(&r, sizeof(digest_prefix));
        v->digest = reader_bytes(&r, SHA256_SIZE);
        size = reader_u32le(&r);
        v->name = (const char *) reader_bytes(&r, size);
        if (r.failed || size == 0)
                return bad(reterr_why, "the name field has a wrong length");
        if (memcmp(prefix, digest_prefix, sizeof(digest_prefix)) != 0)
                return bad(reterr_why, "the digest field does not say sha256");
        v->name_size = size - 1;
        if (v->name_size == 0 || memchr(v->name, 0, size) != v->name + v->name_size)
                return bad(reterr_why, "the name field is not one terminated string");
        if (v->template == TEMPLATE_BUF) {
                v->buf_size = reader_u32le(&r);
                v->buf = reader_bytes(&r, v->buf_size);
        }
        if (!reader_done(&r))
                return bad(reterr_why, "the template fields do not fill the template data");
        return RECORD_OK;
}

static RecordResult check_digests(RecordView *v, const uint8_t *sha1, const char **reterr_why) {
        Digest data_digest;
        uint8_t buf_digest[SHA256_SIZE];

        v->violation = memcmp(sha1, zeros, SHA1_SIZE) == 0;
        if (v->violation) {
                if (v->template != TEMPLATE_NG || memcmp(v->digest, zeros, SHA256_SIZE) != 0)
                        return bad(reterr_why, "a violation record must be ima-ng with a zero file digest");
                return RECORD_OK;
        }
        if (digest_data(HASH_SHA1, v->data, v->data_size, &data_digest) < 0)
                return RECORD_FAILED;
        if (memcmp(data_digest.bytes, sha1, SHA1_SIZE) != 0)
                return bad(reterr_why, "the template digest does not match the template data");
        if (v->template == TEMPLATE_NG)
                return RECORD_OK;
        if (sha256(v->buf, v->buf_size, buf_digest) < 0)
                return RECORD_FAILED;
        if (memcmp(buf_digest, v->digest, SHA256_SIZE) != 0)
                return bad(reterr_why, "the buffer does not match its digest");
        return RECORD_OK;
}

static RecordResult parse_at(Reader *r, RecordView *v, const char **reterr_why) {
        const uint8_t *sha1;
        RecordResult result;
        uint32_t size;

        v->bytes = r->data + r->pos;
        v->pcr = reader_u32le(r);
        sha1 = reader_bytes(r, SHA1_SIZE);
        result = parse_template_name(r, v, reterr_why);
        if (result != RECORD_OK)
                return result;
        size = reader_u32le(r);
        if (!r->failed && size > RECORD_DATA_MAX)
                return bad(reterr_why, "the template data is longer than 4096 bytes");
        v->data = reader_bytes(r, size);
        if (r->failed)
                return RECORD_TRUNCATED;
        v->data_size = size;
        v->size = (size_t) (r->data + r->pos - v->bytes);
        result = parse_fields(v, reterr_why);
        return result == RECORD_OK ? check_digests(v, sha1, reterr_why) : result;
}

RecordResult record_parse(Reader *r, RecordView *ret, const char **reterr_why) {
        Reader attempt = *r;
        RecordView v = {};
        RecordResult result;

        if (reader_left(r) == 0)
                return RECORD_END;
        result = parse_at(&attempt, &v, reterr_why);
        if (result == RECORD_TRUNCATED)
                *reterr_why = "the record is cut off";
        if (result != RECORD_OK)
                return result;
        *r = attempt;
        *ret = v;
        return RECORD_OK;
}

static void put_head(Buffer *b, uint32_t pcr, const uint8_t sha1[SHA1_SIZE], RecordTemplate template,
                     size_t data_size) {
        buffer_u32le(b, pcr);
        buffer_bytes(b, sha1, SHA1_SIZE);
        buffer_u32le(b, (uint32_t) strlen(template_names[template]));
        buffer_string(b, template_names[template]);
        buffer_u32le(b, (uint32_t) data_size);
}

/* d-ng and n-ng, which both templates start with. */
static void put_fields(Buffer *b, const uint8_t digest[SHA256_SIZE], const char *name) {
        buffer_u32le(b, DIGEST_FIELD_SIZE);
        buffer_bytes(b, digest_prefix, sizeof(digest_prefix));
        buffer_bytes(b, digest, SHA256_SIZE);
        buffer_u32le(b, (uint32_t) strlen(name) + 1);
        buffer_bytes(b, name, strlen(name) + 1);
}

/* name: in the data already; an empty one is what record_parse() refuses. */
static int put_record(Buffer *b, uint32_t pcr, RecordTemplate template, const char *name, bool violation,
                      const Buffer *data) {
        Digest sha1 = {};
        int r;

        if (*name == '\0')
                return -EINVAL;
        r = buffer_error(data);
        if (r < 0)
                return r;
        if (data->size > RECORD_DATA_MAX)
                return -EINVAL;
        if (!violation) {
                r = digest_data(HASH_SHA1, data->data, data->size, &sha1);
                if (r < 0)
                        return r;
        }
        put_head(b, pcr, sha1.bytes, template, data->size);
        buffer_bytes(b, data->data, data->size);
        return buffer_error(b);
}

int record_put_file(Buffer *b, uint32_t pcr, const uint8_t digest[SHA256_SIZE], const char *path) {
        _cleanup_(buffer_done) Buffer data = {};

        put_fields(&data, digest, path);
        return put_record(b, pcr, TEMPLATE_NG, path, false, &data);
}

int record_put_violation(Buffer *b, uint32_t pcr, const char *path) {
        _cleanup_(buffer_done) Buffer data = {};

        put_fields(&data, zeros, path);
        return put_record(b, pcr, TEMPLATE_NG, path, true, &data);
}

int record_put_event(Buffer *b, uint32_t pcr, const char *name, const void *buf, size_t buf_size) {
        _cleanup_(buffer_done) Buffer data = {};
        uint8_t digest[SHA256_SIZE];
        int r;

        r = sha256(buf, buf_size, digest);
        if (r < 0)
                return r;
        put_fields(&data, digest, name);
        buffer_u32le(&data, (uint32_t) buf_size);
        buffer_bytes(&data, buf, buf_size);
        return put_record(b, pcr, TEMPLATE_BUF, name, false, &data);
}

int record_extend_value(const RecordView *record, BankSet banks, BankDigests *ret) {
        if (record->violation) {
                *ret = bank_digests_violation(banks);
                return 0;
        }
        return bank_digests_hash(banks, record->data, record->data_size, ret);
}
