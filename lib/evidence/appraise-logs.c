/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The logs of others: the firmware's, and the kernel's IMA list. */

#include <inttypes.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/appraise-internal.h"

DEFINE_CLEANUP(ImaAppraisal *, ima_appraisal_free)

enum { IMA_PCR = 10 };

static const char *const firmware_names[][2] = { { "log-structure", "firmware-log-structure" },
                                                 { "log-replay", "firmware-log-replay" },
                                                 {} };
static const char *const ima_names[][2] = { { "log-structure", "ima-list-structure" },
                                            { "log-replay", "ima-list-replay" },
                                            {} };

/* True when the register was quoted and is not what it is after a reset. */
static bool is_used(const PcrInputs *pcrs, unsigned pcr) {
        static const uint8_t zero[DIGEST_MAX];

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (pcrs->banks & bank(alg) && pcrs->files[alg].present & 1U << pcr &&
                    memcmp(pcrs->files[alg].values[pcr], zero, hash_size(alg)) != 0)
                        return true;
        return false;
}

static bool firmware_log_is_wanted(const FirmwareRequirements *q) {
        bool wanted = q->require_secure_boot || q->minimum_sbat != 0;

        for (size_t i = 0; i < _ITEMS_MAX; i++)
                wanted = wanted || q->lists[i].size > 0;
        return wanted;
}

int evidence_judge_firmware(EvidenceContext *c) {
        const Buffer *log = &c->e->parts[EVIDENCE_FIRMWARE_LOG];
        _cleanup_(check_list_done) CheckList found = {};
        FirmwareRequirements q = *c->in->firmware;
        const EvidenceBase *base = &c->found->base;
        bool used = false, wanted = firmware_log_is_wanted(&q);
        int r;

        for (unsigned pcr = 0; pcr <= 7; pcr++)
                used = used || (is_used(&c->e->pcrs, pcr) && !(base->lock.pcrs & 1U << pcr));
        if (log->size == 0) {
                check_add(c->checks, "firmware-log", used || wanted ? CHECK_FAIL : CHECK_NA, "there is none%s",
                          used     ? ", and the firmware has extended PCRs"
                          : wanted ? ", and the policy asks what it says"
                                   : "; the firmware measured nothing");
                return 0;
        }
        if (base->cap.pcrs)
                q.later[q.n_later++] = base->cap;
        for (unsigned i = 0; i < 2 && base->lock.pcrs; i++) /* a plan that was cut off is carried out once more */
                q.later[q.n_later++] = base->lock;
        r = firmware_appraise(&q, &c->e->pcrs, log->data, log->size, &found);
        if (r >= 0)
                check_list_take(c->checks, &found, firmware_names);
        return r;
}

static int appraise_list(const EvidenceContext *c, const ImaRequirements *q, bool padded, ImaAppraisal **ret) {
        const Buffer *list = &c->e->parts[EVIDENCE_IMA_LIST];
        size_t used;
        int r = ima_appraisal_new(q, &c->e->pcrs, padded, ret);

        if (r < 0)
                return r;
        if (c->e->ima_since > 0)
                ima_appraisal_resume(*ret, c->in->base->ima_entries, &c->in->base->ima_value);
        return ima_appraisal_feed(*ret, list->data, list->size, true, &used);
}

static int judge_list(EvidenceContext *c, const ImaRequirements *q) {
        _cleanup_(ima_appraisal_freep) ImaAppraisal *a = NULL, *padded = NULL;
        _cleanup_(check_list_done) CheckList found = {};
        EvidenceBase *base = &c->found->base;
        int r = appraise_list(c, q, false, &a);

        if (r >= 0 && c->e->ima_since == 0 && ima_appraisal_wants_padded(a))
                r = appraise_list(c, q, true, &padded);
        if (r < 0)
                return r;
        ima_appraisal_end(padded && ima_appraisal_replays(padded) ? padded : a, &found);
        check_list_take(c->checks, &found, ima_names);
        base->ima_entries = ima_appraisal_anchored(a);
        base->ima_value = (BankDigests){ .banks = c->e->pcrs.banks };
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (c->e->pcrs.banks & bank(alg))
                        memcpy(base->ima_value.values[alg], c->e->pcrs.files[alg].values[IMA_PCR], hash_size(alg));
        return 0;
}

int evidence_judge_ima(EvidenceContext *c) {
        const EvidenceBase *before = c->in->base;
        const Buffer *list = &c->e->parts[EVIDENCE_IMA_LIST];
        ImaRequirements q = *c->in->ima;
        bool used = is_used(&c->e->pcrs, IMA_PCR), wanted = q.require_boot_aggregate || q.forbid_violations;

        q.allow_tail = true; /* it was read behind the quote, and the kernel does not stop */
        q.continued |= c->found->base.lock.pcrs;
        if (c->e->ima_since > 0 &&
            (!before || before->ima_entries != c->e->ima_since || before->ima_value.banks != c->e->pcrs.banks)) {
                check_add(c->checks, "ima-list", CHECK_FAIL,
                          "the first %" PRIu64 " entries are left out, which is not what was seen before",
                          c->e->ima_since);
                return 0;
        }
        if (list->size == 0 && c->e->ima_since == 0) {
                check_add(c->checks, "ima-list", used || wanted ? CHECK_FAIL : CHECK_NA, "there is none%s",
                          used     ? ", and PCR 10 was extended"
                          : wanted ? ", and the policy asks what it says"
                                   : "; PCR 10 was not extended, or not quoted");
                return 0;
        }
        return judge_list(c, &q);
}
