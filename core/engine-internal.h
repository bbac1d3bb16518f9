/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the engine's own files share. Nobody else includes this. */

#include "core/answers.h"
#include "core/drill.h"
#include "core/engine.h"
#include "lib/base/cleanup.h"
#include "lib/base/table.h"

enum {
        DEDUP_KEY_SIZE = 16,
        DEDUP_MAX = 1 << 21,
        ANSWERS_MAX = 1 << 14,
        QUEUE_BYTES_MAX = 16 << 20, /* entries waiting for the TPM */
        BATCH_SHARE = 54,           /* what a known file adds to the log at most when it goes into a batch */
        REFUSALS_PER_WINDOW = 600,  /* records of refusals; more are counted */
};
#define NOT_RECORDED UINT64_MAX /* the number of an entry that could not be written */
#define REFUSAL_WINDOW (60 * USEC_PER_SEC)
#define COMMIT_RETRY USEC_PER_SEC

/* For whom the log still has room: the last of it is not for what any user can cause without end, and the very last not
 * for what root can, but only for the way to the locked state, which is gone once. */
typedef enum Room {
        ROOM_ANYBODY,
        ROOM_GUARD,
        ROOM_LOCK,
        _ROOM_MAX,
} Room;

/* A file or judgement that is in the log already. */
typedef struct Recorded {
        uint8_t key[DEDUP_KEY_SIZE]; /* truncated SHA-256 */
        uint64_t seq;
} Recorded;

/* A token that may be answered once its entry is in the PCR. */
typedef struct Waiting {
        uint64_t token, seq;
        usec_t deadline;
        Subject subject; /* without its strings */
        FileIdentity file;
        Failure failure; /* of the observation */
        char *path;
} Waiting;

/* A secret to be handed out once its record is in the PCR. */
typedef struct PendingRelease {
        uint64_t request, seq;
        char *name;
} PendingRelease;

struct Engine {
        EngineConfig config;
        Policy *policy;
        uint64_t generation;

        State state;
        unsigned reasons;
        bool was_booted, was_capped, was_clean; /* from the log of an earlier run */
        uint8_t logged_policy[SHA256_SIZE];     /* the last one in the log */
        usec_t last_time;                       /* CLOCK_REALTIME of the last entry in it */
        uint64_t was_pinned;                    /* programs that its last daemon left to the kernel */
        uint64_t violation_seq;                 /* its entry that says so, if it ends in the violated state */
        uint64_t lock_owed;                     /* 1 + its entry that demands a lock which did not follow; 0: none */
        json_t *lock;                           /* the event of the one lock record that there is; NULL: none */
        bool lock_finished;                     /* the earlier run's log has a locked record */
        bool poisoned;                          /* the registers have the digest of the lock record */
        uint64_t start_seq;                     /* the entry of this start */
        bool harvest_waits;                     /* for the cap record to be in the register */
        uint64_t cap_seq;

        CommitQueue *queue;
        uint64_t log_bytes; /* committed and waiting */
        usec_t retry_at;    /* for the commit on its way; USEC_INFINITY: it is not waiting for that */
        Table *measured, *judged;
        Answers *answers;
        Waiting *waiting;
        size_t waiting_size, waiting_allocated;
        PendingRelease *releases;
        size_t releases_size, releases_allocated;

        Level levels[_WATCHED_MAX], required[_WATCHED_MAX], reached[_WATCHED_MAX]; /* reached: by an earlier run */
        char *level_why[_WATCHED_MAX];

        usec_t window_start, window_start_real; /* of the refusal limit */
        uint64_t window_records, window_suppressed;
        uint64_t lost, denied, ungated, suppressed, failures[_FAILURE_MAX];

        unsigned steps_owed; /* bits: what of the lock plan no list of actions had memory for yet */
        usec_t again_at;     /* when that, or a harvest, is tried again */
        bool step_done[_LOCK_STEP_MAX];
        char *step_failure[_LOCK_STEP_MAX];
        usec_t step_took[_LOCK_STEP_MAX];
        BankDigests poison;
        bool stopping, stopped;
        uint64_t stop_needs; /* entries that must be in the register before it may end */
        usec_t stop_until;
        bool detaching; /* once its record is in the register */
        uint64_t detach_seq, detach_request;

