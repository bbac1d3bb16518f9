/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rounds of attestation: the engine says when; the attester gathers on its thread; another one judges; what came of it goes
 * back to the engine, and to who asked. */

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "daemon/attest-tpm.h"
#include "daemon/attest/attest.h"
#include "daemon/canary.h"
#include "daemon/evidence.h"
#include "daemon/manager.h"
#include "dbus/names.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/io/fd.h"
#include "lib/io/log.h"
#include "lib/unitfile.h"

enum { ASKERS_MAX = ATTEST_QUEUE_MAX + 1 };

/* Who waits for a round. */
typedef struct Asker {
        uint64_t request; /* 0: free */
        bool document;    /* wants the evidence itself */
        uint64_t since, ima_since;
} Asker;

struct Rounds {
        AttestTpm tpm;
        char *endorsements; /* the cache's directory */
        Attester *attester;
        Background *background;
        sd_event_source *attester_source, *background_source, *resume_source;
        usec_t asleep; /* in all, as far as known */
        AppraisalPolicy policy;
        LogFacts facts;           /* of the last round with a good log */
        CanaryRun *canary;        /* under way */
        uint64_t proving;         /* its round */
        EvidenceJob *job;         /* of the round that ends now */
        const char *provider;     /* static; NULL: none */
        char *cache;              /* of endorsements */
        CheckList none;           /* of a round without evidence */
        char why[ATTEST_WHY_MAX]; /* why there was no evidence, in the last round */
        AkOrigin origin;
        TpmTrust trust;
        char failed[256]; /* checks of the last round, by blanks */
        Asker askers[ASKERS_MAX];
        uint8_t probe[ROUND_NONCE_SIZE];
        bool closing; /* the daemon ends: nothing comes of anything any more */
};

Rounds *rounds_free(Rounds *r) {
        if (!r)
                return NULL;
        r->closing = true;
        canary_run_free(r->canary);
        sd_event_source_disable_unref(r->attester_source);
        sd_event_source_disable_unref(r->background_source);
        sd_event_source_disable_unref(r->resume_source);
        attester_free(r->attester); /* calls back what waits, and may hand that on to the other thread */
        background_free(r->background);
        evidence_job_free(r->job);
        check_list_done(&r->none);
        free(r->cache);
        log_facts_done(&r->facts);
        free(r->endorsements);
        appraisal_policy_done(&r->policy);
        free(r);
        return NULL;
}

static int on_attester(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        attester_dispatch(((Manager *) userdata)->rounds->attester);
        return 0;
}

static int on_judged(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        background_dispatch(((Manager *) userdata)->rounds->background);
        return 0;
}

/* The time for which this boot's machine slept: one of the two clocks went on. */
static usec_t time_asleep(void) {
        struct timespec with, without;

        clock_gettime(CLOCK_BOOTTIME, &with);
        clock_gettime(CLOCK_MONOTONIC, &without);
        return (usec_t) (with.tv_sec - without.tv_sec) * USEC_PER_SEC;
}

/* A timer that never ends, but is cancelled when the clock jumps: on resume, too. */
static int arm_resume(int fd) {
        const struct itimerspec never = { .it_value.tv_sec = INT32_MAX };

        return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno : 0;
}

static int on_clock_jump(sd_event_source *s _unused_, int fd, uint32_t events _unused_, void *userdata) {
        const Input in = { .type = INPUT_RESUMED };
        Manager *m = userdata;
        usec_t asleep = time_asleep();
        uint64_t expirations;

        (void) !read(fd, &expirations, sizeof(expirations));
        (void) arm_resume(fd);
        if (asleep > m->rounds->asleep + USEC_PER_SEC) {
                m->rounds->asleep = asleep;
                manager_feed(m, &in);
        }
        return 0;
}

static int watch_resume(Manager *m) {
        Rounds *rounds = m->rounds;
        _cleanup_close_ int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        int r = fd < 0 ? -errno : arm_resume(fd);

        rounds->asleep = time_asleep();
        if (r >= 0)
                r = sd_event_add_io(m->event, &rounds->resume_source, fd, EPOLLIN, on_clock_jump, m);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(rounds->resume_source, 1);
        if (r >= 0)
                TAKE_FD(fd);
        return r;
}

/* Of its own log and quote the daemon knows where they are. */
static void ask_as_configured(Manager *m) {
        AppraisalPolicy *p = &m->rounds->policy;

        p->guest.log_pcr = m->config.measurement_pcr;
        if (p->tpm.pcrs == 0)
                p->tpm.pcrs = m->config.attest_pcrs;
}

