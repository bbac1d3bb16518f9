/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From nothing to a guard: configuration, policy, TPM, what an earlier run left, sensors. All of it may wait; the event
 * loop runs only afterwards. Each step says by itself why it failed. */

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/resume.h"
#include "daemon/manager.h"
#include "daemon/privileges.h"
#include "daemon/tpm/software.h"
#include "lib/base/cleanup.h"
#include "lib/io/log.h"
#include "policy/load.h"
#include "version.h"

static int log_problems(const ProblemList *l) {
        for (size_t i = 0; i < l->size; i++) {
                _cleanup_free_ char *text = problem_format(&l->items[i]);

                log_message(LOG_ERR, "%s", strempty(text));
        }
        return EX_CONFIG;
}

typedef struct ConfigLoad {
        Config *config;
        ProblemList *problems;
} ConfigLoad;

static int take_config(void *userdata, const char *path, const char *text, size_t n) {
        ConfigLoad *l = userdata;

        return config_apply(l->config, path, text, n, l->problems);
}

static int load_config(Manager *m) {
        _cleanup_(problem_list_done) ProblemList problems = {};
        _cleanup_free_ char *path = NULL;
        ConfigLoad l = { .config = &m->config, .problems = &problems };
        int r;

        r = config_init(&m->config);
        if (r >= 0)
                r = config_each_daemon_file(m->options->config_dirs, take_config, &l, &path);
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot read the configuration %s", strempty(path));
                return EX_CONFIG;
        }
        config_check(&m->config, &problems);
        r = rounds_load_policy(m, &problems);
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot read the appraisal policy %s", strempty(m->config.attest_policy));
                return EX_CONFIG;
        }
        if (!problem_list_is_empty(&problems))
                return log_problems(&problems);
        if (m->config.scope_cgroup)
                r = asprintf(&m->scope, "cgroup:%s", m->config.scope_cgroup);
        else
                r = asprintf(&m->scope, "machine");
        if (r < 0)
                m->scope = NULL;
        return r < 0 ? EX_OSERR : 0;
}

static int load_first_policy(Manager *m) {
        const PolicySource source = { (void *) m->options->config_dirs, config_policies, config_reference,
                                      config_user };
        _cleanup_(problem_list_done) ProblemList problems = {};
        int r = policy_load(&source, &m->first_policy, &problems);

        if (r == -EBADMSG)
                return log_problems(&problems);
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot read the policy");
                return EX_CONFIG;
        }
        if (m->first_policy->rules_size == 0)
                log_message(LOG_WARNING, "the policy has no rules: everything is allowed and recorded");
        return 0;
}

static int make_state_directories(Manager *m) {
        const char *const directories[] = { m->options->run_dir, m->options->state_dir, m->options->log_dir };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                r = make_directories(directories[i], 0700);
                if (r < 0) {
                        log_errno(LOG_ERR, r, "cannot make %s", directories[i]);
                        return EX_CANTCREAT;
                }
        }
        r = event_store_open(m->options->run_dir, &m->store);
        if (r == -EBUSY)
                log_message(LOG_ERR, "another sealwatchd runs on %s", m->options->run_dir);
        else if (r < 0)
                log_errno(LOG_ERR, r, "cannot open %s", m->options->run_dir);
        return r < 0 ? EX_CANTCREAT : 0;
}

/* Calls the TPM and waits. 0 with *ret, or an exit code after saying why. */
static int call_tpm(Manager *m, TpmJob *job, const char *what, TpmResult **ret) {
        int r = job ? tpm_call(m->tpm, job, m->config.tpm_deadline, ret) : -ENOMEM;

        if (r < 0) {
                log_errno(LOG_ERR, r, "%s: the TPM does not answer", what);
                return EX_UNAVAILABLE;
        }
        if ((*ret)->outcome == TPM_OK)
                return 0;
        log_message(LOG_ERR, "%s: %s", what, (*ret)->detail);
        return EX_UNAVAILABLE;
}

