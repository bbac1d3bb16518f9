/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-log-flip one|all: every byte of simulated boot logs, changed by one bit or to every other value, with the registers as
 * they were. A change is refused, or the byte is one that no digest covers, and a check says that there are such bytes. */

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/firmware/eventtype.h"
#include "lib/ima/appraise.h"
#include "lib/sim/ima.h"
#include "tests/unit/firmware.h"

typedef struct Case Case;

/* A log, what to compare it with, and which bytes no digest covers. */
struct Case {
        Buffer log;
        PcrInputs pcrs;
        bool *uncovered;
        int (*appraise)(const Case *c, CheckList *checks);
};

static bool all_values;

static void case_done(Case *c) {
        buffer_done(&c->log);
        free(c->uncovered);
}

static CheckList judge(const Case *c) {
        CheckList checks = {};

        assert_int_equal(c->appraise(c, &checks), 0);
        return checks;
}

static void try_byte(Case *c, size_t at, uint8_t value, const char *named) {
        uint8_t before = c->log.data[at];
        _cleanup_(check_list_done) CheckList checks = {};
        const Check *replay;

        c->log.data[at] = value;
        checks = judge(c);
        c->log.data[at] = before;
        if (check_list_verdict(&checks) == CHECK_FAIL)
                return;
        replay = check_list_find(&checks, "log-replay");
        if (strstr(replay->detail, "extended by others, or not compared: 1"))
                return; /* all events of an OS register are gone in another one's data, which is named */
        if (!c->uncovered[at])
                fail_msg("accepted: %02x at byte %zu of %zu", value, at, c->log.size);
        assert_non_null(check_list_find(&checks, named));
}

/* Returns how many bytes no digest covers. */
static size_t try_all(Case *c, const char *named) {
        _cleanup_(check_list_done) CheckList checks = judge(c);
        size_t uncovered = 0;

        assert_int_equal(check_list_verdict(&checks), CHECK_PASS);
        for (size_t at = 0; at < c->log.size; at++) {
                uncovered += c->uncovered[at];
                for (unsigned value = 0; value < 256; value++)
                        if (all_values ? value != c->log.data[at] : value == (c->log.data[at] ^ (1U << at % 8)))
                                try_byte(c, at, (uint8_t) value, named);
        }
        return uncovered;
}

static void uncover(Case *c, size_t start, size_t n) {
        for (size_t i = 0; i < n; i++)
                c->uncovered[start + i] = true;
}

static int appraise_firmware(const Case *c, CheckList *checks) {
        const FirmwareRequirements none = {};

        return firmware_appraise(&none, &c->pcrs, c->log.data, c->log.size, checks);
}

/* The first event's class, errata and word size; of every other its type, and its data where they need not be what was
 * measured. */
static void uncover_firmware(Case *c) {
        FirmwareLog *l;
        FirmwareEvent e;
        size_t start;

        uncover(c, 32 + 16, 4);
        uncover(c, 32 + 16 + 4 + 2, 2);
        assert_int_equal(firmware_log_new(0, &l), 0);
        firmware_log_more(l, c->log.data, c->log.size);
        for (start = 0; firmware_log_next(l, &e) == LOG_ENTRY; start = (size_t) firmware_log_offset(l)) {
                size_t data = (size_t) (e.data - c->log.data);
                EventBinding b;

                start = e.number == 1 ? 32 + 16 + 12 + 4 * (size_t) __builtin_popcount(e.digests.banks) + 1 : start;
                assert_int_equal(event_bind(&e, &b), 0);
                uncover(c, start + 4, 4);
                for (size_t i = 0; i < e.size && e.type != EV_NO_ACTION; i++)
                        c->uncovered[data + i] = !event_type(e.type)->bound || b.binding != BINDING_BOUND ||
                                                 e.data + i < b.data || e.data + i >= b.data + b.size;
        }
        firmware_log_free(l);
}