        Attestation attestation;
        Drill drill;
};

/* The state of one engine_feed() call. */
typedef struct Feed {
        Engine *engine;
        Now now;
        ActionList *actions;
        bool canary;       /* the input is about the canary, or a drill: nobody is told, nothing is counted */
        const char *drill; /* the item of a drill that it is about; NULL: none */
} Feed;

/* Of two things that were both tried. */
static inline int first_error(int a, int b) {
        return a < 0 ? a : b < 0 ? b : 0;
}

/* engine-record.c: everything that becomes an entry. All return 0 or a negative errno. */
int record_bytes(Feed *f, Buffer *record, bool known, uint64_t *ret_seq);
/* alert: tell people, with that severity; no alert when it is negative. ret_seq may be NULL, and is set as soon as there is
 * an entry, also when the alert then fails. */
int record_event(Feed *f, EventBuilder *event, int alert, uint64_t *ret_seq);
int record_event_in(Feed *f, Room room, EventBuilder *event, int alert, uint64_t *ret_seq); /* not in its kind's */
/* A violation record (taken over on success) and the event that binds it: both or none. */
int record_pair(Feed *f, Buffer *violation, EventBuilder *binding, int alert, uint64_t *ret_seq);
int record_policy(Feed *f); /* of a new generation: everything is recorded anew; on failure all is as it was */
void put_backing(EventBuilder *event, const FileIdentity *f); /* of a file on overlayfs, else nothing */
void put_subject(EventBuilder *event, const Subject *s);
/* False when the key could not be made: then nothing is taken for a double. digest may be NULL. */
bool dedup_key(const char *what, const uint8_t *digest, const char *detail, const char *path,
               uint8_t ret[DEDUP_KEY_SIZE]);
/* Judges code. Sets the failure of what the policy cannot judge for want of a path. */
Verdict judge_code(const Policy *p, Observation *o);

bool judged_key(const char *verdict, const char *rule, const char *failure, uint64_t uid, const uint8_t *digest,
                const char *path, uint8_t ret[DEDUP_KEY_SIZE]);
void remember(Table *t, const uint8_t key[DEDUP_KEY_SIZE], uint64_t seq);
bool log_has_room(const Engine *e, size_t size, Room room);
void log_takes(Engine *e, size_t size, bool known); /* an entry is on its way */
int send_commit(Feed *f, const Commit *c);
int start_commit(Feed *f); /* sends the next commit on its way, when none is */

/* engine-guard.c: the state, its reasons, and the lock plan. */
int guard_cause(Feed *f, Cause cause);
int guard_degrade(Feed *f, Reason reason);
int guard_recover(Feed *f, Reason reason);
/* A violation whose context is in the entry `trigger`. In observe it only degrades. by_request: a person asked. */
int guard_violate(Feed *f, const char *reason, uint64_t trigger, bool by_request, uint32_t uid);
/* An earlier run died on the way from violated to locked: goes on where the log says that it was. The poison stays that of
 * the lock record which is there, so that a verifier knows the one digest that the registers got. */
int guard_resume_lock(Feed *f);
int guard_owed_lock(Feed *f);
int guard_died(Feed *f, const json_t *lock);    /* with the lock record that was made for it, in every mode */
bool guard_says_poisoned(const json_t *locked); /* of a locked record */
int guard_wipe(Feed *f);                        /* the first step once more */
int guard_owed_steps(Feed *f);                  /* what is owed of the lock plan */
int guard_failure(Feed *f, Failure row, const char *detail);
int feed_lock_step(Feed *f, const Input *in);

/* engine-exec.c: the gate. */
int feed_exec(Feed *f, const Observation *o);
int feed_answer_late(Feed *f, uint64_t token);
int waiting_release(Feed *f); /* answers what is anchored now */
int waiting_expire(Feed *f);  /* answers what is overdue */
usec_t waiting_deadline(const Engine *e);

/* Shared with engine-code.c: records of what was decided. `limited`: only if the limit on refusals has room, else *ret_seq is
 * NOT_RECORDED. */
int record_judgement(Feed *f, const Observation *o, const Verdict *v, const char *verdict, int alert, bool limited,
                     uint64_t *ret_seq);
