/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses the document. Strictly: every key once, no key that is not known, every value in its one form. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/evidence/evidence-internal.h"

static int fail(EvidenceError *e, size_t offset, const char *key, const char *why) {
        e->offset = offset;
        if (key)
                snprintf(e->why, sizeof(e->why), "%s: %s", key, why);
        else
                snprintf(e->why, sizeof(e->why), "%s", why);
        return -EINVAL;
}

/* Where the object's own key stands in text that is known to be JSON; 0 when it is not written plainly. */
static size_t offset_of_key(const char *text, size_t n, const char *key) {
        size_t length = strlen(key), depth = 0, start = 0;
        bool is_in_string = false;
        char last = '\0'; /* of the characters between strings that structure the text */

        for (size_t i = 0; i < n; i++)
                if (is_in_string && text[i] == '\\')
                        i++;
                else if (text[i] == '"') {
                        is_in_string = !is_in_string;
                        if (is_in_string)
                                start = i;
                        else if (depth == 1 && last != ':' && i - start - 1 == length &&
                                 memcmp(text + start + 1, key, length) == 0)
                                return start;
                } else if (!is_in_string && text[i] != '\0' && strchr("{[]},:", text[i])) {
                        last = text[i];
                        if (last == '{' || last == '[')
                                depth++;
                        else if (last == '}' || last == ']')
                                depth--;
                }
        return 0;
}

static const char *take_format(const json_t *value) {
        return json_is_integer(value) && json_integer_value(value) == EVIDENCE_FORMAT ? NULL
                                                                                      : "not a format that is known";
}

static const char *take_provider(const json_t *value, EvidenceProvider *ret) {
        for (EvidenceProvider p = 0; p < _EVIDENCE_PROVIDER_MAX; p++)
                if (json_is_string(value) && streq(json_string_value(value), evidence_provider_names[p])) {
                        *ret = p;
                        return NULL;
                }
        return "not the name of a provider";
}

/* Bytes in lower-case hexadecimal. */
static const char *take_hex(const json_t *value, size_t n, uint8_t *ret) {
        static const char expected[] = "not that many bytes in lower-case hexadecimal";
        const char *text = json_string_value(value);

        if (!text || strlen(text) != 2 * n || strspn(text, "0123456789abcdef") != 2 * n)
                return expected;
        return hex_decode(text, n, ret) < 0 ? expected : NULL;
}

static const char *take_buffer(const EvidenceMember *m, const json_t *value, Buffer *ret, int *error) {
        const char *text = json_string_value(value);
        size_t n = json_string_length(value);
        uint8_t bytes[EVIDENCE_NONCE_MAX];

        if (!text)
                return "not text";
        if (m->type == EVIDENCE_TYPE_HEX) {
                if (n % 2 != 0 || n / 2 < m->min || n / 2 > m->max || n / 2 > sizeof(bytes))
                        return "too few or too many bytes";
                if (take_hex(value, n / 2, bytes))
                        return "not lower-case hexadecimal";
                buffer_bytes(ret, bytes, n / 2);
                *error = buffer_error(ret);
                return NULL;
        }
        if (n / 4 * 3 > m->max + 2)
                return "too many bytes";
        *error = base64_decode(BASE64_STANDARD, text, n, ret);
        if (*error == -EINVAL)
                return "not base64";
        return *error < 0 || (ret->size >= m->min && ret->size <= m->max) ? NULL : "too few or too many bytes";
}

static const char *take_count(const json_t *value, uint64_t *ret) {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return "not a count";
        *ret = (uint64_t) json_integer_value(value);
        return NULL;
}

static const char *take_text(const json_t *value, char **ret, int *error) {
        const char *text = json_string_value(value);

        if (!text || !evidence_text_is_good(text))
                return "not text in escaped form of at most 1024 bytes";
        *error = free_and_strdup(ret, text);
        return NULL;
}

static const char *add_text(const char *name, const json_t *value, EvidenceTexts *ret, int *error) {
        const char *text = json_string_value(value);
        int r = text ? evidence_texts_add(ret, name, text) : -EINVAL;

        if (r == -ENOMEM)
                *error = r;
        return r < 0 ? "not texts in escaped form of at most 1024 bytes, 64 at most" : NULL;
}