static void firmware(void **state _unused_) {
        for (SimBoot boot = 0; boot < _SIM_BOOT_MAX; boot++)
                for (BankSet banks = bank(HASH_SHA256); banks < 8; banks <<= 1) {
                        SimFirmware f = sim_firmware_default();
                        _cleanup_(case_done) Case c = { .appraise = appraise_firmware };
                        size_t uncovered;

                        f.boot = boot;
                        f.banks = banks;
                        f.locality = 3;
                        firmware_make(&f, &c.log, &c.pcrs);
                        c.uncovered = new0(bool, c.log.size);
                        uncover_firmware(&c);
                        uncovered = try_all(&c, "event-data");
                        assert_true(uncovered > 0 && uncovered < c.log.size / 2);
                }
}

static int appraise_list(const Case *c, CheckList *checks) {
        const ImaRequirements defaults = ima_requirements_default();

        return ima_appraise(&defaults, &c->pcrs, c->log.data, c->log.size, checks);
}

static void replay_list(Case *c) {
        ImaList *l;
        ImaEntry e;

        assert_int_equal(ima_list_new(bank(HASH_SHA256), false, &l), 0);
        ima_list_more(l, c->log.data, c->log.size);
        while (ima_list_next(l, &e) == LOG_ENTRY)
                ;
        c->pcrs.banks = bank(HASH_SHA256);
        c->pcrs.files[HASH_SHA256].present = 0xffffff;
        memcpy(c->pcrs.files[HASH_SHA256].values, ima_list_values(l)->values[HASH_SHA256],
               sizeof(c->pcrs.files[HASH_SHA256].values));
        ima_list_free(l);
}

/* The names of templates, and what violations say. */
static void uncover_list(Case *c) {
        Reader r = reader_new(c->log.data, c->log.size);
        const char *why;
        ImaEntry e;

        for (size_t start = 0; ima_entry_parse(&r, HASH_SHA1, &e, &why) == LOG_ENTRY; start = r.pos) {
                size_t name = start + 4 + SHA1_SIZE + 4, data = (size_t) (e.data - c->log.data);

                uncover(c, name, data - name - (e.template.legacy ? 0 : 4));
                if (e.violation)
                        uncover(c, data, e.data_size);
        }
}

/* In text: the third word of a line, and all behind the second one where that is a violation. */
static void uncover_text(Case *c) {
        const char *text = (const char *) c->log.data;
        bool violation = false;

        for (size_t i = 0, word = 0, start = 0; i < c->log.size; i++) {
                if (text[i] == '\n') {
                        word = 0;
                        start = i + 1;
                        continue;
                }
                if (text[i] == ' ' && i > start)
                        word++;
                if (word == 1 && text[i] == ' ')
                        violation = startswith(text + i + 1, "0000000000000000000000000000000000000000");
                c->uncovered[i] = text[i] != ' ' && (word == 2 || (word > 2 && violation));
        }
}

static void list(bool is_text) {
        SimIma s = { .digests = HASH_SHA1, .pcr = 10, .entries = 22, .violate_every = 9 };
        _cleanup_(case_done) Case c = { .appraise = appraise_list };
        _cleanup_(buffer_done) Buffer binary = {};
        size_t uncovered;

        assert_int_equal(sim_ima_list(&s, &binary), 0);
        if (is_text)
                assert_int_equal(sim_ima_text(&binary, HASH_SHA1, &c.log), 0);
        else
                c.log = TAKE_STRUCT(binary);
        c.uncovered = new0(bool, c.log.size);
        replay_list(&c);
        (is_text ? uncover_text : uncover_list)(&c);
        uncovered = try_all(&c, "violations");
        assert_true(uncovered > 0 && uncovered < c.log.size / 3);
}

static void binary_list(void **state _unused_) {
        list(false);
}

static void text_list(void **state _unused_) {
        list(true);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = { TEST(firmware), TEST(binary_list), TEST(text_list) };

        if (argc != 2)
                return 1;
        all_values = streq(argv[1], "all");
        return RUN(tests);
}
