/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Following a guest through its log.
 *
 * A verifier does not have the guest's policy files, and needs none: what the policy made of each event is in its record, as
 * the verdict. What must follow from a verdict is the same everywhere, and is the engine's own table of transitions. */

#include "core/conduct.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/hex.h"
#include "policy/policy.h"

static_assert((int) _WATCHED_MAX <= (int) CONDUCT_LEVELS, "room for every kind of event");
static_assert((int) _DRILL_MAX < 63, "a bit per item of a drill, in a number of JSON");

static const char *text_of(const LogEntry *entry, const char *key) {
        return strempty(json_string_value(json_object_get(entry->json, key)));
}

static uint64_t count_of(const LogEntry *entry, const char *key) {
        return (uint64_t) json_integer_value(json_object_get(entry->json, key));
}

static void fault(ConductFault *f, const LogEntry *entry) {
        if (f->count++ == 0)
                f->first = entry->seq;
}

static bool has_word(const char *words, const char *word) {
        size_t n = strlen(word);

        for (const char *at = words; (at = strstr(at, word)); at++)
                if ((at == words || at[-1] == ' ') && (at[n] == ',' || at[n] == '\0'))
                        return true;
        return false;
}

/* Adds the words of a list that are not there yet, with commas between them; those that have no room are left out. */
static void join(const json_t *list, char words[CONDUCT_TEXT_MAX]) {
        const json_t *word;
        size_t i, n = strlen(words);

        json_array_foreach(list, i, word) {
                const char *text = strempty(json_string_value(word));

                if (*text && n + strlen(text) + 3 <= CONDUCT_TEXT_MAX && !has_word(words, text))
                        n += (size_t) sprintf(words + n, "%s%s", n > 0 ? ", " : "", text);
        }
}

uint64_t conduct_level(const char *text) {
        size_t n = strcspn(text, " ");

        for (Level level = 0; level < _LEVEL_MAX; level++)
                if (strlen(level_names[level]) == n && memcmp(level_names[level], text, n) == 0)
                        return 1 + level;
        return 0;
}

/* A later start of the same life takes nothing back. */
static void take_start(Conduct *c, const LogEntry *entry) {
        const json_t *levels = json_object_get(entry->json, "levels");

        for (Watched w = 0; w < _WATCHED_MAX; w++) {
                c->levels[w] = conduct_level(strempty(json_string_value(json_object_get(levels, watched_names[w]))));
                c->start_levels[w] = MAX(c->start_levels[w], c->levels[w]);
        }
        join(json_object_get(entry->json, "taints"), c->taints);
}

static void take_boot(Conduct *c, const LogEntry *entry) {
        const json_t *pcrs = json_object_get(entry->json, "pcrs");
        HashAlg alg = hash_from_name(text_of(entry, "bank"));
        const char *value;
        char number[24];

        c->resets = count_of(entry, "reset");
        take_start(c, entry);
        snprintf(number, sizeof(number), "%llu", (unsigned long long) count_of(entry, "cap"));
        value = strempty(json_string_value(json_object_get(pcrs, number)));
        if (alg == _HASH_INVALID || strlen(value) != 2 * hash_size(alg) ||
            hex_decode(value, hash_size(alg), c->found) < 0)
                return;
        snprintf(c->bank, sizeof(c->bank), "%s", hash_name(alg));
}

static int take_cap(Conduct *c, const LogEntry *entry) {
        const char *event = text_of(entry, "event");
        HashAlg alg = hash_from_name(c->bank);
        Digest digest, value;
        int r;

        c->cap_pcr = 1 + count_of(entry, "pcr");
        if (alg == _HASH_INVALID)
                return 0;
        r = digest_data(alg, event, strlen(event), &digest);
        if (r >= 0)
                r = digest_pair(alg, c->found, hash_size(alg), digest.bytes, hash_size(alg), &value);
        if (r >= 0)
                memcpy(c->capped, value.bytes, sizeof(c->capped));
        return r;
}

