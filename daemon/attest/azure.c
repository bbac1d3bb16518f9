/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Azure: the paravisor answers through its vTPM. What is written to one NV index shows up in the claims that the report of
 * another one binds (microsoft/openvmm, tpm_device). That report is made anew when it is read from offset 0, at most every
 * two seconds, and an older one is served without a word in between, or for ever when the paravisor is not content with its
 * own key. So only our own bytes in the claims say that it is of now. */

#include <errno.h>

#include "daemon/attest/provider.h"
#include "lib/azure/claims.h"
#include "lib/azure/hcl.h"
#include "lib/base/alloc.h"

enum { NV_REPORT = 0x01400001, NV_USER_DATA = 0x01400002, TRIES = 6 };

#define REFRESH_PAUSE (2200 * USEC_PER_MSEC)

static_assert((int) HCL_USER_DATA_SIZE == (int) SNP_REPORT_DATA_SIZE,
              "what is written is what a report's data would be");

typedef enum State {
        STATE_FRESH,
        STATE_STALE, /* of other user data: an earlier one, or somebody else has written there, too */
        STATE_TORN,  /* two readers at once: the claims are not those of the report */
        STATE_BAD,   /* it is no such blob */
        _STATE_MAX,
} State;

/* Are the claims those that the report binds, and are they ours? Claims without user data (of old paravisors) are as fresh as
 * they get. */
static State judge(const Gathered *ret, const HclBlob *blob, const char **reterr_why) {
        _cleanup_(hcl_claims_done) HclClaims claims = {};
        uint8_t bound[SNP_REPORT_DATA_SIZE];
        int r = hcl_report_data(blob, bound);

        *reterr_why = "out of memory";
        if (r < 0)
                return STATE_BAD;
        if (memcmp(snp_report_view(blob->report.data, blob->report.size)->report_data, bound, sizeof(bound)) != 0)
                return STATE_TORN;
        if (hcl_claims_parse(blob->claims.data, blob->claims.size, &claims, reterr_why) < 0)
                return STATE_BAD;
        return !claims.has_user_data || memcmp(claims.user_data, ret->report_data, HCL_USER_DATA_SIZE) == 0
                       ? STATE_FRESH
                       : STATE_STALE;
}

static State take(const Buffer *nv, Gathered *ret, const char **reterr_why) {
        size_t offset;
        HclBlob blob;
        State s;

        if (hcl_parse(nv->data, nv->size, &blob, &offset, reterr_why) < 0)
                return STATE_BAD;
        s = judge(ret, &blob, reterr_why);
        if (s != STATE_FRESH)
                return s;
        buffer_bytes(&ret->report, blob.report.data, blob.report.size);
        buffer_bytes(&ret->hcl, nv->data, HCL_CLAIMS_OFFSET + blob.claims.size);
        return s;
}

/* One attempt: *ret_state is what it led to. 0, or an error of the TPM. */
static int attempt(Gathering *g, Gathered *ret, State *ret_state, const char **reterr_why) {
        const AttestTpm *tpm = g->options->tpm;
        _cleanup_(buffer_done) Buffer nv = {};
        int r = tpm->nv_write(tpm->userdata, NV_USER_DATA, ret->report_data, HCL_USER_DATA_SIZE, ret->why);

        if (r >= 0)
                r = tpm->nv_read(tpm->userdata, NV_REPORT, &nv, ret->why);
        if (r >= 0)
                *ret_state = take(&nv, ret, reterr_why);
        return r;
}

static AttestFailure fail(Gathered *ret, State s, const char *why) {
        switch (s) {
        case STATE_STALE:
                return gather_fail(ret, ATTEST_STALE_REPORT,
                                   "azure: the paravisor's claims do not take up what we write to NV index 0x%08x",
                                   NV_USER_DATA);
        case STATE_TORN:
                return gather_fail(ret, ATTEST_PROVIDER_BUSY, "azure: the report does not bind the claims beside it");
        default:
                return gather_fail(ret, ATTEST_PROVIDER_FAILED, "azure: %s", why);
        }
}

/* Writing again each time is against others who write there; a blob that was caught half-written can look like anything. */
static AttestFailure azure_report(Gathering *g, Gathered *ret) {
        const char *why = "";
        State s = STATE_STALE;

        for (unsigned n = 0; n < TRIES; n++) {
                int r;

                if (n > 0 && !gather_pause(g, REFRESH_PAUSE))
                        return gather_fail(ret, ATTEST_CANCELLED, "the daemon ends");
                r = attempt(g, ret, &s, &why);
                if (r == -ENOENT)
                        return gather_fail(ret, ATTEST_NO_PROVIDER, "azure: there is no NV index 0x%08x", NV_REPORT);
                if (r < 0)
                        return gather_fail_tpm(ret, r);
                g->azure_found = s == STATE_FRESH;
                if (s == STATE_FRESH)
                        return buffer_error(&ret->report) < 0 || buffer_error(&ret->hcl) < 0
                                       ? gather_fail(ret, ATTEST_INTERNAL, "out of memory")
                                       : ATTEST_GATHERED;
        }
        return fail(ret, s, why);
}

static bool azure_is_there(Gathering *g) {
        const AttestTpm *tpm = g->options->tpm;
        _cleanup_(buffer_done) Buffer nv = {};
        char why[ATTEST_WHY_MAX];

        return g->azure_found || tpm->nv_read(tpm->userdata, NV_REPORT, &nv, why) >= 0;
}

const Provider azure_provider = {
        .id = EVIDENCE_PROVIDER_AZURE,
        .azure = true,
        .is_there = azure_is_there,
        .report = azure_report,
};
