/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of [Snp]. */

#include "policy/appraisal-snp.h"

#include "lib/base/hex.h"
#include "lib/snp/requirements.h"

static bool word_is(const char *word, size_t n, const char *expected) {
        return n > 0 && strlen(expected) == n && memcmp(word, expected, n) == 0;
}

/* n decimal digits at most; false unless all of the n characters are digits of a number up to max. */
static bool parse_number(const char *text, size_t n, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;

        if (n == 0 || n > 10)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                v = v * 10 + (uint64_t) (text[i] - '0');
        }
        *ret = v;
        return v <= max;
}

const char *setting_vmpls(const Setting *s _unused_, const char **at, void *member) {
        const char *p = *at, *word;
        uint64_t set = 0, level;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                *at = word;
                if (!parse_number(word, n, SNP_VMPL_MAX, &level))
                        return "privilege levels from 0 to 3";
                set |= UINT64_C(1) << level;
        }
        if (set == 0)
                return "privilege levels from 0 to 3";
        *(uint64_t *) member = set;
        return NULL;
}

const char *setting_mask(const Setting *s _unused_, const char **at, void *member) {
        const char *digits = startswith(*at, "0x") ? *at + 2 : "";
        size_t n = strlen(digits);
        uint8_t bytes[sizeof(uint64_t)] = {};
        char padded[2 * sizeof(bytes) + 1];
        uint64_t v = 0;

        if (n == 0 || n > 2 * sizeof(bytes))
                return "bits in hexadecimal, like 0x3f";
        memset(padded, '0', sizeof(padded) - 1);
        memcpy(padded + sizeof(padded) - 1 - n, digits, n + 1);
        if (hex_decode(padded, sizeof(bytes), bytes) < 0)
                return "bits in hexadecimal, like 0x3f";
        for (size_t i = 0; i < sizeof(bytes); i++)
                v = v << 8 | bytes[i];
        *(uint64_t *) member = v;
        return NULL;
}

const char *setting_version(const Setting *s, const char **at, void *member) {
        const char *p = *at;
        uint64_t v = 0, part;

        for (uint64_t i = 0; i <= s->max; i++) {
                size_t n = strcspn(p, ".");

                if (!parse_number(p, n, UINT8_MAX, &part) || (p[n] == '.') != (i < s->max))
                        return s->max == 1 ? "two numbers from 0 to 255 with a dot between them, like 1.55"
                                           : "three numbers from 0 to 255 with dots between them, like 1.55.29";
                v = v << 8 | part;
                p += n + 1;
        }
        *(uint64_t *) member = v;
        return NULL;
}

/* "bootloader:4 tee:0 snp:24 microcode:219": what is not named has no floor. */
static const char *parse_floor(SnpProduct product, const char **at, SnpTcb *ret) {
        const char *p = *at, *word;
        SnpTcb tcb = {};
        unsigned seen = 0;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                const char *colon = memchr(word, ':', n);
                TcbPart part = 0;
                uint64_t v;

                *at = word;
                while (colon && part < _TCB_MAX && !word_is(word, (size_t) (colon - word), tcb_part_names[part]))
                        part++;
                if (!colon || part == _TCB_MAX || !snp_product_has_part(product, part) ||
                    !parse_number(colon + 1, (size_t) (word + n - colon - 1), UINT8_MAX, &v))
                        return "words like snp:24 and microcode:219, of the parts that this generation has";
                if (seen & 1U << part)
                        return "each part once";
                seen |= 1U << part;
                tcb.parts[part] = (uint8_t) v;
        }
        if (!seen)
                return "words like snp:24 and microcode:219";
        *ret = tcb;
        return NULL;
}

const char *setting_floor(const Setting *s, const char **at, void *member) {
        SnpRequirements *q = (void *) ((char *) member - offsetof(SnpRequirements, floor) - s->min * sizeof(SnpTcb));
        const char *expected = parse_floor((SnpProduct) s->min, at, member);

        if (!expected)
                q->floors |= UINT64_C(1) << s->min;
        return expected;
}

const char *setting_launch_floor(const Setting *s, const char **at, void *member) {
        SnpRequirements *q =
                (void *) ((char *) member - offsetof(SnpRequirements, launch_floor) - s->min * sizeof(SnpTcb));
        const char *expected = parse_floor((SnpProduct) s->min, at, member);

        if (!expected)
                q->launch_floors |= UINT64_C(1) << s->min;
        return expected;
}

/* Hexadecimal values, blanks between them. A chip's id may have 8 bytes, as on Turin: the rest is zeros then. */
const char *setting_values(const Setting *s, const char **at, void *member) {
        static const char expected[] = "hexadecimal values, each with all bytes of that field";
        SnpField field = (SnpField) s->min;
        SnpRequirements *q =
                (void *) ((char *) member - offsetof(SnpRequirements, values) - field * sizeof(SnpValues));
        SnpRequirements fresh = {};
        const char *p = *at, *word, *wrong = NULL;
        size_t n;

        while (!wrong && (n = next_word(&p, &word)) > 0) {
                uint8_t value[SNP_REPORT_DATA_SIZE] = {};
                bool is_short = field == SNP_FIELD_CHIP_ID && n == 2 * SNP_CHIP_ID_SHORT_SIZE;

                *at = word;
                if ((n != 2 * snp_fields[field].size && !is_short) || hex_decode(word, n / 2, value) < 0)
                        wrong = expected;
                else if (snp_values_add(&fresh, field, value) < 0)
                        wrong = "more memory";
        }
        if (!wrong && fresh.values[field].count == 0)
                wrong = expected;
        if (!wrong) {
                SnpValues old = q->values[field];

                q->values[field] = fresh.values[field];
                fresh.values[field] = old;
        }
        snp_requirements_done(&fresh);
        return wrong;
}
