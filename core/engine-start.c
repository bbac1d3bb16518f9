/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the start of the daemon to the first state: what an earlier run left in the log, the boot and start records,
 * harvest and cap. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/hex.h"

static const char *text_of(const LogEntry *entry, const char *key) {
        return strempty(json_string_value(json_object_get(entry->json, key)));
}

static uint64_t count_of(const LogEntry *entry, const char *key) {
        return (uint64_t) json_integer_value(json_object_get(entry->json, key));
}

static void restore_policy(Engine *e, const LogEntry *entry) {
        e->generation = count_of(entry, "generation");
        hex_decode(text_of(entry, "digest"), SHA256_SIZE, e->logged_policy);
        table_clear(e->measured);
        table_clear(e->judged);
}

/* False for a state that no engine writes. Nothing in a log, forged as it may be, leads back from a violation, or takes
 * away a reason that stays. */
static bool restore_state(Engine *e, const LogEntry *entry) {
        State to = state_from_name(text_of(entry, "to"));
        const json_t *reason;
        size_t i;

        if (to == _STATE_INVALID)
                return false;
        if (!guard_is_closed(e->state) || to == STATE_LOCKED)
                e->state = to;
        if (to == STATE_VIOLATED)
                e->violation_seq = entry->seq;
        if (guard_is_closed(e->state))
                e->lock_owed = 0;
        e->reasons &= ~(unsigned) REASON_RECOVERABLE;
        json_array_foreach(json_object_get(entry->json, "reasons"), i, reason)
                for (unsigned bit = 0; reason_names[bit]; bit++)
                        if (streq(reason_names[bit], json_string_value(reason)))
                                e->reasons |= 1U << bit;
        return true;
}

/* As put_levels() writes them. */
static void restore_levels(Engine *e, const LogEntry *entry) {
        for (Watched w = 0; w < _WATCHED_MAX; w++) {
                const char *text = strempty(
                        json_string_value(json_object_get(json_object_get(entry->json, "levels"), watched_names[w])));
                size_t n = strcspn(text, " ");

                for (Level level = 0; level < _LEVEL_MAX; level++)
                        if (strlen(level_names[level]) == n && strncmp(level_names[level], text, n) == 0)
                                e->reached[w] = MAX(e->reached[w], level);
        }
}

static void restore_exec(Engine *e, const LogEntry *entry) {
        const char *digest_text = json_string_value(json_object_get(entry->json, "digest"));
        uint8_t digest[SHA256_SIZE], key[DEDUP_KEY_SIZE];

        if (digest_text)
                hex_decode(digest_text, SHA256_SIZE, digest);
        if (judged_key(text_of(entry, "verdict"), text_of(entry, "rule"), text_of(entry, "failure"),
                       count_of(entry, "uid"), digest_text ? digest : NULL, text_of(entry, "path"), key))
                remember(e->judged, key, entry->seq);
}

static void restore_activity(Engine *e, const LogEntry *entry) {
        uint8_t key[DEDUP_KEY_SIZE];

        const char *how = strempty(json_string_value(json_object_get(json_object_get(entry->json, "details"), "how")));

        if (activity_key(text_of(entry, "event"), how, text_of(entry, "verdict"), text_of(entry, "rule"),
                         count_of(entry, "uid"), text_of(entry, "exe"), text_of(entry, "target"), key))
                remember(e->judged, key, entry->seq);
}

static void restore_file(Engine *e, const LogEntry *entry) {
        uint8_t key[DEDUP_KEY_SIZE];

        if (!entry->record.violation && dedup_key("file", entry->record.digest, "", entry->record.name, key))
                remember(e->measured, key, entry->seq);
}

