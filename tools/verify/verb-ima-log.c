/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify ima-log: is this list of the kernel's what was extended into these PCRs? */

#include "lib/base/cleanup.h"
#include "lib/ima/appraise.h"
#include "tools/verify/evidence.h"
#include "tools/verify/input.h"
#include "tools/verify/log-arguments.h"
#include "tools/verify/show.h"
#include "tools/verify/stream.h"
#include "tools/verify/verbs.h"

DEFINE_CLEANUP(ImaAppraisal *, ima_appraisal_free)

static int take(void *userdata, const void *data, size_t n, bool last, size_t *ret_used) {
        return ima_appraisal_feed(userdata, data, n, last, ret_used);
}

static int read_list(const LogArguments *a, const ImaRequirements *q, bool padded, ImaAppraisal **ret) {
        _cleanup_(ima_appraisal_freep) ImaAppraisal *appraisal = NULL;
        int r;

        if (ima_appraisal_new(q, &a->pcrs, padded, &appraisal) < 0)
                return show_undecided(a->json, "out of memory");
        r = stream_file(a->file, a->json, take, appraisal);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(appraisal);
        return 0;
}

int verb_ima_log(int argc, char **argv) {
        _cleanup_(ima_appraisal_freep) ImaAppraisal *appraisal = NULL, *padded = NULL;
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(appraisal_policy_done) AppraisalPolicy policy = {};
        LogArguments a;
        int r = log_arguments_parse(
                argc, argv, LOG_OPTION_PCR | LOG_OPTION_TAIL | LOG_OPTION_POLICY,
                "ima-log FILE [--pcrs [ALG:]FILE]… [--pcr N] [--allow-tail] [--policy FILE] [--json]", &a);

        if (r == 0)
                r = appraisal_policy_read(a.policy_file, a.json, &policy);
        if (r != 0)
                return r;
        policy.log.pcr = a.pcr;
        policy.log.allow_tail |= a.allow_tail;
        r = read_list(&a, &policy.log, false, &appraisal);
        if (r == 0 && ima_appraisal_wants_padded(appraisal)) {
                if (input_is_regular(a.file))
                        r = read_list(&a, &policy.log, true, &padded);
                else if (policy.log.allow_padded_sha1)
                        r = show_undecided(a.json, "with AllowPaddedSha1=, %s must be a file, which can be read twice",
                                           a.file);
        }
        if (r != 0)
                return r;
        ima_appraisal_end(padded && ima_appraisal_replays(padded) ? padded : appraisal, &checks);
        return show_checks(&checks, a.file, a.json);
}