int rounds_load_policy(Manager *m, ProblemList *problems) {
        _cleanup_free_ char *text = NULL;
        const char *path = m->config.attest_policy;
        size_t n;
        int r;

        m->rounds = new0(Rounds, 1);
        if (!m->rounds)
                return -ENOMEM;
        m->rounds->policy = appraisal_policy_default();
        if (path) {
                r = file_read(AT_FDCWD, path, UNITFILE_SIZE_MAX, &text, &n);
                if (r >= 0)
                        r = appraisal_policy_apply(&m->rounds->policy, path, text, n, problems);
                if (r < 0)
                        return r;
        }
        ask_as_configured(m);
        return 0;
}

int rounds_start(Manager *m) {
        Rounds *rounds = m->rounds;
        bool software = m->taints[0] != NULL;
        AttesterOptions o = { .tpm = &rounds->tpm, .simulator_path = m->config.simulator_scenario };
        const char *word = provider_names[m->config.attest_provider];
        int r;

        if (m->config.attest_provider == PROVIDER_NONE)
                return 0;
        if (!attest_provider_from_name(word, &o.provider))
                return -EINVAL;
        if (asprintf(&rounds->endorsements, "%s/endorsements", m->options->state_dir) < 0) {
                rounds->endorsements = NULL;
                return -ENOMEM;
        }
        o.cache_path = rounds->endorsements;
        o.allow_simulated = m->config.attest_provider == PROVIDER_SIMULATOR;
        if (asprintf(&rounds->cache, "%s/endorsements", m->options->state_dir) < 0) {
                rounds->cache = NULL;
                return -ENOMEM;
        }
        o.cache_path = rounds->cache;
        attest_tpm_init(m->tpm, software, &rounds->tpm);
        r = attester_new(&o, &rounds->attester);
        if (r >= 0)
                r = background_new(&rounds->background);
        if (r >= 0)
                r = sd_event_add_io(m->event, &rounds->attester_source, attester_fd(rounds->attester), EPOLLIN,
                                    on_attester, m);
        if (r >= 0)
                r = sd_event_add_io(m->event, &rounds->background_source, background_fd(rounds->background), EPOLLIN,
                                    on_judged, m);
        return r < 0 ? r : watch_resume(m);
}

static void tell_provider(Manager *m, const char *name) {
        const Input in = { .type = INPUT_PROVIDER, .provider.name = name };

        m->rounds->provider = name;
        manager_feed(m, &in);
}

/* Which provider there is shows when one is asked. */
static void on_probed(void *userdata, Gathered *gathered) {
        _cleanup_(gathered_freep) Gathered *g = gathered;
        Manager *m = userdata;

        if (m->rounds->closing)
                return;
        if (g->failure != ATTEST_NO_PROVIDER)
                return tell_provider(m, evidence_provider_names[g->provider]);
        log_message(LOG_NOTICE, "this guest is not attested: %s", g->why);
        snprintf(m->rounds->why, sizeof(m->rounds->why), "%s", g->why);
}

void rounds_open(Manager *m) {
        Rounds *r = m->rounds;

        if (!r->attester)
                return;
        if (m->config.attest_provider != PROVIDER_AUTO)
                return tell_provider(m, provider_names[m->config.attest_provider]);
        if (RAND_bytes(r->probe, sizeof(r->probe)) != 1 ||
            attester_gather(r->attester, r->probe, sizeof(r->probe), m->config.attest_pcrs, on_probed, m) < 0)
                log_message(LOG_ERR, "cannot look for a source of evidence");
}

static void proved(void *userdata, CanaryOutcome outcome, const char *trouble) {
        Manager *m = userdata;
        const Input in = { .type = INPUT_PROVED,
                           .proved = { .round = m->rounds->proving, .outcome = outcome, .trouble = trouble } };

        m->rounds->canary = canary_run_free(m->rounds->canary);
        manager_feed(m, &in);
}

void rounds_prove(Manager *m, const Action *a) {
        Rounds *r = m->rounds;
        const CanaryOptions o = {
                .gate = m->gate,
                .background = r->background,
                .directory = m->options->state_dir,
                .cgroup = m->config.scope_cgroup,
                .done = proved,
                .userdata = m,
        };

        r->canary = canary_run_free(r->canary); /* of a round that was given up */
        r->proving = a->attest.round;
        if (!m->gate)
                return proved(m, CANARY_NOT_ASKED, "no gate holds programs here");
        if (canary_run_new(&o, a->attest.nonce, a->attest.nonce_size, &r->canary) < 0)
                proved(m, CANARY_TROUBLE, "out of memory");
}

/* A round's request on its way through the attester. */
typedef struct Errand {
        Manager *manager;
        uint64_t round;
} Errand;

