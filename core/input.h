/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that can make the engine decide. Inputs borrow their pointers for the length of engine_feed(). */

#include "core/attestation.h"
#include "core/drill.h"
#include "lib/event.h"
#include "policy/level.h"
#include "policy/policy.h"

typedef enum InputType {
        INPUT_START,          /* the daemon starts: after engine_restore() */
        INPUT_HARVESTED,      /* secrets were unsealed and the cap was extended, or not */
        INPUT_READY,          /* everything runs; from here on the guard may be trusted */
        INPUT_EXEC,           /* a file asks to run at the gate */
        INPUT_ANSWER_LATE,    /* the kernel has waited for AnswerDeadlineSec= */
        INPUT_ANSWER_UNUSED,  /* what was allowed was not run */
        INPUT_EXECED,         /* the kernel ran a program */
        INPUT_CODE,           /* the kernel side denied code, or let it run */
        INPUT_ACTIVITY,       /* something was done to the machine's running state, or tried */
        INPUT_LOST,           /* a sensor lost events */
        INPUT_UNTOLD,         /* refusals that a sensor only counted */
        INPUT_LEVELS,         /* what sensors can do changed */
        INPUT_FAILURE,        /* a row of the failure table, not about one file */
        INPUT_TAMPER,         /* log, PCR, TPM or sensor is not as it must be */
        INPUT_EXTENDED,       /* a commit is in the PCR */
        INPUT_EXTEND_FAILED,  /* a commit is not; it stays owed */
        INPUT_COMMIT_FAILED,  /* a commit could not be written to the log; it stays owed */
        INPUT_LOCK_STEP,      /* a step of the lock plan is done */
        INPUT_POLICY,         /* a new policy */
        INPUT_POLICY_REFUSED, /* a new policy with mistakes */
        INPUT_LOCK,           /* somebody asks for the lock plan */
        INPUT_RELEASE,        /* somebody asks for a secret */
        INPUT_SEALED,         /* a secret was sealed */
        INPUT_PROVIDER,       /* who gives evidence of this guest, if anybody */
        INPUT_ATTEST,         /* somebody asks for a round of attestation */
        INPUT_RESUMED,        /* the machine was asleep */
        INPUT_PROVED,         /* the canary was run, or not */
        INPUT_ATTESTED,       /* evidence was gathered and appraised, or not */
        INPUT_DETACH,         /* somebody asks that the kernel side ends */
        INPUT_DRILL,          /* somebody announces a drill */
        INPUT_DRILL_END,      /* … and says that it is over */
        INPUT_STOP,           /* somebody asks the daemon to end */
        INPUT_TIMER,          /* engine_deadline() has come; what happened before then has been told */
        _INPUT_MAX,
} InputType;

/* The machine and the daemon at start: what the boot and start records say. */
typedef struct StartFacts {
        bool fresh; /* first start of this TPM life: writes the boot record */
        const char *version, *life, *bootid, *kernel, *scope;
        uint32_t pid;
        uint64_t reset_count, restart_count;
        uint8_t cmdline[SHA256_SIZE];
        const PcrValues *pcrs;
        Level levels[_WATCHED_MAX];
        const char *level_why[_WATCHED_MAX]; /* NULL, or why it is not higher */
        const char *const *taints;           /* ended by NULL */
        uint64_t torn;                       /* bytes of the pending file that nobody was promised */
        bool secrets_openable;               /* the cap register is open: harvest makes sense */
        bool capped;                         /* it was capped at this start, and nothing was harvested */
        uint64_t pinned;                     /* programs in the kernel that outlive the daemon */
        uint64_t judging;                    /* those of an earlier daemon that judged still */
        uint64_t queued, lost;               /* events that they left; that found no room */
        const json_t *death; /* the lock that an earlier daemon's death has brought about; NULL: none */
} StartFacts;

/* A program that the kernel ran. */
typedef struct Execed {
        Subject subject;
        const char *path; /* as the kernel was given it */
        FileIdentity file;
        usec_t started;   /* CLOCK_BOOTTIME at which the process was born */
        usec_t when;      /* … and at which it ran this */
        bool privileged;  /* euid 0 or capabilities, in the initial user namespace */
        bool before_gate; /* the gate may not have been up yet when the file was opened */
        bool changed;     /* seen and answered before; its file may have been changed after the answer */
} Execed;

