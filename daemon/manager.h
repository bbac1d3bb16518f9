/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manager knows everybody; nobody outside daemon/ knows it. Its loop is: wait, decode, feed the engine, perform the
 * actions. Everything here runs on the main thread. */

#include <systemd/sd-event.h>

#include "core/engine.h"
#include "core/reconcile.h"
#include "daemon/eventlog/archive.h"
#include "daemon/eventlog/store.h"
#include "daemon/learner.h"
#include "daemon/machine.h"
#include "daemon/options.h"
#include "daemon/secret/blobs.h"
#include "daemon/secret/vault.h"
#include "daemon/sensor/bpf/observer.h"
#include "daemon/sensor/fanotify/gate.h"
#include "daemon/sensor/files/files.h"
#include "daemon/sensor/unit/units.h"
#include "daemon/tpm/tpm.h"
#include "dbus/bus.h"
#include "lib/deathnote.h"
#include "lib/io/background.h"
#include "policy/config.h"

typedef struct Checks Checks;       /* looks after registers and the measurement list */
typedef struct Rounds Rounds;       /* of attestation */
typedef struct Registers Registers; /* the jobs that the TPM has under way, and what for */

enum {
        FOLLOWUPS_MAX = 32,
        FOLLOWUPS_KEPT = 8, /* of them, so many for what the engine waits for */
        TAINTS_MAX = 3,
};

typedef struct Manager {
        const Options *options;
        Config config;
        Machine machine;
        sd_event *event;

        /* the edges */
        EventStore *store;
        Tpm *tpm;
        Gate *gate;
        Observer *observer;
        Files *files;
        Units *units;
        Checks *checks;
        Learner *learner; /* NULL: the kernel side hashes by itself, or knows no hooks */
        Vault *vault;
        Bus *bus;
        Background *background;
        Registers *registers;
        Rounds *rounds;

        /* the core */
        Engine *engine;
        Policy *first_policy;           /* until the engine has it */
        Input followups[FOLLOWUPS_MAX]; /* made while actions were performed */
        size_t followups_size;
        bool feeding, log_failed, reload_wanted;
        const char *hooks_failed; /* why, before there was a start that it can follow (static) */

        /* what was found at start */
        TpmState tpm_state;
        PcrValues seen; /* the registers when we last looked */
        Life life;
        Reconciliation found;
        bool restarted;    /* the cap of this boot was set by an earlier run */
        HashAlg boot_bank; /* whose values at boot these are: */
        uint8_t boot_values[PCR_COUNT][DIGEST_MAX];
        PcrSet boot_pcrs;
        const char *taints[TAINTS_MAX + 1];
        char *scope;      /* "machine" or "cgroup:/path" */
        char *tpm_device; /* as Tpm= */

        BlobList sealed; /* names only: what there is on disk */

        /* on the way */
        uint64_t committed_upto;           /* + 1: what the committed file has; 0: nothing of this run */
        uint64_t stop_anchored;            /* entries in the register when a stop was waited for last */
        uint64_t told_upto;                /* entries with which the log says what was found at start */
        bool archiving, started, stopping; /* started: the engine had its INPUT_START */
        bool handing_over;                 /* the programs in the kernel go on without us */
        bool ready;                        /* and the service manager knows */
        bool managed, keeps_nothing;       /* there is a service manager; it, or the kernel, keeps no secrets */
        unsigned probes_left;
        Level levels[_WATCHED_MAX];
        char *level_why[_WATCHED_MAX];
        bool hooks;                 /* some are claimed */
        bool hook_on_exec;          /* programs are also refused in the kernel */
        const char *exec_hook_why;  /* static */
        uint32_t kernel_generation; /* of the policy that the kernel side and the engine have */
        enum {
                DEATH_UNKNOWN, /* an earlier daemon's, or none */
                DEATH_OFF,     /* none */
                DEATH_ON,      /* of the lock that our death would bring about */
                DEATH_BEGUN,   /* of the lock that was begun */
        } death_armed;         /* the note for sealwatch-lock */
        bool death_unarmed;    /* it cannot be written; this was said */
        DeathNote death; /* what an earlier daemon left; without a lock: nothing. What registers held before one */
        sd_event_source *engine_timer, *archive_timer, *signal_source, *stop_timer, *background_source, *tpm_source;
        usec_t lock_started;
        int exit_code;
} Manager;

/* startup.c */
int manager_start(Manager *m);   /* 0 or the exit code of the daemon, after logging why */
void manager_probed(Manager *m); /* all sensors have shown what they can do */
void manager_ready(Manager *m);  /* harvest is over */