/* Also while actions are performed: the input is read when this has returned. */
static void give_up(Manager *m, uint64_t round, const char *reason) {
        Rounds *r = m->rounds;
        const Input in = { .type = INPUT_ATTESTED,
                           .attested = { .round = round, .reason = r->why, .checks = &r->none } };

        check_list_done(&r->none);
        snprintf(r->why, sizeof(r->why), "%s", reason);
        manager_feed(m, &in);
}

static int judge(void *item) {
        evidence_job_judge(item);
        return 0;
}

static void note_failed(Rounds *r, const CheckList *checks) {
        size_t n = 0;

        *r->failed = '\0';
        for (size_t i = 0; i < checks->size && n < sizeof(r->failed); i++)
                if (checks->items[i].result == CHECK_FAIL || checks->items[i].result == CHECK_UNDECIDED)
                        n += (size_t) snprintf(r->failed + n, sizeof(r->failed) - n, "%s%s", n > 0 ? " " : "",
                                               checks->items[i].name);
}

static void judged(void *item, int result _unused_, int cancelled) {
        _cleanup_(evidence_job_freep) EvidenceJob *j = item;
        Manager *m = j->userdata;
        Rounds *r = m->rounds;
        const Input in = {
                .type = INPUT_ATTESTED,
                .attested = { .round = j->round, .reason = j->failure, .checks = &j->checks, .pins = &j->pins },
        };

        if (cancelled || r->closing)
                return;
        log_facts_done(&r->facts);
        r->facts = TAKE_STRUCT(j->facts);
        snprintf(r->why, sizeof(r->why), "%s", j->failure ? j->failure : j->gathered->endorsement_problem);
        r->origin = j->gathered->ak.origin;
        r->trust = j->gathered->tpm_trust;
        r->job = j;
        manager_feed(m, &in);
        if (r->job) /* nobody asked for it */
                r->job = NULL;
        else
                TAKE_PTR(j);
}

static void on_gathered(void *userdata, Gathered *gathered) {
        _cleanup_(gathered_freep) Gathered *g = gathered;
        _cleanup_free_ Errand *e = userdata;
        _cleanup_(evidence_job_freep) EvidenceJob *j = NULL;
        Manager *m = e->manager;

        if (m->rounds->closing)
                return;
        if (g->failure != ATTEST_GATHERED) {
                char reason[64 + ATTEST_WHY_MAX];

                snprintf(reason, sizeof(reason), "%s: %s", attest_failure_name(g->failure), g->why);
                return give_up(m, e->round, reason);
        }
        j = new0(EvidenceJob, 1);
        if (!j)
                return give_up(m, e->round, "out of memory");
        *j = (EvidenceJob){
                .userdata = m,
                .round = e->round,
                .gathered = TAKE_PTR(g),
                .policy = &m->rounds->policy,
                .taints = m->taints,
                .log_fd = fcntl(event_store_fd(m->store), F_DUPFD_CLOEXEC, 3),
                .log_size = event_store_anchored_size(m->store),
                .now = now_get().realtime,
                .facts = TAKE_STRUCT(m->rounds->facts),
        };
        (void) background_submit(m->rounds->background, judge, judged, TAKE_PTR(j));
}

void rounds_attest(Manager *m, const Action *a) {
        Errand *e = new0(Errand, 1);
        int r = e ? 0 : -ENOMEM;

        if (r >= 0) {
                *e = (Errand){ m, a->attest.round };
                r = attester_gather(m->rounds->attester, a->attest.nonce, a->attest.nonce_size, m->config.attest_pcrs,
                                    on_gathered, e);
        }
        if (r >= 0)
                return;
        free(e);
        give_up(m, a->attest.round, r == -EINVAL ? "the nonce has the wrong size" : "out of memory");
}

static Asker *find_asker(Rounds *r, uint64_t request) {
        for (size_t i = 0; i < ASKERS_MAX; i++)
                if (r->askers[i].request == request)
                        return &r->askers[i];
        return NULL;
}

/* A document on its way. */
typedef struct DocumentJob {
        Manager *manager;
        EvidenceJob *evidence;
        Asker asker;
} DocumentJob;

static int write_document(void *item) {
        DocumentJob *d = item;

        return evidence_job_document(d->evidence, d->asker.since, d->asker.ima_since);
}

static void document_written(void *item, int result, int cancelled) {
        DocumentJob *d = item;
        Manager *m = d->manager;
        _cleanup_close_ int fd = result;
        const BusReply reply = { .fd = fd };
        const uint64_t request = d->asker.request;

        evidence_job_free(d->evidence);
        free(d);
        if (cancelled || m->rounds->closing || !m->bus)
                return;
        if (fd >= 0)
                return bus_reply(m->bus, request, &reply);
        requests_fail(m, request, result == -ERANGE ? SEALWATCH_ERROR_INVALID : SEALWATCH_ERROR_FAILED,
                      result == -ERANGE ? "the log has not so many records, or the IMA list not so many entries"
                                        : "the document could not be written");
}