/* Code that the kernel side has decided about already. */
typedef struct CodeSeen {
        Observation observation; /* its token is not used */
        bool denied;
        bool stale;      /* decided by another policy than the engine's, while that changes */
        bool unread;     /* it has no digest because nobody could read it any more */
        usec_t started;  /* CLOCK_BOOTTIME at which the process was born */
        bool privileged; /* as in Execed */
} CodeSeen;

enum { ACTIVITY_DETAILS_MAX = 8 };

typedef struct ActivityDetail {
        const char *key, *text;
} ActivityDetail;

/* Something that was done to the machine's running state, or was tried. Where it was nobody's process, as with a PCR that
 * changed, the subject is all zero. */
typedef struct Activity {
        Event event;     /* not one about code */
        Subject subject; /* as it was before: of a setuid program, who ran it */
        const char *target;
        ActivityDetail details[ACTIVITY_DETAILS_MAX]; /* up to the first without a key */
        const uint8_t *digest;                        /* of what the target holds now, or NULL */
        bool denied;                                  /* it did not happen */
        bool privileged;                              /* as in Execed */
        bool stale;                                   /* as in CodeSeen */
        usec_t started;                               /* CLOCK_BOOTTIME at which the process was born */
        bool alert; /* people are told, with `severity`, and no more than that, where no rule says so */
        Severity severity;
} Activity;

typedef struct HarvestResult {
        const char *name;
        const char *failure; /* NULL: held */
} HarvestResult;

/* The steps of the lock plan, in their order. None is skipped because another failed. */
typedef enum LockStep {
        LOCK_WIPE,   /* secrets in memory */
        LOCK_POISON, /* extend the poison registers */
        _LOCK_STEP_MAX,
} LockStep;

typedef struct Input {
        InputType type;
        union {
                StartFacts start;
                struct {
                        const HarvestResult *results;
                        size_t n;
                        bool capped;
                } harvested;
                Observation exec;
                uint64_t token; /* INPUT_ANSWER_LATE */
                struct {
                        uint32_t pid;
                        uint64_t token;
                } unused;
                Execed execed;
                CodeSeen code;
                Activity activity;
                struct {
                        const char *sensor;
                        uint64_t first, last, count;
                } lost;
                struct {
                        uint64_t count;
                } untold;
                struct {
                        Level levels[_WATCHED_MAX];
                        const char *why[_WATCHED_MAX];
                } levels;
                struct {
                        Failure row;
                        const char *detail; /* may be NULL */
                } failure;                  /* also of INPUT_EXTEND_FAILED and INPUT_COMMIT_FAILED */
                struct {
                        const char *what, *detail;
                } tamper;
                struct {
                        LockStep step;
                        const char *failure; /* NULL: done */
                        usec_t took;
                } lock_step;
                struct {
                        Policy *policy; /* taken over */
                } policy;
                struct {
                        const char *error;
                } policy_refused;
                struct {
                        uint32_t uid;
                        const char *reason;
                } lock;
                struct {
                        uint64_t request; /* by which the caller is known */
                        const char *name;
                        const char *unavailable; /* NULL: it is held; else why it is not */
                        uint32_t uid, pid;
                } release;
                struct {
                        const char *name;
                        uint32_t uid;
                        uint8_t blob[SHA256_SIZE];
                } sealed;
                struct {
                        const char *name; /* NULL: nobody */
                } provider;
                AttestRequest attest;
                struct {
                        uint64_t round;
                        CanaryOutcome outcome;
                        const char *trouble; /* static; NULL unless CANARY_TROUBLE or CANARY_NOT_ASKED */
                } proved;
                struct {
                        uint64_t round;
                        const char *reason; /* why there is no evidence; NULL when there is */
                        CheckList *checks;  /* of its appraisal; the engine adds its own */
                        const Pins *pins;   /* what it says of the guest; NULL: nothing */
                } attested;
                struct {
                        uint64_t request; /* by which the caller is known */
                        uint32_t uid;
                        const char *reason;
                } detach;
                DrillRequest drill; /* also of INPUT_DRILL_END */
                struct {
                        const char *reason;
                } stop;
        };
} Input;