int engine_restore(Engine *e, const LogEntry *entry) {
        e->was_booted = true;
        if (entry->kind == _KIND_INVALID) {
                restore_file(e, entry);
                return 0;
        }
        e->last_time = count_of(entry, "time");
        if (streq(text_of(entry, "verdict"), "lock") && !guard_is_closed(e->state))
                e->lock_owed = 1 + entry->seq;
        switch (entry->kind) {
        case KIND_BOOT:
                restore_levels(e, entry);
                break;
        case KIND_START:
                e->was_clean = false;
                e->was_pinned = count_of(entry, "pinned");
                restore_levels(e, entry);
                break;
        case KIND_STOP: /* the gate may have had something to say behind it */
                e->was_clean = true;
                break;
        case KIND_POLICY:
                restore_policy(e, entry);
                break;
        case KIND_STATE:
                if (!restore_state(e, entry))
                        return -EBADMSG;
                break;
        case KIND_EXEC: /* what a drill did is said again when somebody else does it */
                if (!json_object_get(entry->json, "drill"))
                        restore_exec(e, entry);
                break;
        case KIND_ACTIVITY:
                if (!json_object_get(entry->json, "drill"))
                        restore_activity(e, entry);
                break;
        case KIND_CAP:
                e->was_capped = true;
                break;
        case KIND_ATTEST:
                attest_restore(e, entry->json);
                break;
        case KIND_LOCK:
                json_decref(e->lock);
                e->lock = json_deep_copy(entry->json);
                if (!e->lock)
                        return -ENOMEM;
                return record_extend_value(&entry->record, e->config.banks, &e->poison);
        case KIND_LOCKED:
                e->lock_finished = true;
                e->poisoned = guard_says_poisoned(entry->json);
                break;
        default:
                break;
        }
        return 0;
}

/* The state that the log of an earlier run leads to. Sticky reasons stay for the TPM's life. */
static void settle_restored_state(Engine *e) {
        e->reasons &= ~(unsigned) REASON_RECOVERABLE;
        if (e->state != STATE_VIOLATED && e->state != STATE_LOCKED)
                e->state = STATE_STARTING;
}

int engine_restored(Engine *e, uint64_t entries, uint64_t log_bytes, const BankDigests *value) {
        CommitQueue *q;
        int r;

        r = commit_queue_new(e->config.measurement_pcr, value, entries, &q);
        if (r < 0)
                return r;
        commit_queue_free(e->queue);
        e->queue = q;
        e->log_bytes = log_bytes;
        settle_restored_state(e);
        return 0;
}

int engine_restore_pending(Engine *e, const void *record, size_t size, bool known) {
        _cleanup_(buffer_done) Buffer copy = {};
        uint64_t seq;
        int r;

        buffer_bytes(&copy, record, size);
        r = buffer_error(&copy);
        if (r < 0)
                return r;
        r = commit_queue_push(e->queue, &copy, known, &seq);
        if (r < 0)
                return r;
        log_takes(e, size, known);
        settle_restored_state(e); /* the caller fed the entry to engine_restore() as well */
        return 0;
}

void engine_distrust(Engine *e) {
        memset(e->logged_policy, 0, sizeof(e->logged_policy)); /* a new generation begins */
}

static void put_levels(EventBuilder *event, const Engine *e) {
        event_map(event, "levels");
        for (Watched w = 0; w < _WATCHED_MAX; w++) {
                char text[EVENT_SHORT_MAX];

                if (e->level_why[w])
                        snprintf(text, sizeof(text), "%s (%s)", level_names[e->levels[w]], e->level_why[w]);
                if (!e->level_why[w] || !event_map_text(event, "levels", watched_names[w], text))
                        event_map_text(event, "levels", watched_names[w], level_names[e->levels[w]]);
        }
}

static void put_taints(EventBuilder *event, const StartFacts *facts) {
        event_list(event, "taints");
        for (const char *const *taint = facts->taints; taint && *taint; taint++)
                event_list_text(event, "taints", *taint);
}

static void put_pcrs(EventBuilder *event, const PcrValues *values) {
        HashAlg alg = bank_preferred(values->banks);

        event_list(event, "banks");
        for (HashAlg i = 0; i < _HASH_MAX; i++)
                if (values->banks & bank(i))
                        event_list_text(event, "banks", hash_name(i));
        event_text(event, "bank", hash_name(alg));
        event_map(event, "pcrs");
        for (unsigned pcr = 0; pcr < 16; pcr++) {
                char number[4], hex[2 * DIGEST_MAX + 1];

                snprintf(number, sizeof(number), "%u", pcr);
                event_map_text(event, "pcrs", number, hex_encode(values->values[alg][pcr], hash_size(alg), hex));
        }
}

