/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates, policy and time from a command line. */

#include "tools/verify/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/unitfile.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"

void snp_inputs_done(SnpInputs *in) {
        snp_endorsements_free(in->endorsements);
        appraisal_policy_done(&in->policy);
        *in = (SnpInputs){};
}

bool snp_option(SnpArguments *a, int option, const char *value, bool json, int *error) {
        uint64_t at = 0;

        *error = 0;
        switch (option) {
        case OPTION_VEK:
                a->vek = value;
                return true;
        case OPTION_CHAIN:
                a->chain = value;
                return true;
        case OPTION_CRL:
                a->crl = value;
                return true;
        case OPTION_POLICY:
                a->policy_file = value;
                return true;
        case OPTION_AT:
                *error = input_number("--at", value, INT32_MAX * UINT64_C(100), json, &at);
                a->at = (int64_t) at;
                a->has_at = true;
                return true;
        case OPTION_ALLOW_SIMULATED:
                a->allow_simulated = true;
                return true;
        default:
                return false;
        }
}

/* All problems on standard error; the first one is the error's text. */
static int show_problems(const ProblemList *problems, bool json) {
        _cleanup_free_ char *first = problems->size > 0 ? problem_format(&problems->items[0]) : NULL;

        for (size_t i = 1; i < problems->size; i++) {
                _cleanup_free_ char *text = problem_format(&problems->items[i]);

                fprintf(stderr, "sealwatch-verify: %s\n", strempty(text));
        }
        return show_undecided(json, "%s", first ? first : "out of memory");
}

int appraisal_policy_read(const char *path, bool json, AppraisalPolicy *ret) {
        _cleanup_(problem_list_done) ProblemList problems = {};
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        *ret = appraisal_policy_default();
        if (!path)
                return 0;
        r = input_file(path, UNITFILE_SIZE_MAX, json, &text, &n);
        if (r != 0)
                return r;
        r = appraisal_policy_apply(ret, path, text, n, &problems);
        if (r < 0)
                return show_undecided(json, "cannot read %s: %s", path, strerror(-r));
        return problem_list_is_empty(&problems) ? 0 : show_problems(&problems, json);
}

int snp_inputs_read(const SnpArguments *a, bool json, SnpInputs *ret) {
        _cleanup_free_ char *vek = NULL, *chain = NULL, *crl = NULL;
        SnpEndorsementFiles files = {};
        int r;

        r = appraisal_policy_read(a->policy_file, json, &ret->policy);
        if (r == 0)
                r = input_file(a->vek, SNP_FILE_MAX, json, &vek, &files.vek_size);
        if (r == 0)
                r = input_file(a->chain, SNP_FILE_MAX, json, &chain, &files.chain_size);
        if (r == 0 && a->crl)
                r = input_file(a->crl, SNP_FILE_MAX, json, &crl, &files.crl_size);
        if (r != 0)
                return r;
        files.vek = vek;
        files.chain = chain;
        files.crl = crl;
        ret->at = a->has_at ? a->at : time(NULL);
        r = snp_endorsements_new(&files, &ret->endorsements);
        return r < 0 ? show_undecided(json, "cannot read the certificates: %s", strerror(-r)) : 0;
}

char *snp_subject(const char *path, const SnpEndorsements *e) {
        char *text;

        return asprintf(&text, "%s%s", path, snp_endorsements_are_simulated(e) ? " (SIMULATED)" : "") < 0 ? NULL
                                                                                                          : text;
}
