/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appraisal of an SVSM's guest. */

#include "lib/svsm/appraise.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/tpm/key.h"

/* What an EK's template (TCG EK Credential Profile 2.5, section 2.1.5) has: a storage key of this TPM and no other. */
static const char *ek_weakness(const TpmPublic *ek) {
        const uint32_t wanted = TPM_ATTRIBUTE_FIXED_TPM | TPM_ATTRIBUTE_FIXED_PARENT |
                                TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN | TPM_ATTRIBUTE_RESTRICTED | TPM_ATTRIBUTE_DECRYPT;

        if ((ek->attributes & (wanted | TPM_ATTRIBUTE_SIGN | TPM_ATTRIBUTE_ENCRYPTED_DUPLICATION)) != wanted)
                return "the key is not a storage key that its TPM made and that cannot leave it";
        return ek->name_alg == HASH_SHA1 ? "its Name is a SHA-1 digest" : NULL;
}

/* Names the EK in *ret_name. Returns NULL, or why it is none; *error is a negative errno when nothing was decided. */
static const char *read_ek(Bytes manifest, TpmName *ret_name, int *error) {
        _cleanup_(tpm_key_done) TpmKey key = {};
        const char *why = NULL;
        TpmPublic ek;

        *error = 0;
        if (tpm_public_parse(manifest.data, manifest.size, &ek, &why) < 0)
                return why;
        why = ek_weakness(&ek);
        if (why)
                return why;
        *error = tpm_key_from_public(&ek, &key, &why);
        if (*error >= 0)
                *error = tpm_public_name(&ek, ret_name);
        if (*error == -EINVAL)
                *error = 0;
        return why;
}

/* Returns whether the report binds nonce and manifest, or a negative errno. */
static int judge_report(const SvsmEvidence *e, CheckList *checks) {
        SnpAppraisal a = e->snp;
        uint8_t expected[SNP_REPORT_DATA_SIZE];
        int r = svsm_report_data(e->nonce, e->manifest.data, e->manifest.size, expected);

        if (r < 0)
                return r;
        a.report_data = expected;
        a.report_data_meaning = "the digest of nonce and manifest";
        snp_appraise(&a, checks);
        return check_list_passed(checks, "report-data");
}

int svsm_appraise(const SvsmEvidence *evidence, CheckList *checks) {
        char text[2 * TPM_NAME_MAX + 1];
        const char *why = NULL;
        TpmName name;
        Bytes vtpm;
        int bound = judge_report(evidence, checks), r;

        if (bound < 0)
                return bound;
        if (svsm_manifest_vtpm(evidence->manifest.data, evidence->manifest.size, &vtpm, &why) < 0) {
                check_add(checks, "svsm-manifest", CHECK_FAIL, "%s", why);
                check_add(checks, "ek-binding", CHECK_NA, "not looked at: see svsm-manifest");
                return 0;
        }
        check_add(checks, "svsm-manifest", CHECK_PASS, "%zu bytes of the vTPM, of %zu", vtpm.size,
                  evidence->manifest.size);
        why = read_ek(vtpm, &name, &r);
        if (r < 0)
                return r;
        if (!why && !bound)
                why = "the report does not bind the manifest that has the key";
        check_add(checks, "ek-binding", why ? CHECK_FAIL : CHECK_PASS, "%s%s", why ? why : "the report binds the EK ",
                  why ? "" : hex_encode(name.bytes, name.size, text));
        return 0;
}