int record_refusal(Feed *f, const Observation *o, const Verdict *v, const char *verdict, uint64_t *ret_seq);
int record_file(Feed *f, const Observation *o, bool known, uint64_t *ret_seq);
int record_open_writers(Feed *f, const Observation *o, uint64_t *ret_seq);
/* What must be said of a file that may run: the entries, or NOT_RECORDED where there is nothing to say. */
int record_let_run(Feed *f, const Observation *o, const Verdict *v, uint64_t *ret_judged, uint64_t *ret_measured);
/* "deny", "would-kill", ...: the strongest action, as done in that mode. */
const char *refusal_name(unsigned actions, Mode mode);

/* engine-code.c: code that the kernel side decided about. */
int feed_code(Feed *f, const CodeSeen *c);

/* engine-activity.c: what is done to the machine's running state. */
int feed_activity(Feed *f, const Activity *a);
/* Under which the judgement on an activity is remembered; exe, how and target as they are in the log. False: not at all. */
bool activity_key(const char *event, const char *how, const char *verdict, const char *rule, uint64_t uid,
                  const char *exe, const char *target, uint8_t ret[DEDUP_KEY_SIZE]);

/* engine-observe.c: what sensors report after the fact. */
int feed_execed(Feed *f, const Execed *x);
int kill_process(Feed *f, uint32_t pid, usec_t started);
int feed_lost(Feed *f, const Input *in);
int feed_levels(Feed *f, const Input *in);
int feed_tamper(Feed *f, const Input *in);

/* engine-start.c, engine-request.c */
int feed_start(Feed *f, const StartFacts *facts);
int start_harvest(Feed *f); /* once the cap record is in the register */
bool start_harvest_is_due(const Engine *e);
int feed_harvested(Feed *f, const Input *in);
int feed_ready(Feed *f);
int feed_policy(Feed *f, const Input *in);
int feed_policy_refused(Feed *f, const Input *in);
int feed_release(Feed *f, const Input *in);
int feed_sealed(Feed *f, const Input *in);
int releases_anchored(Feed *f);
int feed_detach(Feed *f, const Input *in);
int detach_anchored(Feed *f);
/* Tells who waits for a request: ACTION_RELEASE with the name of the secret, or ACTION_REFUSE and why (static). */
int finish_release(Feed *f, ActionType type, uint64_t request, const char *name, const char *reason);

/* engine-drill.c: what somebody tries, and has announced. */
int feed_drill(Feed *f, const Input *in);
int feed_drill_end(Feed *f, const Input *in);
int drill_anchored(Feed *f);
int drill_expire(Feed *f); /* before the input is looked at */
usec_t drill_deadline(const Engine *e);
/* True when a drill announced it: then f->drill is set, and nothing but refusal and record may come of it. */
bool drill_takes_code(Feed *f, const Observation *o);
bool drill_takes_activity(Feed *f, const Activity *a, const char *how);
bool drill_took_activity(Feed *f, bool recorded);  /* what became of that; false: it is no drill's then */
int drill_cancel(Feed *f, const char *reason);     /* what it was announced for holds no more */
unsigned drill_actions(Feed *f, unsigned actions); /* what is left of a verdict on code; nobody is told */

/* engine-attest.c: rounds of attestation. */
int feed_provider(Feed *f, const Input *in);
int feed_resumed(Feed *f);
int feed_attest(Feed *f, const Input *in);
int feed_proved(Feed *f, const Input *in);
int feed_attested(Feed *f, const Input *in);
int attest_step(Feed *f); /* what is due */
usec_t attest_deadline(const Engine *e);
void attest_restore(Engine *e, const json_t *event); /* of an earlier run */
/* Is this the canary of the round under way? True once in a round. Then its actions are those of attest_canary_actions(): it
 * is denied or measured as any unknown program, and nothing else comes of it. */
bool attest_takes_canary(Feed *f, const Observation *o);
unsigned attest_canary_actions(Feed *f, unsigned actions);

/* Refusals and their like are limited per window, so that nobody can fill the log with them. */
bool limiter_take(Feed *f);
void limiter_leave_out(Feed *f, uint64_t n); /* what was left out already */
int limiter_flush(Feed *f);                  /* records what was left out, when the window is over */