/* manager.c */
void manager_done(Manager *m);
/* While actions are performed it waits for their end: then only for what borrows nothing of the caller's. */
void manager_feed(Manager *m, const Input *in);
void manager_failure(Manager *m, Failure row, const char *detail);
void manager_stop(Manager *m, const char *reason, bool hand_over);
void manager_anchored(Manager *m);    /* entries reached the register: archive and signal them soon */
void manager_archive_now(Manager *m); /* at the end */

/* keeping.c: secrets that outlive the daemon */
void keeping_begin(Manager *m);   /* before any program is run */
void keeping_restore(Manager *m); /* when the engine knows what was found */
void keeping_store(Manager *m, const char *name);
void keeping_stop(Manager *m); /* at a clean stop */
void keeping_forget(const Manager *m);

/* death.c: OnDeath=lock */
int death_load(Manager *m);   /* 0 or -ENOMEM */
void death_begun(Manager *m); /* before any record of a lock is written, and so before it may be cut off */
void death_watch(Manager *m); /* whenever the guard's state, its policy or we ourselves may have changed; cheap */

/* perform.c */
void manager_perform(Manager *m, const ActionList *actions);

/* registers.c: everything that goes to and comes from the TPM while the daemon runs */
int registers_new(Registers **ret);
Registers *registers_free(Registers *r); /* wipes keys */
int registers_watch(Manager *m);
void registers_commit(Manager *m, const Action *a);
void registers_poison(Manager *m, const BankDigests *digest);
void registers_harvest(Manager *m, bool cap_only);
void registers_seal(Manager *m, uint64_t request, const char *name, uint32_t uid, SecretMem *secret);
void registers_snapshot(Manager *m, uint64_t request);
bool registers_look(Manager *m); /* false when the TPM has too much to do; else checks_on_registers() follows */

/* activities.c: what is done to the machine's running state. Before the start record. */
void activities_seen(void *userdata, Activity *a, uint32_t generation);
void activities_probe(Manager *m);
void activities_watch_files(Manager *m);

/* drill.c: what somebody announces that he will try */
void drill_request(Manager *m, const BusRequest *q); /* BUS_DRILL, BUS_DRILL_END */
void drill_perform(Manager *m, const Action *a);

/* checks.c: looking after what nobody signals, the registers and the kernel's own measurement list behind one of them. A look
 * follows soon after something was executed, and seldom otherwise. */
int checks_start(Manager *m); /* the first look, which may wait: before the start record. 0 or -ENOMEM */
Checks *checks_free(Checks *c);
void checks_go(Manager *m);    /* everything runs: from here on there are looks */
void checks_nudge(Manager *m); /* something happened that may have changed what is looked after; cheap */
void checks_on_registers(Manager *m, const PcrValues *values); /* NULL: the TPM does not answer */

/* attestation.c: rounds of attestation, as the engine asks for them */
int rounds_load_policy(Manager *m,
                       ProblemList *problems); /* first of all. 0 or a negative errno; mistakes in *problems */
int rounds_start(Manager *m);                  /* 0 or a negative errno */
Rounds *rounds_free(Rounds *r);                /* before the TPM's */
void rounds_open(Manager *m);                  /* tells the engine who gives evidence */
void rounds_prove(Manager *m, const Action *a);
void rounds_attest(Manager *m, const Action *a);
void rounds_attested(Manager *m, const Action *a);
void rounds_refused(Manager *m, const Action *a);
void rounds_request(Manager *m, const BusRequest *q); /* BUS_ATTEST, BUS_EVIDENCE */
void rounds_properties(const Manager *m, BusProperties *ret);

/* sensors.c */
int sensors_start(Manager *m);                   /* 0 or a negative errno, after logging why */
void sensors_facts(Manager *m, StartFacts *ret); /* what outlives the daemon, and what an earlier one left */
void sensors_open(Manager *m);
void sensors_detach(Manager *m);                           /* the kernel side ends, the gate does not */
void sensors_stop(Manager *m);                             /* nothing is left in the kernel when the daemon ends */
void sensors_set_policy(Manager *m, const Policy *policy); /* just before the engine gets it */
void sensors_set_level(Manager *m, Watched w, Level level, const char *why);    /* before the start record */
void sensors_change_level(Manager *m, Watched w, Level level, const char *why); /* at any time */
void sensors_kill(Manager *m, uint32_t pid, usec_t started);

/* requests.c: what comes over the bus */
extern const BusOps bus_ops_template;
void requests_release(Manager *m, const Action *a);
void requests_detached(Manager *m, const Action *a);
void requests_reload(Manager *m, uint64_t request);
void requests_sealed(Manager *m, uint64_t request, const char *name, uint32_t uid, SecretMem *secret, Buffer *blob);
void requests_fail(Manager *m, uint64_t request, const char *error, const char *message);
