/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading systemd's measurement log. */

#include "lib/systemdlog.h"

#include <jansson.h>

#include "lib/base/hex.h"
#include "lib/base/macro.h"

enum { RECORD_SEPARATOR = 0x1e };

static const char *take_digest(const json_t *item, BankDigests *ret) {
        const json_t *digest = json_object_get(item, "digest"), *alg = json_object_get(item, "hashAlg");
        HashAlg hash;

        if (!json_is_string(digest) || !json_is_string(alg))
                return "a digest without hashAlg and digest";
        hash = hash_from_name(json_string_value(alg));
        if (hash == _HASH_INVALID) /* a bank that nobody here looks at */
                return NULL;
        if (ret->banks & bank(hash))
                return "two digests of one algorithm";
        if (json_string_length(digest) != 2 * hash_size(hash) ||
            hex_decode(json_string_value(digest), hash_size(hash), ret->values[hash]) < 0)
                return "a digest that is not as long as its algorithm's";
        ret->banks |= bank(hash);
        return NULL;
}

static const char *take_digests(const json_t *record, BankDigests *ret) {
        const json_t *digests = json_object_get(record, "digests");
        const char *why = NULL;
        json_t *item;
        size_t i;

        if (!json_is_array(digests))
                return "a record without digests";
        json_array_foreach(digests, i, item) {
                why = take_digest(item, ret);
                if (why)
                        return why;
        }
        return NULL;
}

static const char *take_register(const json_t *record, int *ret) {
        const json_t *pcr = json_object_get(record, "pcr");

        if (!pcr) {
                *ret = -1;
                return json_is_integer(json_object_get(record, "nv_index")) ? NULL : "a record of no register";
        }
        if (!json_is_integer(pcr) || json_integer_value(pcr) < 0 || json_integer_value(pcr) >= PCR_COUNT)
                return "a register that a TPM has not";
        *ret = (int) json_integer_value(pcr);
        return NULL;
}

static const char *take_record(const char *text, size_t n, SystemdRecord *ret) {
        json_auto_t *record = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
        const char *why;

        *ret = (SystemdRecord){ .pcr = -1 };
        if (!json_is_object(record))
                return "a record that is no JSON object";
        why = take_register(record, &ret->pcr);
        return why ? why : take_digests(record, &ret->digests);
}

LogResult systemd_record_next(const char *text, size_t n, size_t *at, SystemdRecord *ret, const char **reterr_why) {
        const char *start = text + *at, *end;
        size_t left = n - *at;

        *reterr_why = NULL;
        if (left == 0)
                return LOG_END;
        if (*start != RECORD_SEPARATOR) {
                *reterr_why = "no record begins here";
                return LOG_BAD;
        }
        end = memchr(start, '\n', MIN(left, (size_t) SYSTEMD_RECORD_MAX));
        if (!end) {
                *reterr_why = left >= SYSTEMD_RECORD_MAX ? "a record that is too long" : "the end is missing";
                return left >= SYSTEMD_RECORD_MAX ? LOG_BAD : LOG_TRUNCATED;
        }
        *reterr_why = take_record(start + 1, (size_t) (end - start - 1), ret);
        if (*reterr_why)
                return LOG_BAD;
        *at += (size_t) (end + 1 - start);
        return LOG_ENTRY;
}
