/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/evidence/evidence.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "tests/test.h"

static const uint8_t nonce[] = "a nonce of 32 bytes, of anybody., and then as many bytes as it may have";

/* Every member with something in it. */
static void fill(Evidence *e) {
        e->provider = EVIDENCE_PROVIDER_SEV_GUEST;
        for (EvidencePart part = 0; part < _EVIDENCE_PART_MAX; part++)
                for (unsigned i = 0; i < 17U + part; i++)
                        buffer_u8(&e->parts[part], (uint8_t) (part * 31 + i));
        e->pcrs.banks = bank(HASH_SHA256) | bank(HASH_SHA384);
        e->pcrs.files[HASH_SHA256].present = 1U << 0 | 1U << 23;
        e->pcrs.files[HASH_SHA384].present = 1U << 13;
        memset(e->pcrs.files[HASH_SHA256].values[23], 0xa5, SHA256_SIZE);
        memset(e->pcrs.files[HASH_SHA384].values[13], 0x5a, 48);
        e->time = 1;
        e->log_since = 2;
        e->log_first = 3;
        e->ima_since = 4;
        e->heartbeat_sequence = 5;
        e->heartbeat_time = INT64_MAX;
        e->mode = strdup("enforce");
        e->state = strdup("trusted");
        memset(e->policy, 7, sizeof(e->policy));
        assert_int_equal(evidence_texts_add(&e->references, "base", "aa\\x0a"), 0);
        assert_int_equal(evidence_texts_add(&e->levels, "exec", "gate"), 0);
        assert_int_equal(evidence_texts_add(&e->levels, "a\\\"quote", "off (\xc3\xbc)"), -EINVAL);
        assert_int_equal(evidence_texts_add(&e->levels, "a\"quote", "off (\xc3\xbc)"), 0);
        assert_int_equal(evidence_texts_add(&e->taints, NULL, "simulated-report"), 0);
        assert_int_equal(evidence_texts_add(&e->taints, NULL, "software-tpm"), 0);
}

static char *write_text(const Evidence *e) {
        _cleanup_(buffer_done) Buffer b = {};

        assert_int_equal(evidence_write(e, &b), 0);
        buffer_u8(&b, 0);
        return (char *) TAKE_PTR(b.data);
}

static void parse(const char *text, Evidence *ret) {
        EvidenceError error = {};

        if (evidence_parse(text, strlen(text), ret, &error) < 0)
                fail_msg("%zu: %s", error.offset, error.why);
}

static void refuse(const char *text, const char *why, ssize_t offset) {
        _cleanup_(evidence_done) Evidence e = {};
        EvidenceError error = {};

        assert_int_equal(evidence_parse(text, strlen(text), &e, &error), -EINVAL);
        assert_string_equal(error.why, why);
        if (offset >= 0)
                assert_int_equal(error.offset, offset);
}

/* The text with the first `old` in it replaced. */
static char *changed(const char *text, const char *old, const char *new) {
        const char *at = strstr(text, old);
        char *ret;

        assert_non_null(at);
        assert_true(asprintf(&ret, "%.*s%s%s", (int) (at - text), text, new, at + strlen(old)) > 0);
        return ret;
}

static void comes_back_as_it_was(void **state _unused_) {
        _cleanup_(evidence_done) Evidence e = {}, again = {};
        _cleanup_free_ char *text = NULL, *twice = NULL;

        fill(&e);
        text = write_text(&e);
        assert_null(strchr(text, '\n'));
        parse(text, &again);
        for (EvidencePart part = 0; part < _EVIDENCE_PART_MAX; part++) {
                assert_int_equal(again.parts[part].size, e.parts[part].size);
                assert_memory_equal(again.parts[part].data, e.parts[part].data, e.parts[part].size);
        }
        assert_memory_equal(&again.pcrs, &e.pcrs, sizeof(e.pcrs));
        assert_int_equal(again.provider, e.provider);
        assert_int_equal(again.log_since, 2);
        assert_int_equal(again.heartbeat_time, INT64_MAX);
        assert_string_equal(again.levels.items[0].name, "a\"quote");
        assert_string_equal(again.taints.items[1].value, "software-tpm");
        twice = write_text(&again);
        assert_string_equal(text, twice);
}

/* Long parts are written in pieces. */
static void parts_of_every_length(void **state _unused_) {
        for (size_t n = 3060; n < 3090; n++) {
                _cleanup_(evidence_done) Evidence e = {}, again = {};
                _cleanup_free_ char *text = NULL;

                buffer_bytes(&e.parts[EVIDENCE_NONCE], nonce, 32);
                for (size_t i = 0; i < n; i++)
                        buffer_u8(&e.parts[EVIDENCE_LOG], (uint8_t) (i * i));
                text = write_text(&e);
                parse(text, &again);
                assert_int_equal(again.parts[EVIDENCE_LOG].size, n);
                assert_memory_equal(again.parts[EVIDENCE_LOG].data, e.parts[EVIDENCE_LOG].data, n);
        }
}

static void minimum(Evidence *e) {
        buffer_bytes(&e->parts[EVIDENCE_NONCE], nonce, 32);
}

static void other_layouts_are_the_same_document(void **state _unused_) {
        _cleanup_(evidence_done) Evidence e = {}, again = {};
        _cleanup_free_ char *text = NULL, *spaced = NULL, *back = NULL;

        minimum(&e);
        text = write_text(&e);
        spaced = changed(text, ",\"heartbeat-time\":0", " ,\n\t\"heartbeat-time\" : 0");
        parse(spaced, &again);
        back = write_text(&again);
        assert_string_equal(back, text);
}

