/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requirements of a guest's conduct. */

#include "policy/appraisal-guest.h"

#include "policy/policy.h"

const char *const allowed_gaps_words[] = {
        [ALLOWED_GAPS_NONE] = "none", [ALLOWED_GAPS_CLEAN] = "clean", [ALLOWED_GAPS_ALL] = "all", NULL
};
const char *const allowed_drills_words[] = {
        [ALLOWED_DRILLS_NONE] = "none", [ALLOWED_DRILLS_DENIED] = "denied", [ALLOWED_DRILLS_ALL] = "all", NULL
};
const char *const wanted_proof_words[] = {
        [WANTED_PROOF_NONE] = "none", [WANTED_PROOF_SEEN] = "seen", [WANTED_PROOF_REFUSED] = "refused", NULL
};

GuestRequirements guest_requirements_default(void) {
        return (GuestRequirements){
                .modes = UINT64_C(1) << MODE_OBSERVE | UINT64_C(1) << MODE_ENFORCE,
                .log_pcr = 13,
                .gaps = ALLOWED_GAPS_CLEAN,
                .drills = ALLOWED_DRILLS_DENIED,
                .proof = WANTED_PROOF_SEEN,
        };
}

void guest_requirements_done(GuestRequirements *q) {
        digest_list_done(&q->policies);
}
