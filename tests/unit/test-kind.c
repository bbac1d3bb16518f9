/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/digest.h"
#include "lib/kind.h"
#include "tests/sample.h"
#include "tests/test.h"

static void names_and_back(void **state _unused_) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                char name[64];

                snprintf(name, sizeof(name), KIND_PREFIX "%s", kind_name(kind));
                assert_int_equal(kind_from_record_name(name), kind);
                assert_int_equal(kind_from_record_name(kind_name(kind)), _KIND_INVALID); /* without its prefix */
        }
        assert_int_equal(kind_from_record_name("sealwatch:"), _KIND_INVALID);
        assert_int_equal(kind_from_record_name("sealwatch:Boot"), _KIND_INVALID);
        assert_int_equal(kind_from_record_name(""), _KIND_INVALID);
}

/* Format 2 is frozen once it is released. Whoever changes the table then makes a format 3, and sealwatch.eventlog(5) says so. */
static void format_2_is_frozen(void **state _unused_) {
        static const char frozen[] = "8f7a2e01096ce4ae3d181cccc690d5a4b1bf7843e454e0af05ff770a0a6bf308";
        char hex[2 * SHA256_SIZE + 1];
        uint8_t digest[SHA256_SIZE];
        const KindKey *key;
        Buffer b = {};

        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                buffer_string(&b, kind_name(kind));
                for (size_t i = 0; (key = kind_key(kind, i)); i++) {
                        char line[128];

                        snprintf(line, sizeof(line), " %s:%d:%d", key->name, (int) key->type, key->optional);
                        buffer_string(&b, line);
                }
                buffer_string(&b, "\n");
        }
        assert_int_equal(EVENTLOG_FORMAT, 2);
        assert_int_equal(sha256(b.data, b.size, digest), 0);
        assert_string_equal(hex_encode(digest, sizeof(digest), hex), frozen);
        buffer_done(&b);
}

static bool check(Kind kind, const json_t *object, const char *expected_key) {
        const char *key = NULL, *why = NULL;
        bool ok = kind_check(kind, object, &key, &why);

        if (!ok) {
                assert_string_equal(key, expected_key);
                assert_true(why && *why);
        }
        return ok;
}

/* One value of each JSON type, and which key types take it. */
static json_t *value_of_type(unsigned i, unsigned *ret_fits) {
        static const char digest[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

        *ret_fits = 0;
        switch (i) {
        case 0:
                *ret_fits = 1 << KEY_TEXT;
                return json_string("text");
        case 1:
                *ret_fits = 1 << KEY_TEXT | 1 << KEY_DIGEST;
                return json_string(digest);
        case 2:
                *ret_fits = 1 << KEY_COUNT;
                return json_integer(7);
        case 3:
                *ret_fits = 1 << KEY_BOOL;
                return json_false();
        case 4:
                *ret_fits = 1 << KEY_TEXTS | 1 << KEY_COUNTS;
                return json_array();
        case 5:
                *ret_fits = 1 << KEY_TEXTS;
                return json_pack("[s]", "x");
        case 6:
                *ret_fits = 1 << KEY_COUNTS;
                return json_pack("[i]", 3);
        case 7:
                *ret_fits = 1 << KEY_MAP;
                return json_pack("{s:s}", "x", "y");
        case 8: /* from here on: nobody takes it */
                return json_null();
        case 9:
                return json_integer(-1);
        case 10:
                return json_pack("[n]");
        case 11:
                return json_pack("[i]", -3);
        case 12:
                return json_pack("{s:i}", "x", 1);
        case 13:
                return json_pack("{s:s}", "not\nescaped", "y");
        case 14:
                return json_pack("[s]", "not\nescaped");
        case 15:
                return json_string("not\nescaped");
        case 16:
                return json_pack("[[s]]", "x");
        default:
                return NULL;
        }
}

static void every_key_is_checked(void **state _unused_) {
        for (Kind kind = 0; kind < KIND_BATCH; kind++) {
                EventBuilder full = sample_event(kind, "text", 5, true), least = sample_event(kind, "text", 5, false);
                const KindKey *key;

                assert_true(check(kind, full.json, ""));
                assert_true(check(kind, least.json, ""));
                for (size_t i = 0; (key = kind_key(kind, i)); i++) {
                        json_t *value;
                        unsigned fits;

                        for (unsigned v = 0; (value = value_of_type(v, &fits)); v++) {
                                json_object_set_new(full.json, key->name, value);
                                assert_int_equal(check(kind, full.json, key->name), (fits >> key->type) & 1);
                        }
                        json_object_del(full.json, key->name);
                        assert_int_equal(check(kind, full.json, key->name), key->optional);
                        json_object_update(full.json, least.json); /* the required ones back */
                }
                json_object_set_new(least.json, "foreign", json_integer(1));
                assert_false(check(kind, least.json, "foreign"));
                event_done(&full);
                event_done(&least);
        }
}

static void digests_have_one_form(void **state _unused_) {
        static const char *const wrong[] = {
                "",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
                "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg",
        };
        EventBuilder e = sample_event(KIND_SEAL, "text", 5, true);

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                json_object_set_new(e.json, "blob", json_string(wrong[i]));
                assert_false(check(KIND_SEAL, e.json, "blob"));
        }
        event_done(&e);
}

static void common_keys_come_with_every_event(void **state _unused_) {
        for (Kind kind = 0; kind < KIND_BATCH; kind++) {
                assert_string_equal(kind_key(kind, 0)->name, "boottime");
                assert_string_equal(kind_key(kind, 1)->name, "time");
        }
        assert_null(kind_key(KIND_BATCH, 0));
}

/* What runs is always somebody's. */
static void an_activity_alone_may_be_nobodys(void **state _unused_) {
        static const Kind somebodys[] = { KIND_EXEC, KIND_OPEN_WRITERS, KIND_UNGATED, KIND_ACTIVITY };
        static const char *const who[] = { "pid", "uid", "euid" };

        for (size_t i = 0; i < ELEMENTSOF(somebodys); i++)
                for (size_t k = 0; k < ELEMENTSOF(who); k++) {
                        EventBuilder e = sample_event(somebodys[i], "text", 5, true);

                        assert_int_equal(json_object_del(e.json, who[k]), 0);
                        assert_int_equal(check(somebodys[i], e.json, who[k]), somebodys[i] == KIND_ACTIVITY);
                        event_done(&e);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(names_and_back),
                TEST(format_2_is_frozen),
                TEST(every_key_is_checked),
                TEST(digests_have_one_form),
                TEST(common_keys_come_with_every_event),
                TEST(an_activity_alone_may_be_nobodys),
        };

        return RUN(tests);
}