static const char *take_texts(const EvidenceMember *m, json_t *value, EvidenceTexts *ret, int *error) {
        const char *why = NULL, *name;
        json_t *text;
        size_t i;

        if (m->type == EVIDENCE_TYPE_MAP) {
                if (!json_is_object(value))
                        return "not an object";
                json_object_foreach(value, name, text)
                        if (!why)
                                why = add_text(name, text, ret, error);
        } else {
                if (!json_is_array(value))
                        return "not a list";
                json_array_foreach(value, i, text)
                        if (!why)
                                why = add_text(NULL, text, ret, error);
        }
        return why;
}

static const char *take_bank(HashAlg alg, json_t *values, PcrFile *ret) {
        const char *number;
        json_t *value;

        if (!json_is_object(values) || json_object_size(values) == 0)
                return "a bank without values";
        json_object_foreach(values, number, value) {
                unsigned pcr = 0;
                char again[4];

                while (pcr < PCR_COUNT && (snprintf(again, sizeof(again), "%u", pcr), !streq(again, number)))
                        pcr++;
                if (pcr == PCR_COUNT)
                        return "not the number of a PCR";
                if (take_hex(value, hash_size(alg), ret->values[pcr]))
                        return "not a digest of that bank in lower-case hexadecimal";
                ret->present |= 1U << pcr;
        }
        return NULL;
}

static const char *take_pcrs(json_t *value, PcrInputs *ret) {
        const char *name, *why;
        json_t *values;

        if (!json_is_object(value))
                return "not an object";
        json_object_foreach(value, name, values) {
                HashAlg alg = hash_from_name(name);

                if (alg == _HASH_INVALID)
                        return "not the name of a bank";
                why = take_bank(alg, values, &ret->files[alg]);
                if (why)
                        return why;
                ret->banks |= bank(alg);
        }
        return NULL;
}

/* Returns what is wrong; out of memory is *error. */
static const char *take(const EvidenceMember *m, json_t *value, void *member, int *error) {
        switch (m->type) {
        case EVIDENCE_TYPE_FORMAT:
                return take_format(value);
        case EVIDENCE_TYPE_PROVIDER:
                return take_provider(value, member);
        case EVIDENCE_TYPE_BASE64:
        case EVIDENCE_TYPE_HEX:
                return take_buffer(m, value, member, error);
        case EVIDENCE_TYPE_DIGEST:
                return take_hex(value, SHA256_SIZE, member);
        case EVIDENCE_TYPE_COUNT:
                return take_count(value, member);
        case EVIDENCE_TYPE_TEXT:
                return take_text(value, member, error);
        case EVIDENCE_TYPE_LIST:
        case EVIDENCE_TYPE_MAP:
                return take_texts(m, value, member, error);
        case EVIDENCE_TYPE_PCRS:
                return take_pcrs(value, member);
        default:
                return "of no type";
        }
}

static const EvidenceMember *find_member(const char *key) {
        const EvidenceMember *m;

        for (size_t i = 0; (m = evidence_member(i)); i++)
                if (streq(m->key, key))
                        return m;
        return NULL;
}

static int take_members(const char *text, size_t n, json_t *object, Evidence *ret, EvidenceError *reterr) {
        const EvidenceMember *m;
        const char *key, *why;
        json_t *value;
        int r = 0;

        json_object_foreach(object, key, value) {
                m = find_member(key);
                if (!m)
                        return fail(reterr, offset_of_key(text, n, key), NULL, "a key that is not known");
                why = take(m, value, (uint8_t *) ret + m->offset, &r);
                if (r == -ENOMEM)
                        return r;
                if (why)
                        return fail(reterr, offset_of_key(text, n, key), key, why);
        }
        for (size_t i = 0; (m = evidence_member(i)); i++)
                if (!evidence_member_is_optional(m) && !json_object_get(object, m->key))
                        return fail(reterr, 0, m->key, "the key is missing");
        return 0;
}

int evidence_parse(const void *data, size_t n, Evidence *ret, EvidenceError *reterr) {
        _cleanup_(evidence_done) Evidence e = {};
        json_auto_t *object = NULL;
        json_error_t error;
        int r;

        if (n > EVIDENCE_SIZE_MAX)
                return fail(reterr, EVIDENCE_SIZE_MAX, NULL, "more than 1 GiB");
        object = json_loadb(data, n, JSON_REJECT_DUPLICATES, &error);
        if (!object && (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory))
                return -ENOMEM;
        if (!object)
                return fail(reterr, MIN((size_t) error.position, n), NULL,
                            json_error_code(&error) == json_error_duplicate_key ? "the key is there twice"
                                                                                : "not JSON");
        if (!json_is_object(object))
                return fail(reterr, 0, NULL, "not a JSON object");
        r = take_members(data, n, object, &e, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(e);
        return 0;
}