static int open_tpm(Manager *m) {
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        _cleanup_free_ char *device = NULL;
        const char *why = "out of memory";
        TpmOptions o = { .device = m->config.tpm };
        int r;

        if (m->options->software_tpm) {
                r = software_tpm_start(m->options->software_tpm, &device, &why);
                if (r < 0) {
                        log_errno(LOG_ERR, r, "cannot start a software TPM in %s: %s", m->options->software_tpm, why);
                        return EX_UNAVAILABLE;
                }
                o.device = device;
        }
        if (startswith(o.device, "swtpm:")) {
                m->taints[0] = "software-tpm";
                log_message(LOG_WARNING,
                            "SOFTWARE TPM at %s: it protects nothing, whoever is root can read and reset it",
                            o.device);
        }
        if (m->config.attest_provider == PROVIDER_SIMULATOR) {
                m->taints[m->taints[0] != NULL] = "simulator";
                log_message(LOG_WARNING, "SIMULATED attestation: it proves nothing about this machine");
        }
        m->tpm_device = strdup(o.device);
        r = m->tpm_device ? tpm_new(&o, &m->tpm, &why) : -ENOMEM;
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot use the TPM %s: %s", o.device, why);
                return EX_CONFIG;
        }
        r = call_tpm(m, tpm_job_state(), "cannot read the TPM's state", &result);
        if (r != 0)
                return r;
        m->tpm_state = *result->state;
        m->seen = m->tpm_state.pcrs;
        if (bank_preferred(m->tpm_state.pcrs.banks) != _HASH_INVALID)
                return 0;
        log_message(LOG_ERR,
                    "the TPM has no SHA-256, SHA-384 or SHA-512 bank of PCRs; allocate one in the firmware's set-up");
        return EX_UNAVAILABLE;
}

/* Which registers secrets are sealed to when SealPCRs=auto: what the boot chain extends with values that are known
 * before. PCR 11 of unified kernels changes as the boot goes on, so 7 alone stands for those. */
static PcrSet seal_pcrs_for_boot(const Machine *machine) {
        return machine->stub_booted ? 1U << 7 : 1U << 4 | 1U << 7 | 1U << 8 | 1U << 9;
}

static int read_machine(Manager *m) {
        const TpmName *srk = &m->tpm_state.srk_name;
        int r;

        r = machine_read(&m->machine);
        if (r >= 0)
                r = life_name(m->tpm_state.counters.reset, srk->bytes, srk->size, m->life.name);
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot name this TPM life");
                return EX_SOFTWARE;
        }
        if (m->config.seal_pcrs_auto)
                m->config.seal_pcrs = seal_pcrs_for_boot(&m->machine);
        return 0;
}

/* What an earlier run left behind, mapped. */
typedef struct Remains {
        bool has_log, from_archive;
        FileMap log, pending, archive;
        bool had_log;
        uint64_t watermark;
} Remains;

static void remains_done(Remains *r) {
        file_unmap(&r->log);
        file_unmap(&r->pending);
        file_unmap(&r->archive);
}

/* The life file. One that is broken counts as "there was a log": nobody gains by breaking it. */
static int read_life(Manager *m, Remains *ret) {
        Life life;
        int r = life_read(m->options->state_dir, &life);

        if (r == -ENOENT)
                return 0;
        if (r == -EBADMSG) {
                log_message(LOG_WARNING, "%s/life is damaged", m->options->state_dir);
                ret->had_log = true;
                return 0;
        }
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot read %s/life", m->options->state_dir);
                return EX_NOINPUT;
        }
        ret->had_log = streq(life.name, m->life.name);
        ret->watermark = ret->had_log ? life.watermark : 0;
        return 0;
}

/* The log in the runtime directory; where that one is gone with a kexec, the archived one of the same TPM life. */
static int load_remains(Manager *m, Remains *ret) {
        int r = event_store_load(m->store, &ret->has_log, &ret->log, &ret->pending);

        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot read the event log in %s", m->options->run_dir);
                return EX_NOINPUT;
        }
        if (ret->has_log || archive_map(m->options->log_dir, m->life.name, &ret->archive) < 0)
                return 0;
        log_message(LOG_NOTICE, "going on with the archived log of TPM life %s", m->life.name);
        r = event_store_import(m->store, ret->archive.data, ret->archive.size);
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot write the event log in %s", m->options->run_dir);
                return EX_CANTCREAT;
        }
        ret->from_archive = ret->has_log = true;
        return 0;
}

static const FileMap *log_of(const Remains *r) {
        return r->from_archive ? &r->archive : &r->log;
}

/* Borrows from both. */
static Findings findings_of(const Manager *m, const Remains *remains) {
        const FileMap *log = log_of(remains);

        return (Findings){
                .log = remains->has_log ? (log->data ?: (const uint8_t *) "") : NULL,
                .log_size = log->size,
                .pending = remains->pending.data,
                .pending_size = remains->pending.size,
                .had_log = remains->had_log,
                .watermark = remains->watermark,
                .life = m->life.name,
                .reset_count = m->tpm_state.counters.reset,
                .restart_count = m->tpm_state.counters.restart,
                .pcrs = &m->tpm_state.pcrs,
                .measurement_pcr = (uint32_t) m->config.measurement_pcr,
                .cap_pcr = (uint32_t) m->config.cap_pcr,
        };
}