static void send_document(Manager *m, const Asker *asker) {
        Rounds *r = m->rounds;
        DocumentJob *d;

        if (!r->job || r->job->failure)
                return requests_fail(m, asker->request, SEALWATCH_ERROR_FAILED, r->why);
        d = new0(DocumentJob, 1);
        if (!d)
                return requests_fail(m, asker->request, SEALWATCH_ERROR_FAILED, "out of memory");
        *d = (DocumentJob){ m, TAKE_PTR(r->job), *asker };
        (void) background_submit(r->background, write_document, document_written, d);
}

/* {"result", "checks", "provider", "round", "reason"} as text. */
static char *describe(const Manager *m, const Action *a) {
        static const CheckList none = {};
        const EvidenceJob *j = m->rounds->job;
        json_auto_t *all = check_list_json(j ? &j->checks : &none);

        if (!all || json_object_set_new(all, "result", json_string(attest_result_names[a->attest.result])) < 0 ||
            json_object_set_new(all, "provider", json_string(strempty(m->rounds->provider))) < 0 ||
            json_object_set_new(all, "round", json_integer((json_int_t) a->attest.round)) < 0 ||
            json_object_set_new(all, "simulated", json_boolean(m->taints[0] != NULL)) < 0 ||
            (*m->rounds->why && json_object_set_new(all, "reason", json_string(m->rounds->why)) < 0))
                return NULL;
        return json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
}

static void send_result(Manager *m, uint64_t request, const Action *a) {
        _cleanup_free_ char *text = describe(m, a);
        const BusReply reply = { .fd = -1, .texts = { attest_result_names[a->attest.result], text } };

        if (!text)
                requests_fail(m, request, SEALWATCH_ERROR_FAILED, "out of memory");
        else if (m->bus)
                bus_reply(m->bus, request, &reply);
}

void rounds_attested(Manager *m, const Action *a) {
        static const CheckList none = {};
        Rounds *r = m->rounds;
        Asker *asker = a->attest.request != 0 ? find_asker(r, a->attest.request) : NULL;

        note_failed(r, r->job ? &r->job->checks : &none);
        if (m->bus)
                bus_attestation_changed(m->bus);
        if (!asker)
                return;
        if (asker->document)
                send_document(m, asker);
        else
                send_result(m, asker->request, a);
        *asker = (Asker){};
}

void rounds_refused(Manager *m, const Action *a) {
        Asker *asker = find_asker(m->rounds, a->no_round.request);

        switch (a->no_round.error) {
        case -EOPNOTSUPP:
                requests_fail(m, a->no_round.request, SEALWATCH_ERROR_REFUSED,
                              "not attested: nothing on this machine gives evidence of it");
                break;
        case -EINVAL:
                requests_fail(m, a->no_round.request, SEALWATCH_ERROR_INVALID, "a nonce has 8 to 64 bytes");
                break;
        default:
                requests_fail(m, a->no_round.request, SEALWATCH_ERROR_BUSY, "too many rounds are asked for");
        }
        if (asker)
                *asker = (Asker){};
}

void rounds_request(Manager *m, const BusRequest *q) {
        Asker *asker = find_asker(m->rounds, 0);
        Input in = { .type = INPUT_ATTEST, .attest = { .request = q->id, .nonce_size = q->nonce_size } };
        bool document = q->type == BUS_EVIDENCE;

        if (q->nonce_size > EVIDENCE_NONCE_MAX ||
            (q->nonce_size < EVIDENCE_NONCE_MIN && (document || q->nonce_size > 0)))
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "a nonce has 8 to 64 bytes");
        if (!asker)
                return requests_fail(m, q->id, SEALWATCH_ERROR_BUSY, "too many rounds are asked for");
        *asker = (Asker){ q->id, document, q->since, q->ima_since };
        memcpy(in.attest.nonce, q->nonce, q->nonce_size);
        manager_feed(m, &in);
}

void rounds_properties(const Manager *m, BusProperties *ret) {
        const Rounds *r = m->rounds;

        ret->attestation = (BusAttestation){
                .why = r->why,
                .failed = r->failed,
                .ak_origin = r->origin != AK_ORIGIN_NONE ? ak_origin_name(r->origin) : "",
                .tpm_trust = r->origin != AK_ORIGIN_NONE ? tpm_trust_name(r->trust) : "",
        };
}
