/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where an attestation key is from. */

#include "lib/tpm/origin.h"

#include "lib/base/hex.h"
#include "lib/tpm/certificate.h"

static int judge_certificate(const AkOrigin *o, CheckList *checks, CheckResult *ret) {
        bool given = o->certificates.size > 0, wanted = o->requirements->ak_roots != NULL;

        if (given && o->key)
                return ak_certificate_appraise(o->certificates, o->key, o->requirements, o->at, checks, ret);
        *ret = !given && wanted ? CHECK_FAIL : CHECK_NA;
        check_add(checks, "ak-certificate", *ret, "%s",
                  given    ? o->problem
                  : wanted ? "it is said who must have issued it (AkRoot=), and none is there"
                           : "there is none");
        return 0;
}

static void judge_origin(const AkOrigin *o, CheckResult certificate, CheckList *checks) {
        static const char name[] = "ak-origin";
        const TpmRequirements *q = o->requirements;
        CheckResult unless_pinned = q->require_ak_origin ? CHECK_FAIL : CHECK_NA;
        char text[2 * TPM_NAME_MAX + 1];
        bool pinned;

        if (!o->key) {
                check_add(checks, name, unless_pinned, "there is no key");
                return;
        }
        hex_encode(o->name->bytes, o->name->size, text);
        pinned = q->ak_names && tpm_requirements_have(q->ak_names, text);
        if (q->ak_names)
                check_add(checks, name, pinned ? CHECK_PASS : CHECK_FAIL, "%s is %sthe key with a pinned Name", text,
                          pinned ? "" : "not ");
        else if (certificate != CHECK_NA)
                check_add(checks, name, certificate,
                          certificate == CHECK_PASS ? "an authority that is pinned vouches for the key"
                                                    : "no certificate of a pinned authority vouches for the key");
        else
                check_add(checks, name, unless_pinned, "%s: %s (AkName= and AkRoot= pin who must vouch for it)", text,
                          o->unvouched);
}

int ak_appraise_origin(const AkOrigin *o, CheckList *checks) {
        CheckResult certificate;
        int r = judge_certificate(o, checks, &certificate);

        if (r >= 0)
                judge_origin(o, certificate, checks);
        return r;
}
