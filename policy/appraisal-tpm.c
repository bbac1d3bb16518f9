/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of [Tpm]. */

#include "policy/appraisal-tpm.h"

#include <string.h>

#include "lib/pcr.h"

static const char hex_digits[] = "0123456789abcdefABCDEF";

static bool is_hex(const char *word, size_t n) {
        return strspn(word, hex_digits) >= n;
}

/* u16 algorithm and a digest. */
static bool is_name(const char *word, size_t n) {
        for (HashAlg alg = HASH_SHA256; alg < _HASH_MAX; alg++)
                if (n == 2 * (2 + hash_size(alg)))
                        return is_hex(word, n);
        return false;
}

static bool is_digest(const char *word, size_t n) {
        return n == (size_t) 2 * SHA256_SIZE && is_hex(word, n);
}

static bool is_uuid(const char *word, size_t n) {
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        if (n != sizeof(form) - 1)
                return false;
        for (size_t i = 0; i < n; i++)
                if (form[i] == '-' ? word[i] != '-' : !memchr(hex_digits, word[i], sizeof(hex_digits) - 1))
                        return false;
        return true;
}

/* One or more words of that form; the text is kept as it is. */
static const char *take_words(const Setting *s, const char **at, void *member, bool (*fits)(const char *, size_t),
                              const char *expected) {
        const char *whole = *at, *p = whole, *word;
        size_t n;

        while ((n = next_word(&p, &word)) > 0)
                if (!fits(word, n)) {
                        *at = word;
                        return expected;
                }
        return setting_text(s, &whole, member);
}

const char *setting_tpm_names(const Setting *s, const char **at, void *member) {
        return take_words(s, at, member, is_name, "Names like 000b and 64 hexadecimal digits");
}

const char *setting_tpm_digests(const Setting *s, const char **at, void *member) {
        return take_words(s, at, member, is_digest, "SHA-256 digests of 64 hexadecimal digits");
}

const char *setting_tpm_ids(const Setting *s, const char **at, void *member) {
        return take_words(s, at, member, is_uuid, "UUIDs like 7df7b373-b947-4aaa-96e5-c358f2a03d20");
}

const char *setting_tpm_pcrs(const Setting *s _unused_, const char **at, void *member) {
        const char *p = *at, *word;
        PcrSet set = 0;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                unsigned pcr = 0;

                *at = word;
                for (size_t i = 0; i < n; i++)
                        pcr = word[i] >= '0' && word[i] <= '9' && pcr < PCR_COUNT
                                      ? pcr * 10 + (unsigned) (word[i] - '0')
                                      : PCR_COUNT;
                if (pcr >= PCR_COUNT)
                        return "PCRs from 0 to 23";
                set |= 1U << pcr;
        }
        if (set == 0)
                return "PCRs from 0 to 23";
        *(PcrSet *) member = set;
        return NULL;
}
