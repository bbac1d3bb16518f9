/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events and logs to test with. */

#include "tests/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/batch.h"

_Noreturn void sample_failed(const char *condition, const char *file, int line) {
        fprintf(stderr, "%s:%d: %s is not true\n", file, line, condition);
        abort();
}

/* As core/ cuts them. */
static size_t text_limit(Kind kind, const char *key) {
        static const char *const short_keys[] = { "version", "life", "bootid", "kernel" };

        if (streq(key, "path"))
                return EVENT_PATH_MAX;
        if (streq(key, "exe"))
                return EVENT_EXE_MAX;
        for (size_t i = 0; kind == KIND_BOOT && i < ELEMENTSOF(short_keys); i++)
                if (streq(key, short_keys[i]))
                        return EVENT_SHORT_MAX;
        return EVENT_TEXT_MAX;
}

static void put_key(EventBuilder *e, const KindKey *key, const char *text, uint64_t count) {
        uint8_t digest[SHA256_SIZE];

        switch (key->type) {
        case KEY_TEXT:
                if (streq(key->name, "drill")) /* one of a table's names */
                        text = "twenty-four-bytes-of-it.";
                event_text_max(e, key->name, text, text_limit(e->kind, key->name));
                break;
        case KEY_COUNT:
                event_count(e, key->name, count);
                break;
        case KEY_BOOL:
                event_bool(e, key->name, count % 2 == 1);
                break;
        case KEY_DIGEST:
                memset(digest, (int) count, sizeof(digest));
                event_digest(e, key->name, digest);
                break;
        case KEY_TEXTS:
                event_list(e, key->name);
                for (unsigned i = 0; i < count % 4; i++)
                        (void) event_list_text(e, key->name, text);
                break;
        case KEY_COUNTS:
                event_list_pcrs(e, key->name, (PcrSet) count & 0xffffff);
                break;
        case KEY_MAP:
                event_map(e, key->name);
                if (count % 4 > 0)
                        (void) event_map_text(e, key->name, text, text);
                break;
        default:
                REQUIRE(false);
        }
}

EventBuilder sample_event(Kind kind, const char *text, uint64_t count, bool optional) {
        const Now now = { .boottime = count, .realtime = count };
        EventBuilder e = event_begin(kind, &now);
        const KindKey *key;

        for (int lists = 0; lists < 2; lists++) /* behind all text */
                for (size_t i = 0; (key = kind_key(kind, i)); i++)
                        if ((optional || !key->optional) && (key->type == KEY_TEXTS || key->type == KEY_MAP) == lists)
                                put_key(&e, key, text, count);
        return e;
}

EventBuilder sample_boot(const SampleLife *life) {
        HashAlg alg = bank_preferred(life->pcrs->banks);
        EventBuilder e = sample_event(KIND_BOOT, "x", 4, false);

        event_text(&e, "life", life->life);
        event_count(&e, "reset", life->reset);
        event_count(&e, "restart", life->restart);
        event_count(&e, "measurement", life->measurement);
        event_count(&e, "cap", life->cap);
        event_text(&e, "bank", hash_name(alg));
        for (unsigned pcr = 0; pcr < 16; pcr++) {
                char number[4], hex[2 * DIGEST_MAX + 1];

                snprintf(number, sizeof(number), "%u", pcr);
                REQUIRE(event_map_text(&e, "pcrs", number,
                                       hex_encode(life->pcrs->values[alg][pcr], hash_size(alg), hex)));
        }
        return e;
}

void sample_put(Buffer *log, uint32_t pcr, EventBuilder *event) {
        _cleanup_(buffer_done) Buffer record = {};
        _cleanup_free_ char *json = NULL;

        REQUIRE(event_finish(event, pcr, &record, &json) == 0);
        buffer_bytes(log, record.data, record.size);
        event_done(event);
}

void sample_put_file(Buffer *log, uint32_t pcr, const char *path) {
        uint8_t digest[SHA256_SIZE];

        REQUIRE(sha256(path, strlen(path), digest) == 0);
        REQUIRE(record_put_file(log, pcr, digest, path) == 0);
}

void sample_put_pair(Buffer *log, uint32_t pcr, const char *path) {
        EventBuilder e = sample_event(KIND_OPEN_WRITERS, path, 1, true);
        uint8_t digest[SHA256_SIZE];
        size_t start = log->size;
        RecordView view;
        const char *why;
        Reader r;

        REQUIRE(record_put_violation(log, pcr, path) == 0);
        r = reader_new(log->data + start, log->size - start);
        REQUIRE(record_parse(&r, &view, &why) == RECORD_OK);
        REQUIRE(sha256(view.data, view.data_size, digest) == 0);
        event_digest(&e, "record", digest);
        sample_put(log, pcr, &e);
}

static uint64_t next(uint64_t *state) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *state >> 33;
}

static void put_batch(Buffer *log, uint32_t pcr, unsigned n, uint64_t *state) {
        _cleanup_(buffer_done) Buffer inside = {};

        for (unsigned i = 0; i < n; i++) {
                char path[64];

                snprintf(path, sizeof(path), "/usr/bin/batched-%llu", (unsigned long long) next(state));
                sample_put_file(&inside, pcr, path);
        }
        REQUIRE(batch_put(log, pcr, inside.data, inside.size) == 0);
}

static unsigned put_any(Buffer *log, uint32_t pcr, uint64_t *state) {
        char path[64];
        uint64_t what = next(state);
        EventBuilder e;

        snprintf(path, sizeof(path), "/opt/\"%llu\"\\x0a", (unsigned long long) next(state));
        switch (what % 4) {
        case 0:
                sample_put_file(log, pcr, path);
                return 1;
        case 1:
                sample_put_pair(log, pcr, path);
                return 2;
        case 2:
                put_batch(log, pcr, 1 + (unsigned) next(state) % 20, state);
                return 1;
        default:
                do
                        what = next(state) % _KIND_MAX;
                while (what == KIND_BOOT || what == KIND_BATCH || what == KIND_OPEN_WRITERS ||
                       what == KIND_LOCK); /* whose registers would count as extended */
                e = sample_event((Kind) what, path, next(state), what % 2 == 0);
                sample_put(log, pcr, &e);
                return 1;
        }
}

BankDigests sample_replay(const void *log, size_t size, BankSet banks) {
        BankDigests value = bank_digests_zero(banks);
        Reader r = reader_new(log, size);
        RecordView view;
        const char *why;

        while (record_parse(&r, &view, &why) == RECORD_OK) {
                BankDigests digest;

                REQUIRE(record_extend_value(&view, banks, &digest) == 0);
                REQUIRE(bank_digests_extend(&value, &digest) == 0);
        }
        REQUIRE(reader_done(&r));
        return value;
}

void sample_log(Buffer *log, uint32_t pcr, unsigned n, uint64_t seed, BankSet banks, BankDigests *ret_value) {
        EventBuilder boot = sample_event(KIND_BOOT, "boot", 1, true);
        size_t start = log->size;

        event_count(&boot, "measurement", pcr);
        sample_put(log, pcr, &boot);
        for (unsigned i = 1; i < n;)
                i += put_any(log, pcr, &seed);
        *ret_value = sample_replay(log->data + start, log->size - start, banks);
}
