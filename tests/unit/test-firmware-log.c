/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading and replaying the firmware's log. */

#include "lib/base/cleanup.h"
#include "lib/firmware/eventtype.h"
#include "tests/unit/firmware.h"

DEFINE_CLEANUP(FirmwareLog *, firmware_log_free)

static const BankSet two = 1U << HASH_SHA1 | 1U << HASH_SHA256;

static LogResult read_all(FirmwareLog *l) {
        LogResult result;
        FirmwareEvent e;

        while ((result = firmware_log_next(l, &e)) == LOG_ENTRY)
                ;
        assert_int_equal(firmware_log_next(l, &e), result);
        return result;
}

static void expect(const Buffer *log, LogResult result, uint64_t events, const char *why) {
        _cleanup_(firmware_log_freep) FirmwareLog *l = NULL;

        assert_int_equal(firmware_log_new(two, &l), 0);
        firmware_log_more(l, log->data, log->size);
        assert_int_equal(read_all(l), result);
        assert_string_equal(firmware_log_why(l), why);
        assert_int_equal(firmware_log_events(l), events);
}

static void bad(Buffer *log, uint64_t events, const char *why) {
        expect(log, LOG_BAD, events, why);
        buffer_done(log);
}

static void begin(Buffer *log) {
        assert_int_equal(sim_firmware_begin(log, two), 0);
}

static void text(Buffer *log, uint32_t pcr, uint32_t type, const char *s) {
        assert_int_equal(sim_firmware_event(log, two, pcr, type, s, strlen(s), s, strlen(s)), 0);
}

static void events_and_values(void **state _unused_) {
        _cleanup_(firmware_log_freep) FirmwareLog *l = NULL;
        _cleanup_(buffer_done) Buffer log = {};
        uint8_t zero[SHA256_SIZE] = {};
        Digest measured, expected;
        FirmwareEvent e;

        begin(&log);
        text(&log, 4, EV_EFI_ACTION, "hello");
        assert_int_equal(firmware_log_new(two, &l), 0);
        firmware_log_more(l, log.data, log.size);
        assert_int_equal(firmware_log_next(l, &e), LOG_ENTRY);
        assert_int_equal(e.number, 1);
        assert_int_equal(e.pcr, 4);
        assert_int_equal(e.type, EV_EFI_ACTION);
        assert_int_equal(e.digests.banks, two);
        assert_int_equal(e.size, 5);
        assert_memory_equal(e.data, "hello", 5);
        assert_int_equal(firmware_log_next(l, &e), LOG_END);
        assert_int_equal(firmware_log_offset(l), log.size);
        assert_int_equal(firmware_log_extended(l), 1U << 4);
        assert_int_equal(firmware_log_banks(l), two);
        assert_int_equal(firmware_log_locality(l), -1);
        assert_int_equal(firmware_log_gap(l, HASH_SHA1), 0);

        assert_int_equal(digest_data(HASH_SHA256, "hello", 5, &measured), 0);
        assert_int_equal(digest_pair(HASH_SHA256, zero, sizeof(zero), measured.bytes, SHA256_SIZE, &expected), 0);
        assert_memory_equal(firmware_log_values(l)->values[HASH_SHA256][4], expected.bytes, SHA256_SIZE);
        assert_memory_equal(firmware_log_values(l)->values[HASH_SHA256][5], zero, SHA256_SIZE);
}

/* However the bytes arrive, the outcome is the same. */
static void pieces(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        _cleanup_(buffer_done) Buffer log = {};
        Random random = random_new(3);
        PcrInputs whole;

        firmware_make(&f, &log, &whole);
        for (size_t most = 1; most < 3000; most = most * 3 + 1) {
                _cleanup_(firmware_log_freep) FirmwareLog *l = NULL;
                LogResult result = LOG_END;

                assert_int_equal(firmware_log_new(f.banks, &l), 0);
                for (size_t end = 0; end < log.size;) {
                        size_t start = (size_t) firmware_log_offset(l);

                        end += 1 + random_below(&random, most);
                        end = MIN(log.size, end);
                        firmware_log_more(l, log.data + start, end - start);
                        result = read_all(l);
                        assert_true(result == LOG_TRUNCATED || result == LOG_END);
                }
                assert_int_equal(result, LOG_END);
                assert_memory_equal(firmware_log_values(l)->values[HASH_SHA384], whole.files[HASH_SHA384].values,
                                    sizeof(whole.files[HASH_SHA384].values));
        }
}