static int find_out(Manager *m, const Findings *f) {
        int r = reconcile(f, &m->found);

        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot reconcile the event log with the TPM");
                return EX_SOFTWARE;
        }
        if (m->found.verdict == RECONCILE_REFUSED) {
                log_message(LOG_ERR, "%s: %s", m->found.what, m->found.detail);
                return EX_CONFIG;
        }
        if (m->found.verdict == RECONCILE_TAMPERED)
                log_message(LOG_CRIT, "%s: %s", m->found.what, m->found.detail);
        return 0;
}

/* What is not carried on is kept for whoever wants to know. */
static int set_aside(Manager *m, const Remains *remains) {
        const char *life = m->found.new_log ? "unknown" : m->life.name;
        bool cut = m->found.new_log || m->found.keep < remains->log.size;
        usec_t now = now_get().realtime;
        int r = 0;

        if (cut && remains->log.size > 0)
                r = archive_set_aside(&remains->log, m->options->log_dir, life, "log", now);
        if (r >= 0 && m->found.verdict != RECONCILE_CONTINUE && remains->pending.size > 0)
                r = archive_set_aside(&remains->pending, m->options->log_dir, life, "pending", now);
        if (r >= 0 && m->found.verdict == RECONCILE_TAMPERED)
                r = archive_retire(m->options->log_dir, m->life.name, now);
        if (r >= 0)
                return 0;
        log_errno(LOG_ERR, r, "cannot keep a copy of the old event log in %s", m->options->log_dir);
        return EX_CANTCREAT;
}

/* Extends that come before everything else: the cap that is owed or must be set again, and the announced record that
 * did not reach the register. */
static int settle_registers(Manager *m) {
        const Reconciliation *f = &m->found;
        _cleanup_(tpm_job_freep) TpmJob *job = tpm_job_extend(TPM_CLASS_EXTEND);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        TpmExtend cap = { .pcr = (uint32_t) m->config.cap_pcr };
        const TpmExtend owed = { .pcr = (uint32_t) m->config.measurement_pcr, .digest = f->owed };
        bool cap_now = reconcile_caps(f);
        int r;

        if (!cap_now && f->owed_size == 0)
                return 0;
        r = job ? bank_digests_hash(m->tpm_state.pcrs.banks, CAP_EVENT, strlen(CAP_EVENT), &cap.digest) : -ENOMEM;
        if (r >= 0 && cap_now)
                r = tpm_job_add_extend(job, &cap);
        if (r >= 0 && f->owed_size > 0)
                r = tpm_job_add_extend(job, &owed);
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot settle the registers");
                return EX_SOFTWARE;
        }
        return call_tpm(m, TAKE_PTR(job), "cannot settle the registers", &result);
}

/* The registers at boot, for sealing: from the boot record, or as found when this is the first start. */
static void take_boot_values(Manager *m) {
        const Reconciliation *f = &m->found;

        m->restarted = f->cap_recorded;
        if (f->boot_pcrs != 0) {
                m->boot_bank = f->boot_bank;
                m->boot_pcrs = f->boot_pcrs;
                memcpy(m->boot_values, f->boot_values, sizeof(m->boot_values));
                return;
        }
        m->boot_bank = bank_preferred(m->tpm_state.pcrs.banks);
        m->boot_pcrs = 0xffff;
        memcpy(m->boot_values, m->tpm_state.pcrs.values[m->boot_bank], sizeof(m->boot_values));
}

static int make_engine(Manager *m) {
        EngineConfig c = {
                .banks = m->tpm_state.pcrs.banks,
                .measurement_pcr = (uint32_t) m->config.measurement_pcr,
                .cap_pcr = (uint32_t) m->config.cap_pcr,
                .poison_pcrs = m->config.poison_pcrs,
                .log_max_size = m->config.log_max_size,
                .extend_deadline = m->config.extend_deadline,
                .lock_on_death = m->config.on_death == ON_DEATH_LOCK,
                .release_when_degraded = m->config.release_when_degraded,
                .hooks = m->config.hooks,
                .attestation = { .required = m->config.require_attestation,
                                 .interval = m->config.attest_interval,
                                 .grace = m->config.attest_grace ?: USEC_INFINITY },
        };
        int r;

        memcpy(c.required_levels, m->config.required_levels, sizeof(c.required_levels));
        if (RAND_bytes(c.seed, sizeof(c.seed)) != 1)
                return -EIO;
        r = engine_new(&c, m->first_policy, &m->engine);
        if (r >= 0)
                TAKE_PTR(m->first_policy);
        return r;
}

