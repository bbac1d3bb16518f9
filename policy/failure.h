/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The failure table: everything that can go wrong inside, each with a name, a counter and what is done then.
 *
 * Rows of the gate decide about one file: open (allow) or closed (deny). The other rows decide about the guard. In
 * observe every row of the gate is open, and lock becomes degrade; in enforce the table's default holds unless
 * [Failures] says otherwise. */

#include <stddef.h>

typedef enum Failure {
        /* about one file at the gate */
        FAILURE_HASH_DEADLINE,
        FAILURE_EXTEND_DEADLINE,
        FAILURE_ANSWER_DEADLINE,
        FAILURE_FILE_TOO_LARGE,
        FAILURE_NO_LEASE,
        FAILURE_OPEN_WRITERS,
        FAILURE_REMOTE_FILE,
        FAILURE_USER_LAYERS,
        FAILURE_STALE_DIGEST,
        FAILURE_READ_ERROR,
        FAILURE_NO_PATH,
        FAILURE_QUEUE_FULL,
        FAILURE_LOG_FULL,
        FAILURE_LOG_WRITE,
        FAILURE_OUT_OF_MEMORY,
        /* about the guard */
        FAILURE_EVENTS_LOST,
        FAILURE_MARK_FAILED,
        FAILURE_HOOKS_DEAD,
        FAILURE_TPM_BUSY,
        FAILURE_TPM_LOST,
        FAILURE_TPM_RESET,
        FAILURE_TPM_LOCKOUT,
        FAILURE_TPM_ERROR,
        FAILURE_POLICY_REFUSED,
        FAILURE_ARCHIVE_WRITE,
        FAILURE_BUS_GONE,
        FAILURE_JOURNAL_GONE,
        _FAILURE_MAX,
        _FAILURE_INVALID = -1,
        _FAILURE_GATE_MAX = FAILURE_OUT_OF_MEMORY + 1, /* rows before it are about one file */
} Failure;

typedef enum FailureAction {
        ON_FAILURE_ALLOW,   /* the gate opens */
        ON_FAILURE_DENY,    /* the gate stays closed */
        ON_FAILURE_COUNT,   /* recorded and counted, nothing else */
        ON_FAILURE_DEGRADE, /* the guard is degraded */
        ON_FAILURE_LOCK,    /* a violation */
        _ON_FAILURE_MAX,
        _ON_FAILURE_INVALID = -1,
} FailureAction;

extern const char *const failure_action_names[_ON_FAILURE_MAX + 1]; /* ended by NULL */

/* "hash-deadline": in records, status and documentation. */
const char *failure_name(Failure f);
/* "HashDeadline": the key in [Failures]. */
const char *failure_key(Failure f);
Failure failure_from_key(const char *key); /* _FAILURE_INVALID when unknown */
const char *failure_description(Failure f);
FailureAction failure_default(Failure f);

/* True when [Failures] may set the row to that action. */
int failure_accepts(Failure f, FailureAction action);