static void truncated(void **state _unused_) {
        _cleanup_(buffer_done) Buffer log = {};
        size_t first, second;

        begin(&log);
        first = log.size;
        text(&log, 4, EV_EFI_ACTION, "hello");
        second = log.size;
        for (size_t n = 0; n <= second; n++) {
                Buffer cut = { .data = log.data, .size = n };

                if (n < first)
                        expect(&cut, LOG_TRUNCATED, 0, "the log ends inside the Spec ID event");
                else if (n == first || n == second)
                        expect(&cut, LOG_END, n == first ? 1 : 2, "");
                else
                        expect(&cut, LOG_TRUNCATED, 1, "the log ends inside the event");
        }
}

static void bad_beginning(void **state _unused_) {
        static const char other[] = "this is no crypto-agile log: its first event is not the Spec ID event";
        static const char size[] = "the Spec ID event announces a wrong digest size";
        enum { CLASS = 32 + 16, COUNT = CLASS + 8, FIRST = COUNT + 4 };
        static const struct {
                size_t at;
                uint8_t value;
                const char *why;
        } changes[] = {
                { 0, 1, other },
                { 4, 1, other },
                { 8, 1, other },
                { 32, 's', "this is no crypto-agile log: it does not start with \"Spec ID Event03\"" },
                { CLASS + 5, 1, "the Spec ID event does not say version 2.0" },
                { COUNT, 0, "the Spec ID event announces no algorithm or more than 16" },
                { COUNT, 17, "the Spec ID event announces no algorithm or more than 16" },
                { COUNT, 1, "the Spec ID event does not have the size that it says" },
                { FIRST, 0x0b, size },     /* SHA-256 of 20 bytes */
                { FIRST + 2, 32, size },   /* SHA-1 of 32 bytes */
                { FIRST + 2, 0, size },    /* of none */
                { FIRST + 3, 0x10, size }, /* of thousands */
                { FIRST + 8, 1, "the Spec ID event does not have the size that it says" },
                { 31, 0xff, "the Spec ID event does not have the size that it says" }, /* 4 GiB */
        };

        for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
                Buffer log = {};

                begin(&log);
                log.data[changes[i].at] = changes[i].value;
                bad(&log, 0, changes[i].why);
        }
}

static void repeated_algorithm(void **state _unused_) {
        Buffer log = {};

        begin(&log);
        memcpy(log.data + 32 + 16 + 8 + 4 + 4, log.data + 32 + 16 + 8 + 4, 4);
        bad(&log, 0, "the Spec ID event announces an algorithm twice");
}

/* An event written by hand: algorithms with as many bytes as their digests have. */
static void raw(Buffer *log, uint32_t pcr, uint32_t type, const uint16_t *ids, uint32_t n, uint8_t byte,
                uint32_t size) {
        buffer_u32le(log, pcr);
        buffer_u32le(log, type);
        buffer_u32le(log, n);
        for (uint32_t i = 0; i < n; i++) {
                HashAlg alg = hash_from_tpm_id(ids[i]);

                buffer_u16le(log, ids[i]);
                for (size_t k = 0; k < (alg < 0 ? SHA256_SIZE : hash_size(alg)); k++)
                        buffer_u8(log, byte);
        }
        buffer_u32le(log, size);
}

static void bad_events(void **state _unused_) {
        static const uint16_t both[] = { 4, 11, 4 }, twice[] = { 11, 11 }, strange[] = { 0x12 };
        static const struct {
                uint32_t pcr, type;
                const uint16_t *ids;
                uint32_t n, size;
                const char *why;
        } events[] = {
                { 24, EV_SEPARATOR, both, 2, 0, "the event is of a PCR that does not exist" },
                { UINT32_MAX, EV_SEPARATOR, both, 2, 0, "the event is of a PCR that does not exist" },
                { 24, EV_NO_ACTION, both, 2, 0, "the event is of a PCR that does not exist" },
                { 0, 0, both, 0, 0, "the event has no digest" },
                { 0, EV_SEPARATOR, both, 3, 0, "the event has more digests than algorithms were announced" },
                { 0, EV_SEPARATOR, twice, 2, 0, "the event has two digests of the same algorithm" },
                { 0, EV_SEPARATOR, strange, 1, 0, "the event has a digest of an algorithm that was not announced" },
                { 0, EV_NO_ACTION, both, 1, 0, "the event extends nothing, yet it has a digest" },
                { 0, EV_SEPARATOR, both, 2, UINT32_MAX, "the event is larger than 4 MiB" },
        };

        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                Buffer log = {};

                begin(&log);
                raw(&log, events[i].pcr, events[i].type, events[i].ids, events[i].n, 7, events[i].size);
                bad(&log, 1, events[i].why);
        }
}

