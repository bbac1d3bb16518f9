/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify firmware-log: is this log of the firmware what was extended, and what does it say of the boot? */

#include "lib/base/cleanup.h"
#include "lib/firmware/appraise.h"
#include "tools/verify/evidence.h"
#include "tools/verify/log-arguments.h"
#include "tools/verify/show.h"
#include "tools/verify/stream.h"
#include "tools/verify/verbs.h"

DEFINE_CLEANUP(FirmwareAppraisal *, firmware_appraisal_free)

static int take(void *userdata, const void *data, size_t n, bool last, size_t *ret_used) {
        return firmware_appraisal_feed(userdata, data, n, last, ret_used);
}

int verb_firmware_log(int argc, char **argv) {
        _cleanup_(firmware_appraisal_freep) FirmwareAppraisal *appraisal = NULL;
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(appraisal_policy_done) AppraisalPolicy policy = {};
        LogArguments a;
        int r = log_arguments_parse(argc, argv, LOG_OPTION_POLICY,
                                    "firmware-log FILE [--pcrs [ALG:]FILE]… [--policy FILE] [--json]", &a);

        if (r == 0)
                r = appraisal_policy_read(a.policy_file, a.json, &policy);
        if (r != 0)
                return r;
        if (firmware_appraisal_new(&policy.firmware, &a.pcrs, &appraisal) < 0)
                return show_undecided(a.json, "out of memory");
        r = stream_file(a.file, a.json, take, appraisal);
        if (r != 0)
                return r;
        firmware_appraisal_end(appraisal, &checks);
        return show_checks(&checks, a.file, a.json);
}
