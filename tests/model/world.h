/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A machine with the real engine in it and everything around it simulated: a TPM, a tmpfs, a disk, a gate, processes. It
 * does what the engine's actions say, in the order in which the daemon does, dies between any two steps, and comes back
 * through reconcile(). Whatever does not hold ends the program with the inputs that led there. */

#include "core/resume.h"
#include "lib/base/table.h"
#include "lib/life.h"
#include "tests/test.h"

enum {
        TOKENS_MAX = 2048, /* at the gate, in one life of the daemon */
        JOBS_MAX = 8,
        REQUESTS_MAX = 512,
        PATHS = 16,
        MEASUREMENT = 13,
        CAP = 12,
};

/* What a program is, and what becomes of it. */
typedef struct Token {
        unsigned path, version; /* its content is both */
        uint32_t pid, uid;
        Failure failure;
        bool has_digest;
        bool unknown;    /* in no reference set */
        bool refused;    /* must not run */
        bool enforced;   /* asked in enforce */
        bool must_judge; /* before it runs, the judgement with this key is in the register: */
        uint64_t judged[2];
        bool late, given,
                used;       /* given: the engine let it run; used: an exec has used that up, or it is too long ago */
        usec_t asked, when; /* when: it was given */
        size_t order;       /* of the answers */
        enum { TOKEN_HELD, TOKEN_ALLOWED, TOKEN_DENIED } state;
} Token;

typedef struct Job {
        enum { JOB_NONE, JOB_COMMIT, JOB_POISON, JOB_HARVEST } type;
        uint64_t upto;
        BankDigests digest, before;
        bool uncertain;
        bool cap_only;
} Job;

/* What the log says up to some entry. */
typedef struct Told {
        uint64_t entries, generation;
        State state;
        unsigned sticky; /* reasons that a restart may not forget */
        unsigned locks, lockeds, caps, stops;
        uint64_t cap_seq, stop_seq;
        bool clean;  /* the last run ended on request */
        bool demand; /* a verdict demands a lock, and the guard is not closed yet */
        Table *keys; /* files and judgements: Key */
} Told;

typedef struct Key {
        uint64_t key[2];
        uint64_t generation, seq; /* the last generation, the first entry */
} Key;

typedef struct World {
        Random random;
        uint64_t seed;
        unsigned step;

        /* the configuration of this machine */
        EngineConfig config;
        unsigned policy; /* which of policy_text() is on disk */
        bool crashes;    /* may die */

        /* hardware and files */
        PcrValues pcrs;
        uint64_t reset, restart;
        char life_name[LIFE_NAME_MAX + 1];
        bool poisoned, poison_failed, capped,
                known_reset; /* known_reset: not the TPM life that the daemon started in */
        BankDigests poison;  /* what the poison registers got; no banks: nothing, or nothing that must be so still */
        Buffer log, pending;
        bool has_log, has_life;
        Life life;
        json_t *death; /* the note of OnDeath=lock: what a death must bring about; NULL: none */

        /* the daemon */
        Engine *engine;
        Reconciliation found;
        uint64_t log_records, log_entries, last_record; /* committed; where the last one starts */
        uint64_t anchored_records;                      /* that the daemon knows of */
        uint64_t hole;                                  /* entries below it could not be promised; 0: none */
        bool log_failed, ready, stopping, stopped, secrets, uncertain;
        bool full;                   /* the last input met a full log */
        uint64_t proving, gathering; /* rounds of attestation that wait for something; 0: none */
        Job jobs[JOBS_MAX];
        Input followups[64];
        size_t followups_size;
        uint64_t committed; /* + 1: the last entry handed over for commit */
        uint64_t told_upto; /* entries with which the log says what was found at start */
        usec_t boottime, stop_asked;
        unsigned dies_in; /* so many steps; 0: lives */
        bool dead;

        /* what must hold */
        uint64_t anchored;      /* entries whose extend was executed */
        bool must_close;        /* a violation was fed in: no way back in this life of the daemon */
        unsigned must_reasons;  /* sticky ones */
        bool tampered, foreign; /* files or registers were changed: the next start must say so; a register by others */
        bool may_close, is_ungated; /* this input is a violation; past the gate */
        unsigned confirms;          /* so many leases may end */
        Told told;                  /* by all entries that there are */
        uint64_t *prints;           /* of each entry: what it said when it got its number; bit 0: known */
        size_t prints_allocated;
        Token tokens[TOKENS_MAX];
        size_t tokens_size, answered;
        uint64_t requests[REQUESTS_MAX]; /* the entry of each release, or what became of it */
        size_t requests_size;
        char trace[48][200];
        unsigned traced;
} World;

/* world.c */
void world_new(World *w, uint64_t seed);
void world_done(World *w);
_Noreturn void world_broken(const World *w, const char *what, const char *file, int line);
void world_trace(World *w, const char *format, ...) _printf_(2, 3);
bool world_dies(World *w); /* at this very step */
bool chance(World *w, size_t percent);
const char *path_text(unsigned path);
void content_digest(unsigned path, unsigned version, uint8_t ret[SHA256_SIZE]);
Policy *policy_make(unsigned policy);

#define HOLDS(w, condition)                                                                                           \
        do {                                                                                                          \
                if (!(condition))                                                                                     \
                        world_broken(w, #condition, __FILE__, __LINE__);                                              \
        } while (0)

/* machine.c: files and registers */
int store_append(World *w, const Action *a);
int store_commit(World *w, const Action *a);
void store_anchored(World *w);
void store_idle(World *w);
void store_begin(World *w);
void tpm_reset(World *w);
void tpm_cap(World *w);
void tpm_poison(World *w, const BankDigests *digest);
void tpm_extend(World *w, unsigned pcr, const BankDigests *digest);
void job_add(World *w, const Job *job);
void job_run(World *w, bool well); /* the most urgent; well: nothing goes wrong */
bool job_waits(const World *w);
void machine_reboot(World *w);
void machine_tamper(World *w);

/* daemon.c */
void daemon_start(World *w); /* until it is up, however often it dies */
void daemon_feed(World *w, const Input *in);
void daemon_followup(World *w, const Input *in);
void daemon_crash(World *w);

/* Of a request; everything else is the number of its entry. */
#define REQUEST_OPEN (UINT64_MAX - 1)
#define REQUEST_DONE UINT64_MAX

/* told.c: what the log says */
void told_reset(World *w);
void told_new(World *w, const RecordView *record, bool known); /* the next entry */
/* From the files: so much of the log, and what is promised behind it. */
void told_from_files(World *w, size_t log_size, bool promised);
bool told_of(const World *w, const uint64_t key[2], uint64_t below); /* an entry with a number below says so */
void file_key(const char *name, const uint8_t *digest, uint64_t ret[2]);
void judgement_key(const char *verdict, const char *rule, const char *failure, uint64_t uid, const uint8_t *digest,
                   const char *path, uint64_t ret[2]);
void watch_token(World *w, const Observation *o, Token *t);

/* watch.c: what must hold */
void watch_input(World *w, const Input *in);
void watch_list(World *w, const Input *in, const ActionList *list, int result, const Status *before);
void watch_answer(World *w, const Action *a, bool allow);
void watch_stop(World *w);
void watch_found(World *w);
void watch_commit(World *w, const Job *job);
void watch_rest(World *w); /* nothing is on its way */

/* inputs.c */
void world_step(World *w); /* something happens */
void world_settle(World *w);