static int record_boot(Feed *f, const StartFacts *facts) {
        const EngineConfig *c = &f->engine->config;
        EventBuilder event;

        if (bank_preferred(facts->pcrs->banks) == _HASH_INVALID)
                return -EOPNOTSUPP; /* SHA-1 alone proves nothing */
        event = event_begin(KIND_BOOT, &f->now);
        event_count(&event, "format", EVENTLOG_FORMAT);
        event_text_max(&event, "version", facts->version, EVENT_SHORT_MAX);
        event_text_max(&event, "life", facts->life, EVENT_SHORT_MAX);
        event_count(&event, "reset", facts->reset_count);
        event_count(&event, "restart", facts->restart_count);
        event_text_max(&event, "bootid", facts->bootid, EVENT_SHORT_MAX);
        event_text_max(&event, "kernel", facts->kernel, EVENT_SHORT_MAX);
        event_digest(&event, "cmdline", facts->cmdline);
        event_count(&event, "measurement", c->measurement_pcr);
        event_count(&event, "cap", c->cap_pcr);
        event_text(&event, "scope", facts->scope);
        event_list_pcrs(&event, "poison", c->poison_pcrs);
        put_pcrs(&event, facts->pcrs);
        put_levels(&event, f->engine);
        put_taints(&event, facts);
        return record_event(f, &event, -1, NULL);
}

/* The time in which nobody watched. */
static int record_gap(Feed *f, const StartFacts *facts) {
        Engine *e = f->engine;
        const json_t *death = guard_is_closed(e->state) && e->lock ? NULL : facts->death; /* else it is gone on with */
        bool lock = death || (!e->was_clean && e->config.lock_on_death);
        EventBuilder event = event_begin(KIND_GAP, &f->now);
        uint64_t seq = NOT_RECORDED;
        int r;

        event_count(&event, "since", e->last_time);
        event_count(&event, "until", f->now.realtime);
        event_bool(&event, "clean", e->was_clean);
        event_count(&event, "torn", facts->torn);
        event_count(&event, "judging", facts->judging);
        event_count(&event, "queued", facts->queued);
        event_count(&event, "lost", facts->lost);
        event_text(&event, "verdict",
                   !lock                                      ? "gap"
                   : death || e->policy->mode == MODE_ENFORCE ? "lock"
                                                              : "would-lock");
        r = record_event(f, &event, e->was_clean ? SEVERITY_NOTICE : SEVERITY_WARNING, &seq);
        if (death)
                return first_error(r, guard_died(f, death));
        if (lock)
                return first_error(r, guard_violate(f, "death", seq, false, 0));
        return r;
}

/* The kernel ends none of them by itself. Who asked for their end (sealwatchctl detach) had all of them ended. */
static int miss_programs(Feed *f, const StartFacts *facts) {
        if (facts->judging == 0 || facts->judging >= f->engine->was_pinned)
                return 0;
        return guard_failure(f, FAILURE_HOOKS_DEAD,
                             "some programs of the earlier daemon were ended while nobody watched");
}

static int record_start(Feed *f, const StartFacts *facts) {
        EventBuilder event = event_begin(KIND_START, &f->now);

        event_text(&event, "version", facts->version);
        event_count(&event, "pid", facts->pid);
        event_text(&event, "bootid", facts->bootid);
        event_text(&event, "scope", facts->scope);
        event_count(&event, "pinned", facts->pinned);
        put_levels(&event, f->engine);
        put_taints(&event, facts);
        return record_event(f, &event, SEVERITY_NOTICE, &f->engine->start_seq);
}

/* A new generation only when the policy is another one. */
static int start_policy(Feed *f) {
        const Engine *e = f->engine;

        return memcmp(e->logged_policy, e->policy->digest, SHA256_SIZE) == 0 ? 0 : record_policy(f);
}

