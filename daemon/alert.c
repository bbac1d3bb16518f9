/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Alerts. MESSAGE= must say everything by itself: syslog forwarders drop the other fields. */

#include "daemon/alert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/message-ids.h"
#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/io/log.h"

enum { ALERT_FIELDS_MAX = 20 };

/* The sentence of each kind; words in braces are keys of the event, see put_sentence(). */
static const struct {
        const char *message_id, *sentence;
} alerts[_KIND_MAX] = {
        [KIND_START] = { SEALWATCH_MESSAGE_START, "sealwatchd {version} watches {scope}" },
        [KIND_STOP] = { SEALWATCH_MESSAGE_STOP, "sealwatchd stops: {reason}" },
        [KIND_GAP] = { SEALWATCH_MESSAGE_GAP, "nobody watched from {@since} to {@until}" },
        [KIND_LEVEL] = { SEALWATCH_MESSAGE_LEVEL, "the level of {event} changed from {from} to {to}" },
        [KIND_POLICY_REFUSED] = { SEALWATCH_MESSAGE_POLICY_REFUSED, "a new policy was refused: {error}" },
        [KIND_EXEC] = { SEALWATCH_MESSAGE_EXEC,
                        "{verdict}: {path} ({digest}) by rule {rule}, asked for by {exe|comm} as uid {uid}" },
        [KIND_OPEN_WRITERS] = { SEALWATCH_MESSAGE_OPEN_WRITERS, "{path} runs while somebody can still write to it" },
        [KIND_UNGATED] = { SEALWATCH_MESSAGE_UNGATED, "{verdict}: {path} ran past the gate as uid {uid}: {reason}" },
        [KIND_ACTIVITY] = { SEALWATCH_MESSAGE_ACTIVITY,
                            "{verdict}: {event} of {target} by rule {rule}{, done by =exe|comm}{ as uid =uid}" },
        [KIND_LOST] = { SEALWATCH_MESSAGE_LOST, "{count} events of {sensor} were lost" },
        [KIND_FAILURE] = { SEALWATCH_MESSAGE_FAILURE,
                           "failure {row}, time {count}, answered with {verdict}{: =detail}" },
        [KIND_SUPPRESSED] = { SEALWATCH_MESSAGE_SUPPRESSED, "{count} further refusals were not recorded one by one" },
        [KIND_TAMPER] = { SEALWATCH_MESSAGE_TAMPER, "tampering, {what}{: =detail}" },
        [KIND_STATE] = { SEALWATCH_MESSAGE_STATE, "the guard is {to} now, it was {from}" },
        [KIND_LOCK] = { SEALWATCH_MESSAGE_LOCK,
                        "LOCK because of {reason} (event {trigger}): secrets are wiped, registers poisoned" },
        [KIND_LOCKED] = { SEALWATCH_MESSAGE_LOCKED, "the lock plan is through; only a reboot ends the lock" },
        [KIND_ATTEST] = { SEALWATCH_MESSAGE_ATTEST,
                          "attestation {result} by {provider}, round {round} ({cause}){: =reason}" },
        [KIND_DETACH] = { SEALWATCH_MESSAGE_DETACH, "uid {uid} has the programs in the kernel removed: {reason}" },
        [KIND_SEAL] = { SEALWATCH_MESSAGE_SEAL, "secret {name} was sealed" },
        [KIND_RELEASE] = { SEALWATCH_MESSAGE_RELEASE, "secret {name} {verdict} for uid {uid} pid {pid}{: =reason}" },
};

static void put_value(FILE *to, const json_t *value) {
        if (json_is_integer(value))
                fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_string(value))
                fputs(json_string_value(value), to);
        else if (json_is_boolean(value))
                fputs(json_is_true(value) ? "yes" : "no", to);
}

static void put_time(FILE *to, const json_t *value) {
        time_t seconds = (time_t) (json_integer_value(value) / USEC_PER_SEC);
        char text[32] = "";
        struct tm tm;

        if (gmtime_r(&seconds, &tm))
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
        fputs(text, to);
}

/* The first of the keys "a|b" that the event has. */
static const json_t *find_value(const json_t *event, const char *keys, size_t n) {
        const json_t *value = NULL;
        char name[32];

        for (size_t at = 0, size; !value && at < n; at += size + 1) {
                size = strcspn(keys + at, "|}");
                snprintf(name, sizeof(name), "%.*s", (int) size, keys + at);
                value = json_object_get(event, name);
        }
        return value;
}