static int take_over(Manager *m) {
        _cleanup_(remains_done) Remains remains = {};
        Findings findings;
        int r;

        r = read_life(m, &remains);
        if (r == 0)
                r = load_remains(m, &remains);
        if (r != 0)
                return r;
        findings = findings_of(m, &remains);
        r = find_out(m, &findings);
        if (r == 0)
                r = set_aside(m, &remains);
        if (r == 0)
                r = settle_registers(m);
        if (r != 0)
                return r;
        take_boot_values(m);
        r = make_engine(m);
        if (r >= 0)
                r = engine_resume(m->engine, &findings, &m->found);
        m->life.watermark = reconcile_watermark(&m->found);
        if (r >= 0)
                r = life_write(m->options->state_dir, &m->life);
        if (r >= 0)
                r = event_store_begin(m->store, m->found.keep, m->found.promised);
        if (r >= 0)
                r = death_load(m);
        m->committed_upto = m->found.new_log ? 0 : m->found.entries;
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot take over from an earlier run");
        return r < 0 ? EX_OSERR : 0;
}

static int on_background(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        background_dispatch(((Manager *) userdata)->background);
        return 0;
}

static int connect_edges(Manager *m) {
        int r = blobs_names(m->options->state_dir, &m->sealed);
        if (r >= 0)
                r = vault_new(&m->vault);
        if (r >= 0)
                r = registers_new(&m->registers);
        if (r >= 0)
                r = registers_watch(m);
        if (r >= 0)
                r = background_new(&m->background);
        if (r >= 0)
                r = sd_event_add_io(m->event, &m->background_source, background_fd(m->background), EPOLLIN,
                                    on_background, m);
        if (r >= 0)
                r = rounds_start(m);
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot set up");
        return r < 0 ? EX_OSERR : 0;
}

static int start_sensors(Manager *m) {
        return sensors_start(m) < 0 ? EX_OSERR : 0;
}

/* Behind what may take a minute: a bus sends away who comes and then says nothing. */
static int open_bus(Manager *m) {
        BusOps ops = bus_ops_template;
        int r;

        ops.userdata = m;
        r = bus_new(m->event, m->options->bus_address, &ops, &m->bus);
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot open the message bus");
        return r < 0 ? EX_OSERR : 0;
}

int manager_start(Manager *m) {
        static int (*const steps[])(Manager *) = {
                load_config, load_first_policy, make_state_directories, open_tpm, read_machine,
                take_over,   connect_edges,     start_sensors,          open_bus,
        };

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                int code = steps[i](m);

                if (code != 0)
                        return code;
        }
        return 0;
}

void manager_probed(Manager *m) {
        Input in = {
                .type = INPUT_START,
                .start = {
                        .fresh = reconcile_begins(&m->found),
                        .version = SEALWATCH_VERSION,
                        .life = m->life.name,
                        .bootid = m->machine.boot_id,
                        .kernel = m->machine.kernel,
                        .scope = m->scope,
                        .pid = (uint32_t) getpid(),
                        .reset_count = m->tpm_state.counters.reset,
                        .restart_count = m->tpm_state.counters.restart,
                        .pcrs = &m->tpm_state.pcrs,
                        .taints = m->taints,
                        .torn = m->found.torn,
                        .secrets_openable = reconcile_opens(&m->found),
                        .capped = reconcile_caps(&m->found),
                        .death = m->death.lock,
                },
        };
        const Input tampered = {
                .type = INPUT_TAMPER,
                .tamper = { .what = m->found.what, .detail = m->found.detail },
        };
        Status status;

        sensors_facts(m, &in.start);
        if (privileges_settle() < 0)
                log_message(LOG_WARNING, "cannot give up the capabilities that only probes need");
        memcpy(in.start.cmdline, m->machine.cmdline, sizeof(in.start.cmdline));
        memcpy(in.start.levels, m->levels, sizeof(in.start.levels));
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                in.start.level_why[w] = m->level_why[w];
        m->started = true;
        manager_feed(m, &in);
        if (m->found.verdict == RECONCILE_TAMPERED)
                manager_feed(m, &tampered);
        if (m->hooks_failed)
                manager_failure(m, FAILURE_HOOKS_DEAD, m->hooks_failed);
        engine_status(m->engine, &status);
        m->told_upto = status.events;
        keeping_restore(m);
        sensors_open(m);
        if (!in.start.secrets_openable)
                manager_ready(m);
        if (m->reload_wanted)
                requests_reload(m, 0);
}

void manager_ready(Manager *m) {
        const Input in = { .type = INPUT_READY };

        m->ready = true;
        manager_feed(m, &in);
        checks_go(m);
        rounds_open(m);
        (void) sd_notify(0, "READY=1");
        (void) sd_event_set_watchdog(m->event,
                                     true); /* what comes before has TimeoutStartSec=, and may take its time */
}
