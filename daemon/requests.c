/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes over the bus: decode, ask the engine or an edge, answer. */

#include <errno.h>
#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/manager.h"
#include "daemon/step.h"
#include "dbus/names.h"
#include "lib/base/alloc.h"
#include "lib/entry.h"
#include "lib/io/fd.h"
#include "lib/io/log.h"
#include "policy/load.h"
#include "version.h"

void requests_fail(Manager *m, uint64_t request, const char *error, const char *message) {
        const BusReply reply = { .error = error, .message = message, .fd = -1 };

        if (m->bus)
                bus_reply(m->bus, request, &reply);
}

static void succeed(Manager *m, uint64_t request) {
        const BusReply reply = { .fd = -1 };

        if (m->bus)
                bus_reply(m->bus, request, &reply);
}

static void get_properties(void *userdata, BusProperties *ret) {
        const Manager *m = userdata;
        GateStats gate = {};

        *ret = (BusProperties){
                .version = SEALWATCH_VERSION,
                .life = m->life.name,
                .scope = m->scope,
                .taints = m->taints,
                .measurement_pcr = (uint32_t) m->config.measurement_pcr,
                .cap_pcr = (uint32_t) m->config.cap_pcr,
                .poison_pcrs = m->config.poison_pcrs,
        };
        if (m->gate)
                gate_stats(m->gate, &gate);
        memcpy(ret->gate,
               (const BusCounter[BUS_GATE_COUNTERS]){ { "asked", gate.asked },
                                                      { "hashed", gate.hashed },
                                                      { "cached", gate.hits },
                                                      { "let-go", gate.let_go },
                                                      { "waiting", gate.waiting } },
               sizeof(ret->gate));
        engine_status(m->engine, &ret->status);
        rounds_properties(m, ret);
}

typedef struct EventPipe {
        BusEventSink entry;
        void *sink;
} EventPipe;

static int pipe_entry(void *userdata, uint64_t seq, const RecordView *record) {
        const EventPipe *p = userdata;
        _cleanup_free_ char *json = NULL;
        const char *kind;
        int r = entry_describe(record, &kind, &json);

        return r < 0 ? r : p->entry(p->sink, seq, kind, json);
}

static int list_events(void *userdata, uint64_t since, uint32_t max, BusEventSink entry, void *sink) {
        const Manager *m = userdata;
        EventPipe p = { .entry = entry, .sink = sink };

        return event_store_list(m->store, since, max, pipe_entry, &p);
}

/* Why a secret that is not in the vault is not there. */
static const char *why_not_held(const Manager *m, const char *name) {
        if (!blob_list_has(&m->sealed, name))
                return "there is no secret of that name";
        return m->restarted ? "sealed: the daemon was restarted since it opened; it opens again after a reboot"
                            : "sealed: it could not be opened at start, see the harvest record";
}

static int list_secrets(void *userdata, BusSecretSink entry, void *sink) {
        const Manager *m = userdata;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < m->sealed.size; i++) {
                const char *name = m->sealed.items[i].name;

                r = entry(sink, name, vault_get(m->vault, name) ? "held" : why_not_held(m, name));
        }
        return r;
}

static void on_release(Manager *m, const BusRequest *q) {
        const Input in = {
                .type = INPUT_RELEASE,
                .release = {
                        .request = q->id,
                        .name = q->name,
                        .unavailable = vault_get(m->vault, q->name) ? NULL : why_not_held(m, q->name),
                        .uid = q->uid,
                        .pid = q->pid,
                },
        };

        if (secret_name_is_valid(q->name, strlen(q->name)))
                manager_feed(m, &in);
        else
                requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "this is not a credential name");
}

void requests_release(Manager *m, const Action *a) {
        const SecretMem *secret = vault_get(m->vault, a->release.name);
        _cleanup_close_ int fd = -1;
        BusReply reply = {};

        if (!secret) { /* wiped meanwhile */
                requests_fail(m, a->release.request, SEALWATCH_ERROR_REFUSED, "the secret is not held any more");
                return;
        }
        step("secret:before-release");
        fd = secret_to_memfd(secret, a->release.name);
        step("secret:after-release");
        if (fd < 0) {
                requests_fail(m, a->release.request, SEALWATCH_ERROR_FAILED, "no memory for the secret's copy");
                return;
        }
        reply.fd = fd;
        if (m->bus)
                bus_reply(m->bus, a->release.request, &reply);
}

static const char *seal_refusal(const Manager *m) {
        Status status;

        engine_status(m->engine, &status);
        if (status.state == STATE_VIOLATED || status.state == STATE_LOCKED)
                return "locked: no secret is taken in before a reboot";
        if (status.state == STATE_STARTING)
                return "the guard is still starting";
        return status.capped ? NULL : "the cap register is open: the TPM would open the secret to anybody";
}

