/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The failure table. */

#include "policy/failure.h"

#include "lib/base/macro.h"

static const struct {
        const char *name, *key, *description;
        FailureAction action; /* in enforce */
} rows[] = {
#define ROW(f, name, key, action, description) [FAILURE_##f] = { name, key, description, ON_FAILURE_##action }
        ROW(HASH_DEADLINE, "hash-deadline", "HashDeadline", DENY,
            "the file could not be hashed within HashDeadlineSec="),
        ROW(EXTEND_DEADLINE, "extend-deadline", "ExtendDeadline", DENY,
            "a file in no reference set could not be measured within ExtendDeadlineSec="),
        ROW(ANSWER_DEADLINE, "answer-deadline", "AnswerDeadline", DENY,
            "the kernel waited for AnswerDeadlineSec= in all"),
        ROW(FILE_TOO_LARGE, "file-too-large", "FileTooLarge", DENY, "the file is larger than MaxFileSize="),
        ROW(NO_LEASE, "no-lease", "NoLease", DENY,
            "the file system gives no read lease, so its writers cannot be held off"),
        ROW(OPEN_WRITERS, "open-writers", "OpenWriters", DENY, "the file is open for writing by somebody"),
        ROW(REMOTE_FILE, "remote-file", "RemoteFile", DENY,
            "the file is on a network or FUSE file system, whose server can change it at any time"),
        ROW(USER_LAYERS, "user-layers", "UserLayers", DENY,
            "the file is on an overlayfs of a user namespace, whose user can change the layers"),
        ROW(STALE_DIGEST, "stale-digest", "StaleDigest", DENY,
            "IMA has a policy, and the digest that it has of the file may be of an earlier content"),
        ROW(READ_ERROR, "read-error", "ReadError", DENY, "the file could not be read"),
        ROW(NO_PATH, "no-path", "NoPath", DENY, "a rule looks at the file's path, and the kernel does not tell it"),
        ROW(QUEUE_FULL, "queue-full", "QueueFull", DENY, "more than QueueMax= programs wait at the gate"),
        ROW(LOG_FULL, "log-full", "LogFull", DENY, "the event log is at LogMaxSize="),
        ROW(LOG_WRITE, "log-write", "LogWrite", DENY,
            "the event log, or the note of OnDeath=lock, could not be written"),
        ROW(OUT_OF_MEMORY, "out-of-memory", "OutOfMemory", DENY, "no memory for a decision"),
        ROW(EVENTS_LOST, "events-lost", "EventsLost", DEGRADE, "a sensor lost events"),
        ROW(MARK_FAILED, "mark-failed", "MarkFailed", DEGRADE, "a file system could not be put under the gate"),
        ROW(HOOKS_DEAD, "hooks-dead", "HooksDead", LOCK, "a sensor that worked stopped working"),
        ROW(TPM_BUSY, "tpm-busy", "TpmBusy", DEGRADE, "the TPM did not answer within TpmDeadlineSec="),
        ROW(TPM_LOST, "tpm-lost", "TpmLost", LOCK, "the TPM is gone"),
        ROW(TPM_RESET, "tpm-reset", "TpmReset", LOCK, "the TPM was reset while the machine was running"),
        ROW(TPM_LOCKOUT, "tpm-lockout", "TpmLockout", DEGRADE, "the TPM is in dictionary-attack lockout"),
        ROW(TPM_ERROR, "tpm-error", "TpmError", DEGRADE, "the TPM refused a command or answered garbage"),
        ROW(POLICY_REFUSED, "policy-refused", "PolicyRefused", COUNT,
            "a new policy has mistakes; the old one stays in force"),
        ROW(ARCHIVE_WRITE, "archive-write", "ArchiveWrite", DEGRADE, "the log's archive could not be written"),
        ROW(BUS_GONE, "bus-gone", "BusGone", COUNT, "the connection to the message bus was lost"),
        ROW(JOURNAL_GONE, "journal-gone", "JournalGone", COUNT, "alerts could not be handed to the journal"),
#undef ROW
};
static_assert(ELEMENTSOF(rows) == _FAILURE_MAX, "a row per failure");

const char *const failure_action_names[] = {
        [ON_FAILURE_ALLOW] = "allow",     [ON_FAILURE_DENY] = "deny", [ON_FAILURE_COUNT] = "count",
        [ON_FAILURE_DEGRADE] = "degrade", [ON_FAILURE_LOCK] = "lock", [_ON_FAILURE_MAX] = NULL,
};

const char *failure_name(Failure f) {
        return rows[f].name;
}

const char *failure_key(Failure f) {
        return rows[f].key;
}

const char *failure_description(Failure f) {
        return rows[f].description;
}

FailureAction failure_default(Failure f) {
        return rows[f].action;
}

Failure failure_from_key(const char *key) {
        for (Failure f = 0; f < _FAILURE_MAX; f++)
                if (streq(rows[f].key, key))
                        return f;
        return _FAILURE_INVALID;
}

int failure_accepts(Failure f, FailureAction action) {
        if (action == ON_FAILURE_LOCK)
                return 1;
        return (f < _FAILURE_GATE_MAX) == (action == ON_FAILURE_ALLOW || action == ON_FAILURE_DENY);
}
