/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/event.h"
#include "lib/json.h"
#include "lib/logreader.h"
#include "tests/sample.h"
#include "tests/test.h"

#include <errno.h>

static const Now now = { .boottime = 12, .realtime = 1700000000000000 };

static char *finish(EventBuilder *e, Buffer *record) {
        char *json = NULL;

        assert_int_equal(event_finish(e, 13, record, &json), 0);
        event_done(e);
        return json;
}

static void becomes_canonical_json(void **state _unused_) {
        EventBuilder e = event_begin(KIND_SEAL, &now);
        _cleanup_free_ char *json = NULL;
        uint8_t digest[SHA256_SIZE] = { 0xab };
        Buffer record = {};
        RecordView view;
        const char *why;
        Reader r;

        event_text(&e, "name", "db\n");
        event_count(&e, "uid", UINT64_MAX);
        event_digest(&e, "blob", digest);
        json = finish(&e, &record);
        assert_string_equal(json, "{\"blob\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
                                  "\"boottime\":12,\"name\":\"db\\\\x0a\",\"time\":1700000000000000,"
                                  "\"uid\":9223372036854775807}");
        r = reader_new(record.data, record.size);
        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
        assert_int_equal(view.pcr, 13);
        assert_int_equal(view.template, TEMPLATE_BUF);
        assert_string_equal(view.name, "sealwatch:seal");
        assert_int_equal(view.buf_size, strlen(json));
        assert_memory_equal(view.buf, json, view.buf_size);
        buffer_done(&record);
}

static void null_text_stays_away(void **state _unused_) {
        EventBuilder e = event_begin(KIND_TAMPER, &now);
        Buffer record = {};
        _cleanup_free_ char *json = NULL;

        event_text(&e, "what", "x");
        event_text(&e, "detail", NULL);
        event_text(&e, "verdict", "lock");
        json = finish(&e, &record);
        assert_null(strstr(json, "detail"));
        buffer_done(&record);
}

static void what_the_table_forbids_is_not_written(void **state _unused_) {
        static const Kind kinds[] = { KIND_STOP, KIND_BATCH };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                EventBuilder e = event_begin(kinds[i], &now);
                Buffer record = {};
                char *json = NULL;

                if (kinds[i] == KIND_BATCH)
                        event_text(&e, "reason", "x");
                assert_int_equal(event_finish(&e, 13, &record, &json), -EBADMSG);
                assert_null(record.data);
                assert_null(json);
                event_done(&e);
        }
}

static void first_error_sticks(void **state _unused_) {
        EventBuilder e = event_begin(KIND_STOP, &now);
        Buffer record = {};
        char *json = NULL;

        event_text_max(&e, "reason", "x", 3); /* a limit that nothing can keep */
        event_text(&e, "reason", "x");
        assert_int_equal(event_finish(&e, 13, &record, &json), -EINVAL);
        event_done(&e);
        event_done(&e);
}

/* Whatever the text is and however long: every event of every kind fits, and can be read again. */
static void every_event_fits(void **state _unused_) {
        static const char *const units[] = { "\"", "\\", "x", "\n", "\xf0\x9f\x94\x92", "\xe2\x80\xae", "\"\\x" };

        for (size_t u = 0; u < ELEMENTSOF(units); u++)
                for (Kind kind = 0; kind < KIND_BATCH; kind++) {
                        char text[5000] = "";
                        _cleanup_free_ char *json = NULL;
                        Buffer record = {};
                        EventBuilder e;
                        const char *why = "";
                        RecordView view;
                        Reader r;

                        for (size_t i = 0; i < 1200; i++)
                                strcat(text, units[u]);
                        e = sample_event(kind, text, INT64_MAX, true);
                        json = finish(&e, &record);
                        r = reader_new(record.data, record.size);
                        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
                        assert_true(view.data_size <= RECORD_DATA_MAX);
                        buffer_done(&record);
                }
}

static void fill_list(EventBuilder *e, const char *key, bool map) {
        for (unsigned i = 0; i < 5000; i++) {
                char text[32];

                snprintf(text, sizeof(text), "member \"%u\"", i);
                if (map ? !event_map_text(e, key, text, text) : !event_list_text(e, key, text)) {
                        assert_true(i > 10);
                        return;
                }
        }
        fail_msg("a list without end");
}