static void on_seal(Manager *m, const BusRequest *q) {
        _cleanup_(secret_mem_done) SecretMem secret = {};
        const char *refusal = seal_refusal(m);
        int r;

        if (refusal)
                return requests_fail(m, q->id, SEALWATCH_ERROR_REFUSED, refusal);
        if (!secret_name_is_valid(q->name, strlen(q->name)))
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "this is not a credential name");
        r = secret_from_memfd(q->fd, &secret);
        if (r == -EFBIG)
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "a secret has at most 1 MiB");
        if (r == -ENODATA)
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "the secret is empty");
        if (r == -EPERM)
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID,
                                     "the secret must come in a sealed memory file");
        if (r < 0)
                return requests_fail(m, q->id, SEALWATCH_ERROR_FAILED, "the secret could not be read");
        registers_seal(m, q->id, q->name, q->uid, &secret);
}

/* A blob on its way to the disk. */
typedef struct BlobJob {
        Manager *manager;
        uint64_t request;
        uint32_t uid;
        char *name;
        SecretMem secret;
        Buffer blob;
} BlobJob;

static void blob_job_free(BlobJob *j) {
        secret_mem_done(&j->secret);
        buffer_done(&j->blob);
        free(j->name);
        free(j);
}

DEFINE_CLEANUP(BlobJob *, blob_job_free)

static int write_blob(void *item) {
        const BlobJob *j = item;

        return blob_write(j->manager->options->state_dir, j->name, j->blob.data, j->blob.size);
}

/* On disk: from now on the secret is also held, unless the guard locked meanwhile. */
static void blob_written(void *item, int result, int cancelled) {
        _cleanup_(blob_job_freep) BlobJob *j = item;
        Manager *m = j->manager;
        Input in = { .type = INPUT_SEALED, .sealed = { .name = j->name, .uid = j->uid } };

        if (cancelled)
                return;
        if (result < 0) {
                log_errno(LOG_ERR, result, "cannot write the sealed secret %s", j->name);
                return requests_fail(m, j->request, SEALWATCH_ERROR_FAILED, "the sealed secret could not be written");
        }
        (void) blob_list_add(&m->sealed, j->name); /* only a listing would miss it */
        if (sha256(j->blob.data, j->blob.size, in.sealed.blob) >= 0)
                manager_feed(m, &in);
        if (seal_refusal(m))
                return requests_fail(m, j->request, SEALWATCH_ERROR_REFUSED,
                                     "locked meanwhile: sealed, but not held before a reboot");
        if (vault_put(m->vault, j->name, &j->secret) < 0)
                return requests_fail(m, j->request, SEALWATCH_ERROR_FAILED,
                                     "sealed, but not held before a reboot: no room");
        keeping_store(m, j->name);
        succeed(m, j->request);
}

void requests_sealed(Manager *m, uint64_t request, const char *name, uint32_t uid, SecretMem *secret, Buffer *blob) {
        BlobJob *j = new0(BlobJob, 1);

        if (!j || free_and_strdup(&j->name, name) < 0) {
                free(j);
                return requests_fail(m, request, SEALWATCH_ERROR_FAILED, "out of memory");
        }
        j->manager = m;
        j->request = request;
        j->uid = uid;
        j->secret = TAKE_STRUCT(*secret);
        j->blob = TAKE_STRUCT(*blob);
        (void) background_submit(m->background, write_blob, blob_written, j);
}

/* A policy being loaded. */
typedef struct PolicyJob {
        Manager *manager;
        uint64_t request; /* 0: the service manager asked */
        Policy *policy;
        ProblemList problems;
} PolicyJob;

static void policy_job_free(PolicyJob *j) {
        if (j->request == 0 && j->manager->ready)
                (void) sd_notify(0, "READY=1");
        policy_free(j->policy);
        problem_list_done(&j->problems);
        free(j);
}

DEFINE_CLEANUP(PolicyJob *, policy_job_free)

static int load_policy(void *item) {
        PolicyJob *j = item;
        const PolicySource source = { (void *) j->manager->options->config_dirs, config_policies, config_reference,
                                      config_user };

        return policy_load(&source, &j->policy, &j->problems);
}

static void refuse_policy(PolicyJob *j, int error) {
        _cleanup_free_ char *text = j->problems.size > 0 ? problem_format(&j->problems.items[0]) : NULL;
        const Input in = { .type = INPUT_POLICY_REFUSED,
                           .policy_refused = { .error = text ?: strerrordesc_np(-error) } };

        for (size_t i = 0; i < j->problems.size; i++) {
                _cleanup_free_ char *line = problem_format(&j->problems.items[i]);

                log_message(LOG_ERR, "%s", strempty(line));
        }
        manager_feed(j->manager, &in);
        requests_fail(j->manager, j->request, SEALWATCH_ERROR_REFUSED, in.policy_refused.error);
}