static void zeros_behind_the_log(void **state _unused_) {
        SimFirmware f = sim_firmware_default();

        f.banks = two;
        for (size_t n = 1; n < 80; n++) {
                _cleanup_(firmware_log_freep) FirmwareLog *l = NULL;
                _cleanup_(buffer_done) Buffer log = {};
                LogResult result;

                assert_int_equal(sim_firmware_log(&f, &log), 0);
                for (size_t i = 0; i < n; i++)
                        buffer_u8(&log, 0);
                assert_int_equal(firmware_log_new(two, &l), 0);
                firmware_log_more(l, log.data, log.size);
                result = read_all(l);
                assert_true(result == LOG_BAD || result == LOG_TRUNCATED);
        }
}

static void locality(void **state _unused_) {
        static const int known[] = { 0, 3, 4 };
        uint8_t data[18] = "StartupLocality";

        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                SimFirmware f = sim_firmware_default();
                _cleanup_(firmware_log_freep) FirmwareLog *l = NULL;
                _cleanup_(buffer_done) Buffer log = {};

                begin(&log);
                data[16] = (uint8_t) known[i];
                sim_firmware_no_action(&log, f.banks = two, data, 17);
                assert_int_equal(firmware_log_new(two, &l), 0);
                firmware_log_more(l, log.data, log.size);
                assert_int_equal(read_all(l), LOG_END);
                assert_int_equal(firmware_log_locality(l), known[i]);
                assert_int_equal(firmware_log_values(l)->values[HASH_SHA256][0][31], known[i]);
                assert_int_equal(firmware_log_values(l)->values[HASH_SHA256][0][30], 0);
                assert_int_equal(firmware_log_values(l)->values[HASH_SHA256][1][31], 0);
                assert_int_equal(firmware_log_extended(l), 0);
        }
}

static void bad_locality(void **state _unused_) {
        static const char late[] = "the StartupLocality event comes twice or after PCR 0 was extended";
        uint8_t data[18] = "StartupLocality\0\3";
        Buffer log = {};

        begin(&log);
        sim_firmware_no_action(&log, two, data, 17);
        sim_firmware_no_action(&log, two, data, 17);
        bad(&log, 2, late);
        begin(&log);
        text(&log, 0, EV_S_CRTM_VERSION, "1");
        sim_firmware_no_action(&log, two, data, 17);
        bad(&log, 2, late);
        begin(&log);
        sim_firmware_no_action(&log, two, data, 18);
        bad(&log, 1, "the StartupLocality event is not of PCR 0 or has a wrong size");
        begin(&log);
        data[16] = 2;
        sim_firmware_no_action(&log, two, data, 17);
        bad(&log, 1, "a TPM is not started from this locality (0, 3, or 4 for an H-CRTM)");
        begin(&log);
        sim_firmware_no_action(&log, two, "Spec ID Event03", 16);
        bad(&log, 1, "there is a second Spec ID event");
}

/* An event that extends some banks only: the others cannot be replayed, and that is known. */
static void gaps(void **state _unused_) {
        _cleanup_(firmware_log_freep) FirmwareLog *l = NULL;
        _cleanup_(buffer_done) Buffer log = {};

        begin(&log);
        text(&log, 4, EV_EFI_ACTION, "hello");
        raw(&log, 4, EV_SEPARATOR, (const uint16_t[]){ 4 }, 1, 7, 0);
        raw(&log, 4, EV_SEPARATOR, (const uint16_t[]){ 4 }, 1, 7, 0);
        assert_int_equal(firmware_log_new(two, &l), 0);
        firmware_log_more(l, log.data, log.size);
        assert_int_equal(read_all(l), LOG_END);
        assert_int_equal(firmware_log_gap(l, HASH_SHA1), 0);
        assert_int_equal(firmware_log_gap(l, HASH_SHA256), 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(events_and_values),
                TEST(pieces),
                TEST(truncated),
                TEST(bad_beginning),
                TEST(bad_events),
                TEST(repeated_algorithm),
                TEST(locality),
                TEST(bad_locality),
                TEST(zeros_behind_the_log),
                TEST(gaps),
        };

        return RUN(tests);
}