/* Lists take what is left, and no more. */
static void full_lists_leave_room(void **state _unused_) {
        EventBuilder e = sample_event(KIND_HARVEST, "x", 4, false);
        _cleanup_free_ char *json = NULL;
        json_auto_t *object = NULL;
        const char *why = "";
        Buffer record = {};
        size_t held, failed;

        event_list(&e, "held");
        fill_list(&e, "held", false);
        event_map(&e, "failed");
        fill_list(&e, "failed", true);
        held = json_array_size(json_object_get(e.json, "held"));
        failed = json_object_size(json_object_get(e.json, "failed"));
        assert_false(event_list_text(&e, "held", "one more, as long as those"));
        assert_int_equal(json_array_size(json_object_get(e.json, "held")), held);
        assert_false(event_map_text(&e, "failed", "one more, as long", "as those are"));
        assert_int_equal(json_object_size(json_object_get(e.json, "failed")), failed);
        event_count(&e, "more", INT64_MAX);
        json = finish(&e, &record);
        assert_int_equal(json_parse_canonical(json, strlen(json), &object, &why), 0);
        buffer_done(&record);
}

/* The cap register's value at boot is needed later: none may be left out, in any bank. */
static void all_registers_fit_into_a_boot_record(void **state _unused_) {
        for (HashAlg alg = HASH_SHA256; alg < _HASH_MAX; alg++) {
                EventBuilder e = sample_event(KIND_BOOT, "\"", 5, true);
                char hex[2 * DIGEST_MAX + 1];
                uint8_t value[DIGEST_MAX];
                Buffer record = {};

                memset(value, 0xa5, sizeof(value));
                hex_encode(value, hash_size(alg), hex);
                for (unsigned i = 0; i < 1200; i++) /* worst text in the keys before */
                        event_text(&e, "scope",
                                   "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
                event_map(&e, "pcrs");
                for (unsigned pcr = 0; pcr < 16; pcr++) {
                        char number[4];

                        snprintf(number, sizeof(number), "%u", pcr);
                        assert_true(event_map_text(&e, "pcrs", number, hex));
                }
                assert_string_equal(json_string_value(json_object_get(json_object_get(e.json, "pcrs"), "15")), hex);
                free(finish(&e, &record));
                buffer_done(&record);
        }
}

static void pcr_lists(void **state _unused_) {
        EventBuilder e = event_begin(KIND_LOCK, &now);
        _cleanup_free_ char *json = NULL;
        Buffer record = {};

        event_text(&e, "reason", "x");
        event_count(&e, "trigger", 0);
        event_list_pcrs(&e, "poison", 1U << 0 | 1U << 11 | 1U << 23);
        json = finish(&e, &record);
        assert_non_null(strstr(json, "\"poison\":[0,11,23]"));
        buffer_done(&record);
}

/* Fails the n-th allocation of jansson. */
static size_t allocations, fail_at;

static void *failing_malloc(size_t n) {
        return ++allocations == fail_at ? NULL : malloc(n);
}

static void out_of_memory_is_an_error(void **state _unused_) {
        bool passed = false;

        json_set_alloc_funcs(failing_malloc, free);
        for (fail_at = 1; !passed; fail_at++) {
                Buffer record = {};
                char *json = NULL;
                EventBuilder e;
                int r;

                allocations = 0;
                e = sample_event(KIND_BOOT, "text", 5, true);
                r = event_finish(&e, 13, &record, &json);
                passed = allocations < fail_at;
                assert_true(r == 0 || r == -ENOMEM);
                assert_int_equal(r == 0, json != NULL);
                event_done(&e);
                buffer_done(&record);
                json_free_t free_text = free;
                free_text(json);
        }
        json_set_alloc_funcs(malloc, free);
        assert_true(fail_at > 50);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(becomes_canonical_json),
                TEST(null_text_stays_away),
                TEST(what_the_table_forbids_is_not_written),
                TEST(first_error_sticks),
                TEST(every_event_fits),
                TEST(full_lists_leave_room),
                TEST(all_registers_fit_into_a_boot_record),
                TEST(pcr_lists),
                TEST(out_of_memory_is_an_error),
        };

        return RUN(tests);
}
