/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of event kinds and their keys. */

#include "lib/kind.h"

#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/digest.h"
#include "lib/escape.h"

enum { OWN_KEYS_MAX = 17 };

#define OPTIONAL true

/* In every event. */
static const KindKey common_keys[] = {
        { "boottime", KEY_COUNT }, /* CLOCK_BOOTTIME, microseconds */
        { "time", KEY_COUNT },     /* CLOCK_REALTIME, microseconds since 1970 */
};

/* Who did it. */
static const KindKey subject_keys[] = {
        { "pid", KEY_COUNT },           { "uid", KEY_COUNT },
        { "euid", KEY_COUNT },          { "exe", KEY_TEXT, OPTIONAL },
        { "comm", KEY_TEXT, OPTIONAL }, { "cgroup", KEY_TEXT, OPTIONAL },
        { "unit", KEY_TEXT, OPTIONAL }, { "mntns", KEY_COUNT, OPTIONAL },
};

/* The first of them, where it may be nobody. */
static const KindKey nobody_keys[] = {
        { "pid", KEY_COUNT, OPTIONAL },
        { "uid", KEY_COUNT, OPTIONAL },
        { "euid", KEY_COUNT, OPTIONAL },
};

static const struct {
        const char *name;
        bool subject, nobody;
        KindKey keys[OWN_KEYS_MAX];
} kinds[] = {
        [KIND_BOOT] = { "boot", .keys = { { "format", KEY_COUNT },
                                          { "version", KEY_TEXT },
                                          { "life", KEY_TEXT },
                                          { "reset", KEY_COUNT },
                                          { "restart", KEY_COUNT },
                                          { "bootid", KEY_TEXT },
                                          { "kernel", KEY_TEXT },
                                          { "cmdline", KEY_DIGEST },
                                          { "banks", KEY_TEXTS },
                                          { "bank", KEY_TEXT },
                                          { "pcrs", KEY_MAP },
                                          { "measurement", KEY_COUNT },
                                          { "cap", KEY_COUNT },
                                          { "poison", KEY_COUNTS },
                                          { "scope", KEY_TEXT },
                                          { "levels", KEY_MAP },
                                          { "taints", KEY_TEXTS } } },
        [KIND_START] = { "start", .keys = { { "version", KEY_TEXT },
                                            { "pid", KEY_COUNT },
                                            { "bootid", KEY_TEXT },
                                            { "scope", KEY_TEXT },
                                            { "levels", KEY_MAP },
                                            { "taints", KEY_TEXTS },
                                            { "pinned", KEY_COUNT, OPTIONAL } } },
        [KIND_STOP] = { "stop", .keys = { { "reason", KEY_TEXT } } },
        [KIND_GAP] = { "gap", .keys = { { "since", KEY_COUNT },
                                        { "until", KEY_COUNT },
                                        { "clean", KEY_BOOL },
                                        { "torn", KEY_COUNT },
                                        { "verdict", KEY_TEXT },
                                        { "judging", KEY_COUNT, OPTIONAL },
                                        { "queued", KEY_COUNT, OPTIONAL },
                                        { "lost", KEY_COUNT, OPTIONAL } } },
        [KIND_POLICY] = { "policy", .keys = { { "digest", KEY_DIGEST },
                                              { "generation", KEY_COUNT },
                                              { "mode", KEY_TEXT },
                                              { "rules", KEY_COUNT },
                                              { "references", KEY_MAP } } },
        [KIND_POLICY_REFUSED] = { "policy-refused", .keys = { { "error", KEY_TEXT }, { "kept", KEY_DIGEST } } },
        [KIND_LEVEL] = { "level", .keys = { { "event", KEY_TEXT }, { "from", KEY_TEXT }, { "to", KEY_TEXT } } },
        [KIND_HARVEST] = { "harvest",
                           .keys = { { "held", KEY_TEXTS }, { "failed", KEY_MAP }, { "more", KEY_COUNT, OPTIONAL } } },
        [KIND_CAP] = { "cap", .keys = { { "pcr", KEY_COUNT }, { "event", KEY_TEXT } } },
        [KIND_EXEC] = { "exec", .subject = true,
                        .keys = { { "event", KEY_TEXT, OPTIONAL },
                                  { "path", KEY_TEXT },
                                  { "digest", KEY_DIGEST, OPTIONAL },
                                  { "backing", KEY_COUNT, OPTIONAL },
                                  { "backingdev", KEY_COUNT, OPTIONAL },
                                  { "check", KEY_BOOL, OPTIONAL },
                                  { "rule", KEY_TEXT },
                                  { "verdict", KEY_TEXT },
                                  { "severity", KEY_TEXT },
                                  { "technique", KEY_TEXT, OPTIONAL },
                                  { "failure", KEY_TEXT, OPTIONAL },
                                  { "drill", KEY_TEXT, OPTIONAL } } },
        [KIND_OPEN_WRITERS] = { "open-writers", .subject = true,
                                .keys = { { "path", KEY_TEXT }, { "record", KEY_DIGEST }, { "verdict", KEY_TEXT } } },
        [KIND_UNGATED] = { "ungated", .subject = true,
                           .keys = { { "path", KEY_TEXT },
                                     { "device", KEY_COUNT },
                                     { "inode", KEY_COUNT },
                                     { "backing", KEY_COUNT, OPTIONAL },
                                     { "backingdev", KEY_COUNT, OPTIONAL },
                                     { "reason", KEY_TEXT },
                                     { "privileged", KEY_BOOL },
                                     { "severity", KEY_TEXT },
                                     { "verdict", KEY_TEXT } } },
        [KIND_LOST] = { "lost", .keys = { { "sensor", KEY_TEXT },
                                          { "first", KEY_COUNT },
                                          { "last", KEY_COUNT },
                                          { "count", KEY_COUNT } } },
        [KIND_FAILURE] = { "failure", .keys = { { "row", KEY_TEXT },
                                                { "verdict", KEY_TEXT },
                                                { "count", KEY_COUNT },
                                                { "detail", KEY_TEXT, OPTIONAL } } },
        [KIND_SUPPRESSED] = { "suppressed",
                              .keys = { { "count", KEY_COUNT }, { "since", KEY_COUNT }, { "until", KEY_COUNT } } },
        [KIND_TAMPER] = { "tamper", .keys = { { "what", KEY_TEXT },
                                              { "detail", KEY_TEXT, OPTIONAL },
                                              { "verdict", KEY_TEXT } } },
        [KIND_STATE] = { "state", .keys = { { "from", KEY_TEXT }, { "to", KEY_TEXT }, { "reasons", KEY_TEXTS } } },
        [KIND_LOCK] = { "lock", .keys = { { "reason", KEY_TEXT },
                                          { "trigger", KEY_COUNT },
                                          { "uid", KEY_COUNT, OPTIONAL },
                                          { "poison", KEY_COUNTS } } },
        [KIND_DETACH] = { "detach", .keys = { { "uid", KEY_COUNT }, { "reason", KEY_TEXT } } },
        [KIND_LOCKED] = { "locked", .keys = { { "steps", KEY_MAP } } },
        [KIND_SEAL] = { "seal", .keys = { { "name", KEY_TEXT }, { "uid", KEY_COUNT }, { "blob", KEY_DIGEST } } },
        [KIND_RELEASE] = { "release", .keys = { { "name", KEY_TEXT },
                                                { "uid", KEY_COUNT },
                                                { "pid", KEY_COUNT },
                                                { "verdict", KEY_TEXT },
                                                { "reason", KEY_TEXT, OPTIONAL } } },
        [KIND_ACTIVITY] = { "activity", .subject = true, .nobody = true,
                            .keys = { { "event", KEY_TEXT },
                                      { "target", KEY_TEXT },
                                      { "digest", KEY_DIGEST, OPTIONAL },
                                      { "details", KEY_MAP },
                                      { "privileged", KEY_BOOL },
                                      { "rule", KEY_TEXT },
                                      { "verdict", KEY_TEXT },
                                      { "severity", KEY_TEXT },
                                      { "technique", KEY_TEXT, OPTIONAL },
                                      { "drill", KEY_TEXT, OPTIONAL } } },
        [KIND_CANARY] = { "canary",
                          .keys = { { "round", KEY_COUNT }, { "nonce", KEY_TEXT }, { "digest", KEY_DIGEST } } },
        [KIND_ATTEST] = { "attest", .keys = { { "round", KEY_COUNT },
                                              { "cause", KEY_TEXT },
                                              { "provider", KEY_TEXT },
                                              { "nonce", KEY_TEXT },
                                              { "result", KEY_TEXT },
                                              { "reason", KEY_TEXT, OPTIONAL },
                                              { "verdict", KEY_TEXT },
                                              { "failed", KEY_MAP },
                                              { "undecided", KEY_MAP },
                                              { "passed", KEY_TEXTS },
                                              { "na", KEY_TEXTS },
                                              { "pins", KEY_MAP },
                                              { "more", KEY_COUNT, OPTIONAL } } },
        [KIND_DRILL] = { "drill", .keys = { { "phase", KEY_TEXT },
                                            { "id", KEY_TEXT },
                                            { "uid", KEY_COUNT, OPTIONAL },
                                            { "pid", KEY_COUNT, OPTIONAL },
                                            { "limit", KEY_COUNT, OPTIONAL },
                                            { "items", KEY_MAP, OPTIONAL },
                                            { "targets", KEY_MAP, OPTIONAL },
                                            { "reason", KEY_TEXT, OPTIONAL },
                                            { "used", KEY_TEXTS, OPTIONAL } } },
        [KIND_BATCH] = { "batch" },
};
static_assert(ELEMENTSOF(kinds) == _KIND_MAX, "a row per kind");

