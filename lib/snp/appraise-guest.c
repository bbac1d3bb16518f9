/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is this the guest that was meant, protected as it should be? */

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/hex.h"
#include "lib/snp/appraise-internal.h"

/* Names of the set bits, after each other; bits without a name as numbers. */
static const char *name_bits(uint64_t bits, const char *const *words, unsigned first, char ret[SNP_DETAIL_MAX]) {
        size_t used = 0, n = 0;

        ret[0] = '\0';
        while (words[n])
                n++;
        for (unsigned bit = 0; bit < 64 && used < SNP_DETAIL_MAX; bit++)
                if (snp_bit(bits, bit)) {
                        const char *word = bit >= first && bit - first < n ? words[bit - first] : "";

                        used += (size_t) (*word ? snprintf(ret + used, SNP_DETAIL_MAX - used, " %s", word)
                                                : snprintf(ret + used, SNP_DETAIL_MAX - used, " bit-%u", bit));
                }
        return ret[0] ? ret : " nothing";
}

CheckResult check_guest_policy(const Context *c, char why[SNP_DETAIL_MAX]) {
        uint64_t policy = snp_u64(c->report->policy), abi = policy & 0xffff;
        uint64_t set = policy & ~UINT64_C(0xffff) & ~(UINT64_C(1) << SNP_POLICY_ONE);
        uint64_t weak = set & SNP_POLICY_WEAKENING & ~c->q->policy_allowed, absent = c->q->policy_required & ~set;
        char bits[SNP_DETAIL_MAX];

        if (weak)
                say(why, "allows what is not allowed:%.400s", name_bits(weak, snp_policy_words, SNP_POLICY_SMT, bits));
        else if (absent)
                say(why, "does not require:%.400s", name_bits(absent, snp_policy_words, SNP_POLICY_SMT, bits));
        else if (abi < c->q->minimum_abi)
                say(why, "runs with an ABI from %" PRIu64 ".%" PRIu64 " on, which is below %" PRIu64 ".%" PRIu64,
                    abi >> 8, abi & 0xff, c->q->minimum_abi >> 8, c->q->minimum_abi & 0xff);
        else {
                say(why, "0x%" PRIx64 ":%.400s", policy, name_bits(set, snp_policy_words, SNP_POLICY_SMT, bits));
                return CHECK_PASS;
        }
        return CHECK_FAIL;
}

/* A migration agent can read and move the guest. Where the policy admits none, the report must not name one either. */
CheckResult check_migration_agent(const Context *c, char why[SNP_DETAIL_MAX]) {
        bool admitted = snp_bit(snp_u64(c->report->policy), SNP_POLICY_MIGRATION_AGENT);
        bool allowed = snp_bit(c->q->policy_allowed, SNP_POLICY_MIGRATION_AGENT), bound = false;

        for (size_t i = 0; i < SNP_REPORT_ID_SIZE; i++)
                bound = bound || c->report->report_id_ma[i] != 0xff;
        if (!bound)
                say(why, "none is bound to the guest");
        else if (!admitted)
                say(why, "one is bound to the guest, though its policy admits none");
        else
                say(why, "one is bound to the guest%s", allowed ? "" : ", which is not allowed");
        return !bound || (admitted && allowed) ? CHECK_PASS : CHECK_FAIL;
}

CheckResult check_platform(const Context *c, char why[SNP_DETAIL_MAX]) {
        uint64_t info = snp_u64(c->report->platform_info);
        uint64_t absent = c->q->platform_required & ~info, present = c->q->platform_forbidden & info;
        bool asked = c->q->platform_required || c->q->platform_forbidden;
        char bits[SNP_DETAIL_MAX];

        if (absent)
                say(why, "without:%.400s", name_bits(absent, snp_platform_words, 0, bits));
        else if (present)
                say(why, "not allowed:%.400s", name_bits(present, snp_platform_words, 0, bits));
        else
                say(why, "%s:%.400s", asked ? "as asked for" : "nothing is asked for; there is",
                    name_bits(info, snp_platform_words, 0, bits));
        return absent || present ? CHECK_FAIL : asked ? CHECK_PASS : CHECK_NA;
}

CheckResult check_vmpl(const Context *c, char why[SNP_DETAIL_MAX]) {
        uint32_t vmpl = snp_u32(c->report->vmpl);

        if (vmpl > SNP_VMPL_MAX)
                say(why,
                    vmpl == UINT32_MAX ? "the host asked for this report, not the guest"
                                       : "there is no privilege level %" PRIu32,
                    vmpl);
        else if (!snp_bit(c->q->vmpls, vmpl))
                say(why, "asked for at privilege level %" PRIu32 ", which is not allowed", vmpl);
        else {
                say(why, "asked for at privilege level %" PRIu32, vmpl);
                return CHECK_PASS;
        }
        return CHECK_FAIL;
}

CheckResult check_guest_svn(const Context *c, char why[SNP_DETAIL_MAX]) {
        uint32_t svn = snp_u32(c->report->guest_svn);

        if (c->q->minimum_guest_svn == 0) {
                say(why, "any will do; it is %" PRIu32, svn);
                return CHECK_NA;
        }
        say(why, "%" PRIu32 " is %s %" PRIu64, svn, svn < c->q->minimum_guest_svn ? "less than" : "at least",
            c->q->minimum_guest_svn);
        return svn < c->q->minimum_guest_svn ? CHECK_FAIL : CHECK_PASS;
}

/* The report's own value; where the host masks the chip's id, the certificate of its key still names it. */
static const uint8_t *value_of(const Context *c, SnpField field) {
        const uint8_t *value = (const uint8_t *) c->report + snp_fields[field].offset;

        if (field == SNP_FIELD_CHIP_ID && c->e->claims.role == SNP_VCEK && snp_is_zero(value, SNP_CHIP_ID_SIZE))
                return c->e->claims.chip_id;
        return value;
}

CheckResult check_field(const Context *c, SnpField field, char why[SNP_DETAIL_MAX]) {
        const SnpValues *values = &c->q->values[field];
        size_t size = snp_fields[field].size;
        const uint8_t *value = value_of(c, field);
        char text[2 * SNP_REPORT_DATA_SIZE + 1];

        hex_encode(value, size, text);
        if (values->count == 0) {
                say(why, "no reference value; it is %s", text);
                return CHECK_NA;
        }
        for (size_t i = 0; i < values->count; i++)
                if (memcmp(values->data + i * size, value, size) == 0) {
                        say(why, "%s, as asked for", text);
                        return CHECK_PASS;
                }
        say(why, "%s is %s", text, values->count == 1 ? "not the reference value" : "none of the reference values");
        return CHECK_FAIL;
}

/* Whoever knows what the report must bind, and the policy: both count. */
CheckResult check_report_data(const Context *c, char why[SNP_DETAIL_MAX]) {
        const uint8_t *wanted = c->in->report_data;
        bool equal = wanted && memcmp(wanted, c->report->report_data, SNP_REPORT_DATA_SIZE) == 0;
        char text[2 * SNP_REPORT_DATA_SIZE + 1];

        if (!wanted || (equal && c->q->values[SNP_FIELD_REPORT_DATA].count > 0))
                return check_field(c, SNP_FIELD_REPORT_DATA, why);
        hex_encode(c->report->report_data, SNP_REPORT_DATA_SIZE, text);
        say(why, "%s is %s%s", text, equal ? "" : "not ", c->in->report_data_meaning);
        return equal ? CHECK_PASS : CHECK_FAIL;
}