static void policy_loaded(void *item, int result, int cancelled) {
        _cleanup_(policy_job_freep) PolicyJob *j = item;
        Input in = { .type = INPUT_POLICY };

        if (cancelled)
                return;
        if (result < 0)
                return refuse_policy(j, result);
        in.policy.policy = TAKE_PTR(j->policy);
        sensors_set_policy(j->manager, in.policy.policy);
        manager_feed(j->manager, &in);
        if (engine_policy(j->manager->engine) != in.policy.policy) {
                sensors_set_policy(j->manager, engine_policy(j->manager->engine));
                return requests_fail(j->manager, j->request, SEALWATCH_ERROR_FAILED,
                                     "the policy could not be recorded; the old one stays in force");
        }
        if (j->manager->bus)
                bus_levels_changed(j->manager->bus);
        succeed(j->manager, j->request);
}

/* Tells the service manager that a reload begins. It counts one only from a moment behind its signal. */
static void notify_reloading(const Manager *m) {
        uint64_t now = 0;

        if (m->ready && sd_event_now(m->event, CLOCK_MONOTONIC, &now) >= 0)
                (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now);
}

void requests_reload(Manager *m, uint64_t request) {
        PolicyJob *j;

        m->reload_wanted = !m->started; /* then it is done behind the start */
        if (m->reload_wanted)
                return;
        j = new0(PolicyJob, 1);
        if (!j)
                return requests_fail(m, request, SEALWATCH_ERROR_FAILED, "out of memory");
        j->manager = m;
        j->request = request;
        if (request == 0)
                notify_reloading(m);
        (void) background_submit(m->background, load_policy, policy_loaded, j);
}

static void on_lock(Manager *m, const BusRequest *q) {
        const Input in = { .type = INPUT_LOCK, .lock = { .uid = q->uid, .reason = *q->name ? q->name : "request" } };

        manager_feed(m, &in);
        succeed(m, q->id);
}

static void on_detach(Manager *m, const BusRequest *q) {
        const Input in = { .type = INPUT_DETACH, .detach = { .request = q->id, .uid = q->uid, .reason = q->name } };

        if (*q->name == '\0')
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "a reason is needed");
        manager_feed(m, &in);
}

typedef struct Detach {
        Manager *manager;
        uint64_t request;
} Detach;

static int detach(sd_event_source *source, void *userdata) {
        const Detach *d = userdata;

        step("detach:before-end");
        sensors_detach(d->manager);
        succeed(d->manager, d->request);
        return sd_event_source_set_floating(source, false); /* nobody else holds it: it is freed */
}

/* Not at once: what the programs have told is read before they end, and fed, which must not be in the middle of actions. */
void requests_detached(Manager *m, const Action *a) {
        Detach *d = new0(Detach, 1);
        sd_event_source *source = NULL;
        int r = d ? sd_event_add_defer(m->event, &source, detach, d) : -ENOMEM;

        if (r < 0) {
                free(d);
                return requests_fail(m, a->detach, SEALWATCH_ERROR_FAILED, "out of memory");
        }
        *d = (Detach){ m, a->detach };
        (void) sd_event_source_set_destroy_callback(source, free);
        (void) sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
}

static void on_request(void *userdata, const BusRequest *q) {
        Manager *m = userdata;

        if (!m->started && q->type != BUS_SNAPSHOT) /* nothing stands in the log before its first record */
                return requests_fail(m, q->id, SEALWATCH_ERROR_REFUSED, "the guard is still starting");
        switch (q->type) {
        case BUS_SEAL:
                return on_seal(m, q);
        case BUS_RELEASE:
                return on_release(m, q);
        case BUS_LOCK:
                return on_lock(m, q);
        case BUS_DETACH:
                return on_detach(m, q);
        case BUS_RELOAD:
                return requests_reload(m, q->id);
        case BUS_ATTEST:
        case BUS_EVIDENCE:
                return rounds_request(m, q);
        case BUS_SNAPSHOT:
                return registers_snapshot(m, q->id);
        case BUS_DRILL:
        case BUS_DRILL_END:
                return drill_request(m, q);
        }
}

static void on_gone(void *userdata) {
        Manager *m = userdata;

        if (m->started)
                manager_failure(m, FAILURE_BUS_GONE, NULL);
        else
                log_message(LOG_WARNING, "the connection to the message bus was lost at start");
}

const BusOps bus_ops_template = {
        .properties = get_properties,
        .list_events = list_events,
        .list_secrets = list_secrets,
        .request = on_request,
        .gone = on_gone,
};