static void take_policy(Conduct *c, const LogEntry *entry) {
        c->mode = 0;
        for (unsigned mode = 0; mode_names[mode]; mode++)
                if (streq(mode_names[mode], text_of(entry, "mode")))
                        c->mode = 1 + mode;
        c->generation = count_of(entry, "generation");
        hex_decode(text_of(entry, "digest"), SHA256_SIZE, c->policy);
}

static bool is_transition(State from, State to) {
        for (Cause cause = 0; cause < _CAUSE_MAX; cause++)
                if (guard_next(from, cause) == to && from != to)
                        return true;
        if (from == STATE_STARTING && to == STATE_DEGRADED) /* ready, with a reason */
                return true;
        return from == to && (from == STATE_STARTING || from == STATE_DEGRADED); /* one more reason */
}

static void take_state(Conduct *c, const LogEntry *entry) {
        State from = state_from_name(text_of(entry, "from")), to = state_from_name(text_of(entry, "to"));

        if (from == _STATE_INVALID || to == _STATE_INVALID || (uint64_t) from != c->state || !is_transition(from, to))
                fault(&c->transitions, entry);
        if (to == _STATE_INVALID || (guard_is_closed((State) c->state) && !guard_is_closed(to)))
                return; /* nothing leads back */
        c->state = (uint64_t) to;
        *c->reasons = '\0';
        join(json_object_get(entry->json, "reasons"), c->reasons);
}

static void take_locked(Conduct *c, const LogEntry *entry) {
        const json_t *steps = json_object_get(entry->json, "steps");
        const char *step;
        json_t *text;

        c->locked = 1 + entry->seq;
        json_object_foreach((json_t *) steps, step, text)
                if (!startswith(strempty(json_string_value(text)), "done "))
                        snprintf(c->lock_failure, sizeof(c->lock_failure), "%s: %s", step,
                                 strempty(json_string_value(text)));
}

static void take_level(Conduct *c, const LogEntry *entry) {
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                if (streq(watched_names[w], text_of(entry, "event")))
                        c->levels[w] = conduct_level(text_of(entry, "to"));
}

static void take_release(Conduct *c, const LogEntry *entry) {
        if (!streq(text_of(entry, "verdict"), "refused") && !guard_releases((State) c->state, true))
                fault(&c->releases, entry);
}

static void take_canary(Conduct *c, const LogEntry *entry) {
        c->canary = 1 + entry->seq;
        c->canary_seen = 0;
        snprintf(c->canary_nonce, sizeof(c->canary_nonce), "%s", text_of(entry, "nonce"));
        hex_decode(text_of(entry, "digest"), SHA256_SIZE, c->canary_digest);
}

/* Was that the canary? */
static void take_code(Conduct *c, const LogEntry *entry) {
        const char *hex = text_of(entry, "digest"), *verdict = text_of(entry, "verdict");
        uint8_t digest[SHA256_SIZE];

        if (c->canary == 0)
                return;
        if (entry->kind == _KIND_INVALID) {
                if (memcmp(entry->record.digest, c->canary_digest, SHA256_SIZE) == 0 && c->canary_seen == 0)
                        c->canary_seen = 1;
                return;
        }
        if (strlen(hex) != 2 * SHA256_SIZE || hex_decode(hex, SHA256_SIZE, digest) < 0 ||
            memcmp(digest, c->canary_digest, SHA256_SIZE) != 0)
                return;
        if (streq(verdict, "deny") || streq(verdict, "kill") || streq(verdict, "lock"))
                c->canary_seen = 2;
        else
                c->canary_seen = startswith(verdict, "would-") ? 3 : 1;
}

/* What an item of a drill is known by, from the words of the announcement. 0: it could not be computed, and fits nothing. */
static uint64_t drill_key(const char *name, const char *words) {
        uint8_t digest[SHA256_SIZE];
        char text[256];
        uint64_t key = 0;
        int n = snprintf(text, sizeof(text), "%s %s", name, words);

        if (n < 0 || n >= (int) sizeof(text) || sha256(text, (size_t) n, digest) < 0)
                return 0;
        memcpy(&key, digest, sizeof(key));
        return key & INT64_MAX; /* a number of JSON */
}

