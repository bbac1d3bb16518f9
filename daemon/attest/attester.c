/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests, and the thread that they wait for. */

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/attest/provider.h"
#include "daemon/attest/simulator.h"
#include "lib/base/alloc.h"
#include "lib/io/background.h"
#include "lib/io/fd.h"

struct Attester {
        AttesterOptions options;
        Gathering gathering;
        Background *background;
        unsigned waiting;
};

typedef struct Request {
        Attester *attester;
        PcrSet pcrs;
        AttestDone done;
        void *userdata;
        Gathered *gathered;
} Request;

static const char *const failure_names[] = {
        [ATTEST_GATHERED] = "gathered",
        [ATTEST_NO_PROVIDER] = "no-provider",
        [ATTEST_PROVIDER_BUSY] = "provider-busy",
        [ATTEST_PROVIDER_DEAD] = "provider-dead",
        [ATTEST_PROVIDER_FAILED] = "provider-failed",
        [ATTEST_STALE_REPORT] = "stale-report",
        [ATTEST_TPM_LOST] = "tpm-lost",
        [ATTEST_TPM_BUSY] = "tpm-busy",
        [ATTEST_TPM_REFUSED] = "tpm-refused",
        [ATTEST_NO_AK] = "no-ak",
        [ATTEST_AK_CHANGED] = "ak-changed",
        [ATTEST_CANCELLED] = "cancelled",
        [ATTEST_INTERNAL] = "internal",
};
static_assert(ELEMENTSOF(failure_names) == _ATTEST_FAILURE_MAX, "a name per failure");

static const char *const origin_names[] = {
        [AK_ORIGIN_NONE] = "none",
        [AK_ORIGIN_AZURE] = "azure-hcl",
        [AK_ORIGIN_TEMPLATE] = "gce-template",
        [AK_ORIGIN_OWN] = "own",
};
static_assert(ELEMENTSOF(origin_names) == _AK_ORIGIN_MAX, "a name per origin");

static const char *const trust_names[] = {
        [TPM_TRUST_HOST] = "host",
        [TPM_TRUST_TEE] = "tee",
        [TPM_TRUST_SOFTWARE] = "software",
};
static_assert(ELEMENTSOF(trust_names) == _TPM_TRUST_MAX, "a name per trust");

const char *attest_failure_name(AttestFailure f) {
        return failure_names[f];
}

const char *ak_origin_name(AkOrigin o) {
        return origin_names[o];
}

const char *tpm_trust_name(TpmTrust t) {
        return trust_names[t];
}

bool attest_provider_from_name(const char *name, EvidenceProvider *ret) {
        if (streq(name, "auto")) {
                *ret = ATTEST_PROVIDER_AUTO;
                return true;
        }
        for (EvidenceProvider p = 0; p < _EVIDENCE_PROVIDER_MAX; p++)
                if (streq(name, evidence_provider_names[p])) {
                        *ret = p;
                        return true;
                }
        return false;
}

AttestFailure gather_fail(Gathered *ret, AttestFailure f, const char *format, ...) {
        va_list ap;

        ret->failure = f;
        va_start(ap, format);
        (void) vsnprintf(ret->why, sizeof(ret->why), format, ap);
        va_end(ap);
        return f;
}

AttestFailure gather_fail_tpm(Gathered *ret, int error) {
        ret->failure = error == -EBUSY                         ? ATTEST_TPM_BUSY
                       : error == -ENODEV                      ? ATTEST_TPM_LOST
                       : error == -ECANCELED                   ? ATTEST_CANCELLED
                       : error == -ENOMEM || error == -ENOBUFS ? ATTEST_INTERNAL
                                                               : ATTEST_TPM_REFUSED;
        return ret->failure;
}

static bool stops_within(Gathering *g, int ms) {
        struct pollfd p = { .fd = g->stop_fd, .events = POLLIN };

        return poll(&p, 1, ms) > 0;
}

bool gather_is_stopping(Gathering *g) {
        return stops_within(g, 0);
}

bool gather_pause(Gathering *g, usec_t time) {
        if (!g->options->pause)
                return !stops_within(g, (int) (time / USEC_PER_MSEC));
        g->options->pause(g->options->pause_userdata, time);
        return !gather_is_stopping(g);
}

usec_t gather_now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / NSEC_PER_USEC;
}

int attester_new(const AttesterOptions *options, Attester **ret) {
        _cleanup_(attester_freep) Attester *a = new0(Attester, 1);
        int r;

        if (!a)
                return -ENOMEM;
        a->options = *options;
        a->options.tsm_path = options->tsm_path ?: "/sys/kernel/config/tsm/report";
        a->options.sev_guest_path = options->sev_guest_path ?: "/dev/sev-guest";
        a->options.cache_path = options->cache_path ?: "/var/lib/sealwatch/endorsements";
        a->options.fetch_path = options->fetch_path ?: "/run/sealwatch-fetch.sock";
        a->gathering.options = &a->options;
        a->gathering.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (a->gathering.stop_fd < 0) {
                a->gathering.stop_fd = -1;
                return -errno;
        }
        r = background_new(&a->background);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

Attester *attester_free(Attester *a) {
        const uint64_t one = 1;

        if (!a)
                return NULL;
        if (a->gathering.stop_fd >= 0)
                (void) write_all(a->gathering.stop_fd, &one, sizeof(one));
        background_free(a->background);
        simulator_free(a->gathering.simulator);
        safe_close(a->gathering.stop_fd);
        free(a);
        return NULL;
}

static int work(void *item) {
        Request *r = item;

        gather_run(&r->attester->gathering, r->pcrs, r->gathered);
        return 0;
}

static void done(void *item, int result _unused_, int cancelled) {
        _cleanup_free_ Request *r = item;

        r->attester->waiting--;
        if (cancelled)
                gather_fail(r->gathered, ATTEST_CANCELLED, "nobody waits any more");
        r->done(r->userdata, TAKE_PTR(r->gathered));
}

int attester_gather(Attester *a, const void *nonce, size_t n, PcrSet pcrs, AttestDone callback, void *userdata) {
        _cleanup_(gathered_freep) Gathered *gathered = NULL;
        Request *r;

        if (n < EVIDENCE_NONCE_MIN || n > EVIDENCE_NONCE_MAX || pcrs == 0 || pcrs >= 1U << PCR_COUNT)
                return -EINVAL;
        if (a->waiting >= ATTEST_WAITING_MAX)
                return -ENOBUFS;
        gathered = new0(Gathered, 1);
        if (!gathered)
                return -ENOMEM;
        buffer_bytes(&gathered->nonce, nonce, n);
        r = buffer_error(&gathered->nonce) < 0 ? NULL : new0(Request, 1);
        if (!r)
                return -ENOMEM;
        *r = (Request){ a, pcrs, callback, userdata, TAKE_PTR(gathered) };
        a->waiting++;
        (void) background_submit(a->background, work, done, r); /* a failure calls back, too */
        return 0;
}

int attester_fd(const Attester *a) {
        return background_fd(a->background);
}

void attester_dispatch(Attester *a) {
        background_dispatch(a->background);
}