/* "{key}" is the key's value; "{@key}" is one that is a time; "{a|b}" is the first of the keys that is there; "{words=key}" has
 * the words before it where the key is there. */
static void put_sentence(FILE *to, const char *sentence, const json_t *event) {
        while (*sentence) {
                size_t plain = strcspn(sentence, "{"), words, n;
                const char *equals, *key;
                const json_t *value;

                fwrite(sentence, 1, plain, to);
                sentence += plain;
                if (!*sentence)
                        return;
                sentence++;
                n = strcspn(sentence, "}");
                equals = memchr(sentence, '=', n);
                words = equals ? (size_t) (equals - sentence) : 0;
                key = sentence + (equals ? words + 1 : *sentence == '@');
                value = find_value(event, key, (size_t) (sentence + n - key));
                if (value)
                        fwrite(sentence, 1, words, to);
                if (*sentence == '@')
                        put_time(to, value);
                else
                        put_value(to, value);
                sentence += n + 1;
        }
}

static char *make_message(Kind kind, uint64_t seq, const json_t *event, bool tainted) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        fputs("MESSAGE=", f);
        if (tainted)
                fputs("[SIMULATED] ", f);
        put_sentence(f, alerts[kind].sentence, event);
        fprintf(f, " | kind=%s seq=%" PRIu64, kind_name(kind), seq);
        fclose(f);
        return text;
}

/* "SEALWATCH_RULE=..." for the keys that people filter by. */
static void add_key_fields(const json_t *event, char **fields, unsigned *n) {
        static const struct {
                const char *key, *field;
        } keys[] = {
                { "rule", "SEALWATCH_RULE" },           { "verdict", "SEALWATCH_VERDICT" },
                { "path", "SEALWATCH_PATH" },           { "digest", "SEALWATCH_DIGEST" },
                { "technique", "SEALWATCH_TECHNIQUE" }, { "exe", "SEALWATCH_EXE" },
                { "unit", "SEALWATCH_UNIT" },           { "to", "SEALWATCH_STATE" },
                { "row", "SEALWATCH_FAILURE" },         { "name", "SEALWATCH_SECRET" },
                { "event", "SEALWATCH_EVENT" },         { "target", "SEALWATCH_TARGET" },
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const char *value = json_string_value(json_object_get(event, keys[i].key));

                if (value && asprintf(&fields[*n], "%s=%s", keys[i].field, value) >= 0)
                        (*n)++;
        }
}

_printf_(3, 4) static void add_field(char **fields, unsigned *n, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&fields[*n], format, ap) >= 0)
                (*n)++;
        va_end(ap);
}

void alert_send(Severity severity, Kind kind, uint64_t seq, const char *json, bool tainted) {
        static const int priorities[] = {
                [SEVERITY_NOTICE] = LOG_NOTICE,
                [SEVERITY_WARNING] = LOG_WARNING,
                [SEVERITY_ERROR] = LOG_ERR,
                [SEVERITY_CRITICAL] = LOG_CRIT,
        };
        json_auto_t *event = json_loads(json, 0, NULL);
        char *fields[ALERT_FIELDS_MAX] = {};
        unsigned n = 0;

        if (!event || !alerts[kind].sentence)
                return;
        fields[0] = make_message(kind, seq, event, tainted);
        n += fields[0] != NULL;
        add_field(fields, &n, "PRIORITY=%d", priorities[severity]);
        add_field(fields, &n, "MESSAGE_ID=%s", alerts[kind].message_id);
        add_field(fields, &n, "SYSLOG_FACILITY=10"); /* authpriv */
        add_field(fields, &n, "SYSLOG_IDENTIFIER=sealwatchd");
        add_field(fields, &n, "SEALWATCH_KIND=%s", kind_name(kind));
        add_field(fields, &n, "SEALWATCH_SEQ=%" PRIu64, seq);
        add_field(fields, &n, "SEALWATCH_TAINTED=%s", tainted ? "yes" : "no");
        add_field(fields, &n, "SEALWATCH_JSON=%s", json);
        add_key_fields(event, fields, &n);
        log_fields((const char *const *) fields, n);
        for (unsigned i = 0; i < n; i++)
                free(fields[i]);
}
