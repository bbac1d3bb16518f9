/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of the checks, and what each of them needs. */

#include <inttypes.h>
#include <stdio.h>

#include "lib/snp/appraise-internal.h"

enum {
        NEED_REPORT = 1 << 0, /* of a known size and version */
        NEED_VEK = 1 << 1,    /* a well-formed VCEK or VLEK */
        NEED_CHAIN = 1 << 2,  /* up to a root */
};

static CheckResult check_structure(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpReport *r = snp_report_view(c->in->report, c->in->report_size);
        const char *misfit;
        size_t offset;

        if (!r) {
                say(why, "a report has %d bytes, this has %zu", SNP_REPORT_SIZE, c->in->report_size);
                return CHECK_FAIL;
        }
        if (!c->report) {
                say(why, "the layout of its version is not known");
                return CHECK_NA;
        }
        misfit = snp_report_misfit(r, &offset);
        if (misfit)
                say(why, "at byte 0x%03zx: %s", offset, misfit);
        else
                say(why, "%d bytes, reserved ones are zero", SNP_REPORT_SIZE);
        return misfit ? CHECK_FAIL : CHECK_PASS;
}

static CheckResult check_version(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpReport *r = snp_report_view(c->in->report, c->in->report_size);

        if (!r) {
                say(why, "not looked at: see report-structure");
                return CHECK_NA;
        }
        say(why, c->report ? "version %" PRIu32 : "unsupported version %" PRIu32 "; known are %d to %d",
            snp_u32(r->version), SNP_REPORT_VERSION_MIN, SNP_REPORT_VERSION_MAX);
        return c->report ? CHECK_PASS : CHECK_FAIL;
}

static const struct {
        const char *name;
        CheckFunction function; /* NULL: check_field() of that field */
        SnpField field;
        unsigned needs;
} checks_of_a_report[] = {
        { "report-structure", check_structure, 0, 0 },
        { "report-version", check_version, 0, 0 },
        { "product", check_product, 0, NEED_REPORT | NEED_VEK },
        { "signing-key", check_signing_key, 0, NEED_REPORT },
        { "signature", check_signature, 0, NEED_REPORT | NEED_VEK },
        { "chain", check_chain, 0, 0 },
        { "root", check_root, 0, NEED_CHAIN },
        { "certificate-validity", check_validity, 0, NEED_CHAIN },
        { "revocation", check_revocation, 0, NEED_CHAIN },
        { "provider", check_provider, 0, NEED_VEK },
        { "chip-id", check_chip_id, 0, NEED_REPORT | NEED_VEK },
        { "chip-allowed", NULL, SNP_FIELD_CHIP_ID, NEED_REPORT | NEED_VEK },
        { "reported-tcb", check_reported_tcb, 0, NEED_REPORT | NEED_VEK },
        { "tcb-order", check_tcb_order, 0, NEED_REPORT | NEED_VEK },
        { "tcb-floor", check_tcb_floor, 0, NEED_REPORT | NEED_VEK },
        { "firmware", check_firmware, 0, NEED_REPORT },
        { "mitigations", check_mitigations, 0, NEED_REPORT },
        { "platform", check_platform, 0, NEED_REPORT },
        { "guest-policy", check_guest_policy, 0, NEED_REPORT },
        { "migration-agent", check_migration_agent, 0, NEED_REPORT },
        { "vmpl", check_vmpl, 0, NEED_REPORT },
        { "guest-svn", check_guest_svn, 0, NEED_REPORT },
        { "report-data", check_report_data, 0, NEED_REPORT },
        { "measurement", NULL, SNP_FIELD_MEASUREMENT, NEED_REPORT },
        { "host-data", NULL, SNP_FIELD_HOST_DATA, NEED_REPORT },
        { "id-key", NULL, SNP_FIELD_ID_KEY_DIGEST, NEED_REPORT },
        { "author-key", NULL, SNP_FIELD_AUTHOR_KEY_DIGEST, NEED_REPORT },
        { "family-id", NULL, SNP_FIELD_FAMILY_ID, NEED_REPORT },
        { "image-id", NULL, SNP_FIELD_IMAGE_ID, NEED_REPORT },
        { "report-id", NULL, SNP_FIELD_REPORT_ID, NEED_REPORT },
};

/* What is missing, or NULL. One of the checks named in the answer has failed. */
static const char *missing(const Context *c, unsigned needs) {
        if (needs & NEED_REPORT && !c->report)
                return "not looked at: see report-structure and report-version";
        if (needs & NEED_VEK && *c->e->vek_problem)
                return "not looked at: see signing-key and chain";
        if (needs & NEED_CHAIN && !c->e->root)
                return "not looked at: see chain";
        return NULL;
}

void snp_appraise(const SnpAppraisal *a, CheckList *checks) {
        const SnpReport *r = snp_report_view(a->report, a->report_size);
        uint32_t version = r ? snp_u32(r->version) : 0;
        Context c = { .in = a, .report = r, .e = a->endorsements, .q = a->requirements };

        if (version < SNP_REPORT_VERSION_MIN || version > SNP_REPORT_VERSION_MAX)
                c.report = NULL;
        for (size_t i = 0; i < ELEMENTSOF(checks_of_a_report); i++) {
                const char *absent = missing(&c, checks_of_a_report[i].needs);
                char why[SNP_DETAIL_MAX] = "";
                CheckResult result = CHECK_NA;

                if (absent)
                        say(why, "%s", absent);
                else if (checks_of_a_report[i].function)
                        result = checks_of_a_report[i].function(&c, why);
                else
                        result = check_field(&c, checks_of_a_report[i].field, why);
                check_add(checks, checks_of_a_report[i].name, result, "%s", why);
        }
}
