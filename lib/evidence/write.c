/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes the document. By hand, member by member: a log of many megabytes becomes base64 in place, and is not copied into a
 * tree of JSON values before. */

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/evidence/evidence-internal.h"
#include "lib/json.h"

enum { CHUNK = 3 * 1024 }; /* a multiple of three has no padding */

static json_t *hex_value(const void *data, size_t n) {
        _cleanup_free_ char *text = malloc(2 * n + 1);

        return text ? json_string(hex_encode(data, n, text)) : NULL;
}

static json_t *texts_value(const EvidenceTexts *l, bool is_map) {
        json_auto_t *value = is_map ? json_object() : json_array();

        for (size_t i = 0; i < l->size; i++) {
                json_t *text = json_string(l->items[i].value);

                if ((is_map ? json_object_set_new(value, l->items[i].name, text)
                            : json_array_append_new(value, text)) < 0)
                        return NULL;
        }
        return json_incref(value);
}

static json_t *bank_value(const PcrFile *file, HashAlg alg) {
        json_auto_t *values = json_object();

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                char number[4];

                snprintf(number, sizeof(number), "%u", pcr);
                if (file->present & 1U << pcr &&
                    json_object_set_new(values, number, hex_value(file->values[pcr], hash_size(alg))) < 0)
                        return NULL;
        }
        return json_incref(values);
}

static json_t *pcrs_value(const PcrInputs *pcrs) {
        json_auto_t *banks = json_object();

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (pcrs->banks & bank(alg) &&
                    json_object_set_new(banks, hash_name(alg), bank_value(&pcrs->files[alg], alg)) < 0)
                        return NULL;
        return json_incref(banks);
}

/* NULL when out of memory. */
static json_t *small_value(const EvidenceMember *m, const void *member) {
        switch (m->type) {
        case EVIDENCE_TYPE_FORMAT:
                return json_integer(EVIDENCE_FORMAT);
        case EVIDENCE_TYPE_PROVIDER:
                return json_string(evidence_provider_names[*(const EvidenceProvider *) member]);
        case EVIDENCE_TYPE_HEX: {
                const Buffer *b = member;

                return hex_value(b->data, b->size);
        }
        case EVIDENCE_TYPE_DIGEST:
                return hex_value(member, SHA256_SIZE);
        case EVIDENCE_TYPE_COUNT:
                return json_integer((json_int_t) * (const uint64_t *) member);
        case EVIDENCE_TYPE_TEXT:
                return json_string(strempty(*(char *const *) member));
        case EVIDENCE_TYPE_LIST:
        case EVIDENCE_TYPE_MAP:
                return texts_value(member, m->type == EVIDENCE_TYPE_MAP);
        case EVIDENCE_TYPE_PCRS:
                return pcrs_value(member);
        default:
                return NULL;
        }
}

/* "key":value, as in an object of that member alone. */
static int write_small(const EvidenceMember *m, const void *member, Buffer *ret) {
        json_auto_t *object = json_object();
        _cleanup_free_ char *text = NULL;
        int r = json_put(object, m->key, small_value(m, member));

        if (r < 0)
                return r;
        text = json_canonical(object);
        if (!text)
                return -ENOMEM;
        buffer_bytes(ret, text + 1, strlen(text) - 2);
        return 0;
}

static void write_base64(const EvidenceMember *m, const Buffer *b, Buffer *ret) {
        uint8_t text[CHUNK / 3 * 4 + 1];

        buffer_u8(ret, '"');
        buffer_string(ret, m->key);
        buffer_string(ret, "\":\"");
        for (size_t at = 0; at < b->size; at += CHUNK) {
                int n = EVP_EncodeBlock(text, b->data + at, (int) MIN(b->size - at, (size_t) CHUNK));

                buffer_bytes(ret, text, (size_t) n);
        }
        buffer_u8(ret, '"');
}

static bool pcrs_are_good(const PcrInputs *pcrs) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (pcrs->banks & bank(alg) &&
                    (pcrs->files[alg].present == 0 || pcrs->files[alg].present >= 1U << PCR_COUNT))
                        return false;
        return true;
}

/* True for what the parser takes. */
static bool is_good(const EvidenceMember *m, const void *member) {
        const Buffer *b = member;

        switch (m->type) {
        case EVIDENCE_TYPE_BASE64:
        case EVIDENCE_TYPE_HEX:
                return !b->failed && b->size >= m->min && b->size <= m->max;
        case EVIDENCE_TYPE_COUNT:
                return *(const uint64_t *) member <= INT64_MAX;
        case EVIDENCE_TYPE_TEXT:
                return evidence_text_is_good(strempty(*(char *const *) member));
        case EVIDENCE_TYPE_PCRS:
                return pcrs_are_good(member);
        default:
                return true;
        }
}

int evidence_write(const Evidence *e, Buffer *ret) {
        const EvidenceMember *m;
        char separator = '{';

        for (size_t i = 0; (m = evidence_member(i)); i++) {
                const void *member = (const uint8_t *) e + m->offset;
                int r = 0;

                if (evidence_member_is_optional(m) && ((const Buffer *) member)->size == 0)
                        continue;
                if (!is_good(m, member))
                        return -EINVAL;
                buffer_u8(ret, (uint8_t) separator);
                if (m->type == EVIDENCE_TYPE_BASE64)
                        write_base64(m, member, ret);
                else
                        r = write_small(m, member, ret);
                if (r < 0)
                        return r;
                separator = ',';
        }
        buffer_u8(ret, '}');
        return buffer_error(ret);
}