static void mistakes_and_where_they_are(void **state _unused_) {
        static const struct {
                const char *old, *new, *why, *at; /* at: the text that the offset leads to; NULL: 0 */
        } cases[] = {
                { "\"format\":1", "\"format\":2", "format: not a format that is known", "\"format\"" },
                { "\"none\"", "\"nobody\"", "provider: not the name of a provider", "\"provider\"" },
                { "\"mode\":\"\"", "\"mode\":\"\",\"mood\":0", "a key that is not known", "\"mood\"" },
                { "\"mode\":\"\"", "\"mode\":\"\\\\\"", "mode: not text in escaped form of at most 1024 bytes",
                  "\"mode\"" },
                { "\"mode\":\"\",", "", "mode: the key is missing", NULL },
                { "\"time\":0", "\"time\":-1", "time: not a count", "\"time\"" },
                { "\"time\":0", "\"time\":1.0", "time: not a count", "\"time\"" },
                { "\"nonce\":\"6120", "\"nonce\":\"612A", "nonce: not lower-case hexadecimal", "\"nonce\"" },
                { "\"pcrs\":{}", "\"pcrs\":{\"sha256\":{}}", "pcrs: a bank without values", "\"pcrs\"" },
                { "\"pcrs\":{}", "\"pcrs\":{\"sha256\":{\"01\":\"\"}}", "pcrs: not the number of a PCR", "\"pcrs\"" },
                { "\"pcrs\":{}", "\"pcrs\":{\"md5\":{}}", "pcrs: not the name of a bank", "\"pcrs\"" },
                { "\"pcrs\":{}", "\"pcrs\":{\"sha1\":{\"3\":\"00\"}}",
                  "pcrs: not a digest of that bank in lower-case hexadecimal", "\"pcrs\"" },
                { "\"state\"", "\"signature\":\"AA=\",\"state\"", "signature: not base64", "\"signature\"" },
                { "\"state\"", "\"signature\":\"AB==\",\"state\"", "signature: not base64", "\"signature\"" },
                { "\"state\"", "\"signature\":\"A A=\",\"state\"", "signature: not base64", "\"signature\"" },
                { "\"state\"", "\"signature\":\"\",\"state\"", "signature: too few or too many bytes",
                  "\"signature\"" },
                { "\"taints\":[]", "\"taints\":[1]",
                  "taints: not texts in escaped form of at most 1024 bytes, 64 at most", "\"taints\"" },
                { "\"taints\":[]", "\"taints\":{\"taints\":[]}", "taints: not a list", "\"taints\"" },
                { "\"levels\":{}", "\"levels\":{\"log-since\":\"log-first\"},\"levelz\":0", "a key that is not known",
                  "\"levelz\"" },
        };
        _cleanup_(evidence_done) Evidence e = {};
        _cleanup_free_ char *text = NULL;

        minimum(&e);
        text = write_text(&e);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *bad = changed(text, cases[i].old, cases[i].new);

                refuse(bad, cases[i].why, cases[i].at ? strstr(bad, cases[i].at) - bad : 0);
        }
        {
                _cleanup_free_ char *twice = changed(text, "\"time\":0", "\"time\":0,\"time\":0");

                refuse(twice, "the key is there twice", -1);
        }
        refuse("[]", "not a JSON object", 0);
        refuse("{\"format\":1", "not JSON", -1);
        refuse("", "not JSON", -1);
}

static void limits(void **state _unused_) {
        _cleanup_(evidence_done) Evidence e = {}, parsed = {};
        _cleanup_(buffer_done) Buffer b = {};
        _cleanup_free_ char *text = NULL, *more = NULL, *longer = repeat('A', 4 * 400), *digits = NULL;

        buffer_bytes(&e.parts[EVIDENCE_NONCE], nonce, 7);
        assert_int_equal(evidence_write(&e, &b), -EINVAL);
        buffer_bytes(&e.parts[EVIDENCE_NONCE], nonce, 57);
        text = write_text(&e);
        more = changed(text, "\"nonce\":\"", "\"nonce\":\"00");
        refuse(more, "nonce: too few or too many bytes", strstr(more, "\"nonce\"") - more);
        assert_true(asprintf(&digits, "\"quote\":\"%s\",\"references\"", longer) > 0);
        free(more);
        more = changed(text, "\"references\"", digits);
        refuse(more, "quote: too many bytes", strstr(more, "\"quote\"") - more);
        for (unsigned i = 0; i < EVIDENCE_TEXTS_MAX; i++)
                assert_int_equal(evidence_texts_add(&e.taints, NULL, "x"), 0);
        assert_int_equal(evidence_texts_add(&e.taints, NULL, "x"), -E2BIG);
        assert_int_equal(evidence_texts_add(&e.levels, "x", "y"), 0);
        assert_int_equal(evidence_texts_add(&e.levels, "x", "z"), -EEXIST);
        e.time = (uint64_t) INT64_MAX + 1;
        assert_int_equal(evidence_write(&e, &b), -EINVAL);
}

static void every_part_has_a_key(void **state _unused_) {
        for (EvidencePart part = 0; part < _EVIDENCE_PART_MAX; part++)
                assert_non_null(evidence_part_name(part));
        assert_string_equal(evidence_part_name(EVIDENCE_FIRMWARE_LOG), "firmware-log");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(comes_back_as_it_was),
                TEST(parts_of_every_length),
                TEST(other_layouts_are_the_same_document),
                TEST(mistakes_and_where_they_are),
                TEST(limits),

                TEST(every_part_has_a_key),
        };
        return RUN(tests);
}
