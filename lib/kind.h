/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kinds of event that an ima-buf record can hold ("sealwatch:<kind>"), and the keys of their JSON. This table
 * is frozen as format 1 in sealwatch.eventlog(5): keys may be added in a later format, never changed. */

#include <jansson.h>
#include <stdbool.h>

enum { EVENTLOG_FORMAT = 2 };

/* The text whose digest the cap extends, in the cap record as well. */
#define CAP_EVENT "sealwatch:cap"

#define KIND_PREFIX "sealwatch:"

typedef enum Kind {
        KIND_BOOT,           /* first record of a TPM life */
        KIND_START,          /* the daemon starts watching */
        KIND_STOP,           /* it stops, on request */
        KIND_GAP,            /* nobody watched between two times */
        KIND_POLICY,         /* a policy is in force */
        KIND_POLICY_REFUSED, /* a new policy was not taken */
        KIND_LEVEL,          /* what a sensor can do changed */
        KIND_HARVEST,        /* secrets were unsealed at start */
        KIND_CAP,            /* from here on the TPM unseals none of ours */
        KIND_EXEC,           /* a judgement on a program about to run */
        KIND_OPEN_WRITERS,   /* binds the violation record before it */
        KIND_UNGATED,        /* a program ran that the gate did not answer */
        KIND_LOST,           /* events were lost */
        KIND_FAILURE,        /* a row of the failure table happened */
        KIND_SUPPRESSED,     /* records of refusals left out under overload */
        KIND_TAMPER,         /* log, PCR, TPM or sensor is not as it must be */
        KIND_STATE,          /* the guard changed its state */
        KIND_LOCK,           /* the lock plan begins; its digest is the poison */
        KIND_DETACH,         /* the programs in the kernel are removed on request */
        KIND_LOCKED,         /* what each step of the lock plan did */
        KIND_SEAL,           /* a secret was sealed */
        KIND_RELEASE,        /* a secret was asked for */
        KIND_ACTIVITY,       /* something was done to the machine's running state */
        KIND_CANARY,         /* an unknown program is about to be made and run, to see whether the sensors are alive */
        KIND_ATTEST,         /* a round of attestation is over */
        KIND_DRILL,          /* a drill is announced, or over */
        KIND_BATCH,          /* many records in one extend; not JSON */
        _KIND_MAX,
        _KIND_INVALID = -1,
} Kind;

/* "boot", "policy-refused", ... */
const char *kind_name(Kind kind);

/* From the name field of a record, prefix and all; _KIND_INVALID when unknown. */
Kind kind_from_record_name(const char *name);

/* Checks an object against the table: every required key there, every key known and of its type, every text in the
 * escaped form. On failure *reterr_key names the key and *reterr_why is a static sentence. */
bool kind_check(Kind kind, const json_t *object, const char **reterr_key, const char **reterr_why);

/* One row of the table, for the man page's test. */
typedef struct KindKey {
        const char *name;
        enum {
                KEY_TEXT,   /* escaped text */
                KEY_COUNT,  /* integer >= 0 */
                KEY_BOOL,   /* true or false */
                KEY_DIGEST, /* 64 lower-case hexadecimal digits */
                KEY_TEXTS,  /* list of text */
                KEY_COUNTS, /* list of integers >= 0 */
                KEY_MAP,    /* object of text */
                _KEY_TYPE_MAX,
        } type;
        bool optional;
} KindKey;

/* The i-th key of a kind, the common and subject keys included; NULL past the end. */
const KindKey *kind_key(Kind kind, size_t i);