/* The cap's record comes first, before harvest and cap; or says that there was nothing to harvest. */
static int record_cap(Feed *f, const StartFacts *facts) {
        Engine *e = f->engine;
        EventBuilder event;
        int r;

        if (e->was_capped || !(facts->secrets_openable || facts->capped))
                return 0;
        event = event_begin(KIND_CAP, &f->now);
        event_count(&event, "pcr", e->config.cap_pcr);
        event_text(&event, "event", CAP_EVENT);
        r = record_event(f, &event, -1, &e->cap_seq);
        e->harvest_waits = r >= 0 && !facts->capped;
        e->was_capped = facts->capped;
        return r;
}

bool start_harvest_is_due(const Engine *e) {
        return e->harvest_waits && e->cap_seq < commit_queue_anchored(e->queue);
}

int start_harvest(Feed *f) {
        Engine *e = f->engine;
        Action *a;

        if (!start_harvest_is_due(e))
                return 0;
        a = action_add(f->actions, ACTION_HARVEST);
        if (!a)
                return -ENOMEM;
        a->harvest.cap_only = guard_is_closed(e->state);
        e->harvest_waits = false;
        return 0;
}

/* Unless the administrator says it: what it is now, or once was, since a restart does not lower it. Hooks that were asked for and
 * never came are missed, whatever kept them away. */
static Level required_level(const Engine *e, Watched w, Level now) {
        bool by_hooks = w == WATCHED_LIBRARY && e->config.hooks;

        if (e->config.required_levels[w] >= 0)
                return (Level) e->config.required_levels[w];
        return MAX(MAX(now, e->reached[w]), by_hooks ? LEVEL_OBSERVE : LEVEL_OFF);
}

static int take_levels(Engine *e, const StartFacts *facts) {
        for (Watched w = 0; w < _WATCHED_MAX; w++) {
                e->levels[w] = facts->levels[w];
                e->required[w] = required_level(e, w, facts->levels[w]);
                if (e->levels[w] < e->required[w])
                        e->reasons |= REASON_LEVEL;
                if (free_and_strdup(&e->level_why[w], facts->level_why[w]) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int feed_start(Feed *f, const StartFacts *facts) {
        Engine *e = f->engine;
        bool was_violated = e->state == STATE_VIOLATED;
        int r = take_levels(e, facts);

        if (e->config.attestation.required) /* until a round has passed */
                e->reasons |= REASON_ATTEST;

        if (r >= 0 && facts->fresh)
                r = record_boot(f, facts);
        if (r >= 0)
                r = record_start(f, facts);
        if (r >= 0 && ((!facts->fresh && e->was_booted) || facts->death))
                r = record_gap(f, facts);
        if (r >= 0)
                r = start_policy(f);
        if (r >= 0)
                r = record_cap(f, facts);
        if (r >= 0)
                r = miss_programs(f, facts);
        if (r < 0) /* half a start is none to be trusted */
                e->reasons |= REASON_FAILURE;
        return first_error(r, was_violated ? guard_resume_lock(f) : guard_owed_lock(f)); /* whatever else failed */
}

int feed_harvested(Feed *f, const Input *in) {
        EventBuilder event = event_begin(KIND_HARVEST, &f->now);
        uint64_t left_out = 0;
        int r;

        f->engine->was_capped = in->harvested.capped;
        event_list(&event, "held");
        event_map(&event, "failed");
        for (size_t i = 0; i < in->harvested.n; i++) {
                const HarvestResult *h = &in->harvested.results[i];
                bool fits = h->failure ? event_map_text(&event, "failed", h->name, h->failure)
                                       : event_list_text(&event, "held", h->name);

                left_out += !fits;
        }
        if (left_out > 0)
                event_count(&event, "more", left_out);
        r = record_event(f, &event, -1, NULL);
        if (!in->harvested.capped) /* the door stands open */
                r = first_error(r, guard_degrade(f, REASON_FAILURE));
        /* The lock plan did not wait for the harvest: what came in behind it goes at once. */
        return guard_is_closed(f->engine->state) ? first_error(r, guard_wipe(f)) : r;
}

int feed_ready(Feed *f) {
        return guard_cause(f, CAUSE_READY);
}
