/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The engine: inputs in, actions out, nothing else. No descriptor, clock, path or global; so the daemon, the tests and
 * a verifier elsewhere come to the same decisions from the same inputs. */

#include "core/action.h"
#include "core/commitq.h"
#include "core/status.h"
#include "lib/logreader.h"

typedef struct Engine Engine;

typedef struct EngineConfig {
        BankSet banks;
        uint32_t measurement_pcr, cap_pcr;
        PcrSet poison_pcrs;
        uint64_t log_max_size;
        usec_t extend_deadline;
        bool lock_on_death, release_when_degraded;
        AttestSettings attestation;
        int required_levels[_WATCHED_MAX]; /* Level, or -1: what is reached at start */
        bool hooks;       /* asked for: libraries must be seen, unless required_levels says otherwise */
        uint8_t seed[16]; /* random */
} EngineConfig;

/* An engine that knows nothing yet. policy is taken over on success. 0 or a negative errno. */
int engine_new(const EngineConfig *config, Policy *policy, Engine **ret);
Engine *engine_free(Engine *e);

/* Takes in one entry of the log that is there already, oldest first. 0, -EBADMSG for one that no engine writes, or another
 * negative errno. */
int engine_restore(Engine *e, const LogEntry *entry);

/* After the last engine_restore(): the committed log has that many entries and bytes and replays to value. Then
 * entries that were promised but not committed are handed over with engine_restore_pending(), as full records. 0 or a
 * negative errno; -EBADMSG for what no log can hold. */
int engine_restored(Engine *e, uint64_t entries, uint64_t log_bytes, const BankDigests *value);
int engine_restore_pending(Engine *e, const void *record, size_t size, bool known);

/* The log that was taken in does not verify: whatever it says was measured is measured anew. */
void engine_distrust(Engine *e);

/* The event of the lock that follows should the daemon die now (StartFacts.death of the next one): that of the lock record
 * that there is, or one made for it. Owned by the caller. After INPUT_START. 0 or -ENOMEM. */
int engine_death_lock(const Engine *e, const Now *now, json_t **ret);

/* Decides. Returns 0, or a negative errno when it could not decide (out of memory, no crypto): then the actions in
 * *ret are still to be done, and the caller treats the input as refused. */
int engine_feed(Engine *e, const Input *in, const Now *now, ActionList *ret);

/* CLOCK_BOOTTIME at which INPUT_TIMER is due; USEC_INFINITY: never. */
usec_t engine_deadline(const Engine *e);

/* Borrowed strings are valid until the next engine_feed(). */
void engine_status(const Engine *e, Status *ret);

/* What the measurement register must hold: the replay of all commits that were reported extended. */
const BankDigests *engine_register(const Engine *e);

const Drill *engine_drill(const Engine *e);
const Policy *engine_policy(const Engine *e);