static void end_drill(Conduct *c) {
        *c->drill_id = '\0';
        c->drill_done = 0;
        memset(c->drill_items, 0, sizeof(c->drill_items));
}

/* "EVENT HOW " of an activity, in full for code; false: it could not be computed. */
static bool item_words(const char *id, DrillItem item, char *ret, size_t size) {
        const DrillRow *row = drill_row(item);
        uint8_t digest[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        if (row->how)
                return snprintf(ret, size, "%s %s ", event_names[row->event], row->how) < (int) size;
        return drill_digest(id, item, digest) >= 0 && snprintf(ret, size, "%s %s", event_names[row->event],
                                                               hex_encode(digest, SHA256_SIZE, hex)) < (int) size;
}

/* Whether another item is to be tried by the same process. */
static bool shares_process(const json_t *items, const char *name, const char *words) {
        const char *pid = strrchr(words, ' '), *other, *its;
        json_t *value;

        json_object_foreach((json_t *) items, other, value) {
                its = strrchr(strempty(json_string_value(value)), ' ');
                if (!streq(other, name) && its && streq(its, pid))
                        return true;
        }
        return false;
}

/* Only what the daemon itself announces: code that is the drill's own, and a process of its own for each activity. */
static bool take_item(Conduct *c, const json_t *items, const char *name, const char *words) {
        DrillItem item = drill_item_from_name(name);
        char expected[160];

        if (item == _DRILL_INVALID || !item_words(c->drill_id, item, expected, sizeof(expected)) ||
            !startswith(words, expected) || shares_process(items, name, words))
                return false;
        c->drill_items[item] = drill_key(name, words);
        return true;
}

static void begin_drill(Conduct *c, const LogEntry *entry) {
        const json_t *items = json_object_get(entry->json, "items");
        const char *name;
        json_t *words;

        c->drills++;
        snprintf(c->drill_id, sizeof(c->drill_id), "%s", text_of(entry, "id"));
        json_object_foreach((json_t *) items, name, words)
                if (!take_item(c, items, name, strempty(json_string_value(words))))
                        fault(&c->exemptions, entry);
}

/* What was exempt has a record each. */
static bool is_all_recorded(const Conduct *c, const LogEntry *entry) {
        const json_t *name;
        size_t i;

        json_array_foreach(json_object_get(entry->json, "used"), i, name) {
                DrillItem item = drill_item_from_name(strempty(json_string_value(name)));

                if (item == _DRILL_INVALID || !(c->drill_done >> item & 1))
                        return false;
        }
        return true;
}

static void take_drill(Conduct *c, const LogEntry *entry) {
        const char *id = text_of(entry, "id");
        bool begins = streq(text_of(entry, "phase"), "begin");

        if (strlen(id) != DRILL_ID_SIZE ||
            (begins ? *c->drill_id != '\0' : !streq(id, c->drill_id) || !is_all_recorded(c, entry)))
                fault(&c->exemptions, entry);
        end_drill(c);
        if (begins && strlen(id) == DRILL_ID_SIZE)
                begin_drill(c, entry);
}

/* Something that a drill tried: what came of it is not what comes of others', so it must have been announced. An activity is good for
 * once. Where the mode is enforce, the drill is excused from what follows a refusal, and from nothing else. */
static void take_drilled(Conduct *c, const LogEntry *entry, const char *name) {
        bool is_code = entry->kind == KIND_EXEC;
        const json_t *details = json_object_get(entry->json, "details");
        const char *event = text_of(entry, "event");
        DrillItem item = drill_item_from_name(name);
        char words[160];
        uint64_t key;

        if (is_code)
                snprintf(words, sizeof(words), "%s %s", *event ? event : "exec", text_of(entry, "digest"));
        else
                snprintf(words, sizeof(words), "%s %s %llu", event,
                         strempty(json_string_value(json_object_get(details, "how"))),
                         (unsigned long long) count_of(entry, "pid"));
        c->drill_used++;
        if (c->mode != 1 + MODE_OBSERVE && !streq(text_of(entry, "verdict"), "deny"))
                fault(&c->drill_let, entry);
        key = drill_key(name, words);
        if (item == _DRILL_INVALID || key == 0 || *c->drill_id == '\0' || c->drill_items[item] != key) {
                fault(&c->exemptions, entry);
                return;
        }
        c->drill_items[item] = is_code ? key : 0;
        c->drill_done |= UINT64_C(1) << item;
}

/* What must follow from a verdict, whatever it is about. Tampering is always judged by the mode; a gap by the policy of the
 * new daemon, whose record may come behind it; what else would have been done depends on what could be. */
static void take_verdict(Conduct *c, const LogEntry *entry) {
        const char *verdict = text_of(entry, "verdict");
        bool lock = streq(verdict, "lock"), tamper = entry->kind == KIND_TAMPER, enforce = c->mode == 1 + MODE_ENFORCE;

        if (tamper ? !streq(verdict, enforce ? "lock" : "would-lock") : lock && !enforce && entry->kind != KIND_GAP)
                fault(&c->verdicts, entry);
        if (lock && !guard_is_closed((State) c->state))
                c->demand = 1 + entry->seq;
}

static int take_event(Conduct *c, const LogEntry *entry) {
        const char *drill = text_of(entry, "drill");

        if (*drill)
                take_drilled(c, entry, drill);
        switch (entry->kind) {
        case KIND_BOOT:
                take_boot(c, entry);
                break;
        case KIND_START:
                take_start(c, entry);
                end_drill(c);
                if (!guard_is_closed((State) c->state))
                        c->state = STATE_STARTING;
                break;
        case KIND_GAP:
                c->gaps++;
                c->unclean_gaps += !json_is_true(json_object_get(entry->json, "clean"));
                break;
        case KIND_POLICY:
                take_policy(c, entry);
                break;
        case KIND_STATE:
                take_state(c, entry);
                break;
        case KIND_LOCK:
                c->lock = 1 + entry->seq;
                break;
        case KIND_LOCKED:
                take_locked(c, entry);
                break;
        case KIND_LEVEL:
                take_level(c, entry);
                break;
        case KIND_LOST:
                c->lost += count_of(entry, "count");
                break;
        case KIND_RELEASE:
                take_release(c, entry);
                break;
        case KIND_CAP:
                return take_cap(c, entry);
        case KIND_CANARY:
                take_canary(c, entry);
                break;
        case KIND_DRILL:
                take_drill(c, entry);
                break;
        case KIND_STOP:
                end_drill(c);
                break;
        default:
                break;
        }
        return 0;
}

/* A start may have more to say before it comes to that, also what speaks against trust, as long as it stays one. */
static void follow_demand(Conduct *c, const LogEntry *entry) {
        const char *to = entry->kind == KIND_STATE ? text_of(entry, "to") : state_names[STATE_STARTING];

        c->interrupted = c->interrupted || entry->kind == KIND_START;
        if (c->interrupted && streq(to, state_names[STATE_STARTING]))
                return;
        if (!streq(to, state_names[STATE_VIOLATED]))
                fault(&c->unlocked, entry);
        c->demand = c->interrupted = 0;
}

int conduct_take(Conduct *c, const LogEntry *entry) {
        int r = 0;

        if (c->demand > 0)
                follow_demand(c, entry);
        if (entry->kind == KIND_EXEC || entry->kind == _KIND_INVALID)
                take_code(c, entry);
        if (entry->kind != _KIND_INVALID) {
                c->last_time = count_of(entry, "time");
                r = take_event(c, entry);
                take_verdict(c, entry);
        }
        c->entries = entry->seq + 1;
        return r;
}