const char *kind_name(Kind kind) {
        return kinds[kind].name;
}

Kind kind_from_record_name(const char *name) {
        if (!startswith(name, KIND_PREFIX))
                return _KIND_INVALID;
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                if (streq(name + strlen(KIND_PREFIX), kinds[kind].name))
                        return kind;
        return _KIND_INVALID;
}

const KindKey *kind_key(Kind kind, size_t i) {
        if (kind == KIND_BATCH)
                return NULL;
        if (i < ELEMENTSOF(common_keys))
                return &common_keys[i];
        i -= ELEMENTSOF(common_keys);
        if (kinds[kind].subject) {
                if (kinds[kind].nobody && i < ELEMENTSOF(nobody_keys))
                        return &nobody_keys[i];
                if (i < ELEMENTSOF(subject_keys))
                        return &subject_keys[i];
                i -= ELEMENTSOF(subject_keys);
        }
        return i < OWN_KEYS_MAX && kinds[kind].keys[i].name ? &kinds[kind].keys[i] : NULL;
}

static bool is_text(const json_t *value) {
        return json_is_string(value) && escape_is_canonical(json_string_value(value), json_string_length(value));
}

static bool is_count(const json_t *value) {
        return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool is_digest(const json_t *value) {
        uint8_t bytes[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        return json_is_string(value) && json_string_length(value) == 2 * SHA256_SIZE &&
               hex_decode(json_string_value(value), SHA256_SIZE, bytes) >= 0 &&
               streq(hex_encode(bytes, SHA256_SIZE, hex), json_string_value(value));
}

static bool is_list(const json_t *value, bool (*is_member)(const json_t *)) {
        json_t *member;
        size_t i;

        if (!json_is_array(value))
                return false;
        json_array_foreach(value, i, member)
                if (!is_member(member))
                        return false;
        return true;
}

static bool is_map(const json_t *value) {
        const char *key;
        json_t *member;

        if (!json_is_object(value))
                return false;
        json_object_foreach((json_t *) value, key, member)
                if (!escape_is_canonical(key, strlen(key)) || !is_text(member))
                        return false;
        return true;
}

static bool has_type(const json_t *value, const KindKey *key) {
        switch (key->type) {
        case KEY_TEXT:
                return is_text(value);
        case KEY_COUNT:
                return is_count(value);
        case KEY_BOOL:
                return json_is_boolean(value);
        case KEY_DIGEST:
                return is_digest(value);
        case KEY_TEXTS:
                return is_list(value, is_text);
        case KEY_COUNTS:
                return is_list(value, is_count);
        case KEY_MAP:
                return is_map(value);
        default:
                return false;
        }
}

static const KindKey *find_key(Kind kind, const char *name) {
        const KindKey *key;

        for (size_t i = 0; (key = kind_key(kind, i)); i++)
                if (streq(key->name, name))
                        return key;
        return NULL;
}

bool kind_check(Kind kind, const json_t *object, const char **reterr_key, const char **reterr_why) {
        const KindKey *key;
        const char *name;
        json_t *value;

        json_object_foreach((json_t *) object, name, value) {
                *reterr_key = name;
                key = find_key(kind, name);
                *reterr_why = key ? "the value has the wrong type" : "the kind has no such key";
                if (!key || !has_type(value, key))
                        return false;
        }
        for (size_t i = 0; (key = kind_key(kind, i)); i++) {
                *reterr_key = key->name;
                *reterr_why = "the key is missing";
                if (!key->optional && !json_object_get(object, key->name))
                        return false;
        }
        return true;
}
