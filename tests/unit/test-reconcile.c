/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a daemon finds that died at any step, and whatever somebody else can do to its files and registers. */

#include "core/reconcile.h"
#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/pending.h"
#include "tests/sample.h"
#include "tests/test.h"

enum { BANKS = 1U << HASH_SHA1 | 1U << HASH_SHA256, MEASUREMENT = 13, CAP = 12 };

/* Files and registers, and how a daemon writes them. */
typedef struct Scene {
        PcrValues pcrs;
        Buffer log, pending;
        uint64_t promised; /* entries */
        Findings f;
        Reconciliation found;
} Scene;

static void scene_new(Scene *s) {
        *s = (Scene){ .pcrs.banks = BANKS };
        memset(s->pcrs.values[HASH_SHA256][7], 7, SHA256_SIZE);
        s->f = (Findings){ .life = "3-abc",
                           .reset_count = 3,
                           .restart_count = 1,
                           .pcrs = &s->pcrs,
                           .measurement_pcr = MEASUREMENT,
                           .cap_pcr = CAP };
}

static void scene_done(Scene *s) {
        buffer_done(&s->log);
        buffer_done(&s->pending);
}

static void extend(Scene *s, unsigned pcr, const BankDigests *digest) {
        BankDigests value = pcr_values_get(&s->pcrs, pcr);

        REQUIRE(bank_digests_extend(&value, digest) == 0);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memcpy(s->pcrs.values[alg][pcr], value.values[alg], DIGEST_MAX);
}

static void cap(Scene *s) {
        BankDigests digest;

        REQUIRE(bank_digests_hash(BANKS, CAP_EVENT, strlen(CAP_EVENT), &digest) == 0);
        extend(s, CAP, &digest);
}

static void promise(Scene *s, const Buffer *record, bool known) {
        REQUIRE(pending_put_entry(&s->pending, s->promised++, known ? PENDING_KNOWN : 0, record->data, record->size) ==
                0);
}

static void announce(Scene *s, const Buffer *record, uint64_t upto) {
        REQUIRE(pending_put_commit(&s->pending, upto, s->log.size, (uint32_t) record->size) == 0);
}

static void extend_record(Scene *s, const Buffer *record) {
        Reader r = reader_new(record->data, record->size);
        BankDigests digest;
        RecordView view;
        const char *why;

        REQUIRE(record_parse(&r, &view, &why) == RECORD_OK);
        REQUIRE(record_extend_value(&view, BANKS, &digest) == 0);
        extend(s, MEASUREMENT, &digest);
}

static void boot_record(const Scene *s, Buffer *ret) {
        const SampleLife life = { .life = s->f.life,
                                  .reset = s->f.reset_count,
                                  .restart = s->f.restart_count,
                                  .measurement = MEASUREMENT,
                                  .cap = CAP,
                                  .pcrs = &s->pcrs };
        EventBuilder e = sample_boot(&life);

        sample_put(ret, MEASUREMENT, &e);
}

static void event_record(Kind kind, Buffer *ret) {
        EventBuilder e = sample_event(kind, "x", 1, true);

        sample_put(ret, MEASUREMENT, &e);
}

/* The whole way of one record. */
static void record(Scene *s, Buffer *bytes) {
        promise(s, bytes, false);
        announce(s, bytes, s->promised - 1);
        buffer_bytes(&s->log, bytes->data, bytes->size);
        extend_record(s, bytes);
        buffer_done(bytes);
        *bytes = (Buffer){};
}

static void record_kind(Scene *s, Kind kind) {
        Buffer b = {};

        if (kind == KIND_BOOT)
                boot_record(s, &b);
        else
                event_record(kind, &b);
        record(s, &b);
}

/* A machine that has recorded something. */
static void scene_used(Scene *s) {
        scene_new(s);
        record_kind(s, KIND_BOOT);
        record_kind(s, KIND_START);
        record_kind(s, KIND_POLICY);
        s->f.had_log = true;
        s->f.watermark = 2;
}

static void look(Scene *s, bool has_log) {
        s->f.log = has_log ? (s->log.data ?: (const uint8_t *) "") : NULL;
        s->f.log_size = has_log ? s->log.size : 0;
        s->f.pending = s->pending.data;
        s->f.pending_size = s->pending.size;
        assert_int_equal(reconcile(&s->f, &s->found), 0);
}

static void expect(Scene *s, ReconcileVerdict verdict, const char *what) {
        look(s, true);
        assert_string_equal(s->found.what, what);
        assert_int_equal(s->found.verdict, verdict);
        assert_true(strlen(s->found.detail) > 10);
        assert_int_equal(reconcile_watermark(&s->found),
                         verdict == RECONCILE_TAMPERED ? UINT64_MAX : s->found.records);
}

static void a_fresh_machine(void **state _unused_) {
        Scene s;

        scene_new(&s);
        look(&s, false);
        assert_int_equal(s.found.verdict, RECONCILE_FRESH);
        assert_true(s.found.new_log && s.found.cap_is_open && !s.found.cap_recorded);
        assert_true(reconcile_begins(&s.found) && reconcile_opens(&s.found) && !reconcile_caps(&s.found));
        expect(&s, RECONCILE_FRESH, "fresh"); /* the same with an empty log */
        s.f.had_log = true;                   /* the life file is written before the first record */
        expect(&s, RECONCILE_FRESH, "fresh");
        s.pcrs.values[HASH_SHA256][MEASUREMENT][0] = 1;
        s.f.had_log = false;
        expect(&s, RECONCILE_REFUSED, "register-in-use");
        scene_done(&s);
}

/* Any bank will do. */
static void a_register_that_is_not_zero_in_one_bank(void **state _unused_) {
        Scene s;

        scene_new(&s);
        s.pcrs.values[HASH_SHA1][MEASUREMENT][19] = 1;
        expect(&s, RECONCILE_REFUSED, "register-in-use");
        scene_done(&s);
}

static void a_log_that_goes_on(void **state _unused_) {
        Scene s;

        scene_used(&s);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_int_equal(s.found.records, 3);
        assert_int_equal(s.found.entries, 3);
        assert_int_equal(s.found.promised, 3);
        assert_int_equal(s.found.keep, s.log.size);
        assert_int_equal(s.found.owed_size, 0);
        assert_int_equal(s.found.torn, 0);
        assert_true(s.found.cap_is_open && !s.found.cap_is_set && !s.found.cap_recorded);
        assert_true(!reconcile_begins(&s.found) && reconcile_opens(&s.found));
        assert_int_equal(s.found.boot_bank, HASH_SHA256);
        assert_memory_equal(s.found.boot_values[7], s.pcrs.values[HASH_SHA256][7], SHA256_SIZE);
        assert_int_equal(s.found.boot_pcrs, 0xffff);
        scene_done(&s);
}

/* Dies in the middle of a write: with every number of its bytes. */
static void dies_while(Scene *s, Buffer *file, const Buffer *bytes, uint64_t promised, bool owed) {
        const size_t start = file->size;

        for (size_t n = 0; n < bytes->size; n++) {
                buffer_bytes(file, bytes->data, n);
                expect(s, RECONCILE_CONTINUE, s->log.size > 0 || s->pending.size > 0 ? "continue" : "fresh");
                assert_int_equal(s->found.promised, promised);
                assert_int_equal(s->found.owed_size > 0, owed);
                file->size = start;
        }
}

static void a_crash_at_every_step(void **state _unused_) {
        static const Kind kinds[] = { KIND_START, KIND_POLICY, KIND_LOST, KIND_STATE };
        Scene s;

        scene_new(&s);
        record_kind(&s, KIND_BOOT);
        s.f.had_log = true;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                _cleanup_(buffer_done) Buffer bytes = {}, item = {};
                size_t before = s.log.size;
                BankDigests value;

                event_record(kinds[i], &bytes);
                REQUIRE(pending_put_entry(&item, s.promised, 0, bytes.data, bytes.size) == 0);
                dies_while(&s, &s.pending, &item, 1 + i, false);
                promise(&s, &bytes, false);
                item.size = 0;
                REQUIRE(pending_put_commit(&item, 1 + i, s.log.size, (uint32_t) bytes.size) == 0);
                dies_while(&s, &s.pending, &item, 2 + i, false);
                announce(&s, &bytes, 1 + i);
                dies_while(&s, &s.log, &bytes, 2 + i, false);
                assert_int_equal(s.found.keep, before);
                buffer_bytes(&s.log, bytes.data, bytes.size);
                expect(&s, RECONCILE_CONTINUE, "continue"); /* committed, not extended: owed */
                assert_int_equal(s.found.owed_offset, before);
                assert_int_equal(s.found.owed_size, bytes.size);
                assert_int_equal(s.found.entries, 2 + i);
                extend(&s, MEASUREMENT, &s.found.owed); /* that is what is owed */
                expect(&s, RECONCILE_CONTINUE, "continue");
                assert_int_equal(s.found.owed_size, 0);
                value = pcr_values_get(&s.pcrs, MEASUREMENT);
                assert_true(bank_digests_equal(&s.found.value, &value));
                if (i % 2 == 0)
                        s.pending.size = 0; /* idle */
                s.f.watermark = 2 + i;
        }
        scene_done(&s);
}

/* Before the first commit there is a log only in promises. */
static void promises_before_the_first_commit(void **state _unused_) {
        Buffer boot = {}, stop = {};
        Scene s;

        scene_new(&s);
        boot_record(&s, &boot);
        event_record(KIND_CAP, &stop);
        s.f.had_log = true;
        promise(&s, &boot, false);
        promise(&s, &stop, false);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_int_equal(s.found.entries, 0);
        assert_int_equal(s.found.promised, 2);
        assert_true(s.found.cap_recorded && s.found.cap_is_open && !reconcile_opens(&s.found));
        assert_int_equal(s.found.boot_pcrs, 0xffff);
        s.f.reset_count++;
        expect(&s, RECONCILE_TAMPERED, "tpm-reset");
        s.f.reset_count--;
        s.f.restart_count++;
        expect(&s, RECONCILE_TAMPERED, "tpm-restart");
        s.f.restart_count--;
        s.f.watermark = 1;
        expect(&s, RECONCILE_TAMPERED, "register-went-back");
        s.f.watermark = 0;
        s.pcrs.values[HASH_SHA1][MEASUREMENT][0] = 1;
        expect(&s, RECONCILE_TAMPERED, "foreign-extend");
        assert_true(s.found.new_log);
        assert_int_equal(s.found.promised, 0);
        scene_done(&s);
        scene_new(&s);
        promise(&s, &stop, false);
        expect(&s, RECONCILE_TAMPERED, "pending-bad"); /* no boot record first */
        buffer_done(&boot);
        buffer_done(&stop);
        scene_done(&s);
}

static void promises_with_a_hole(void **state _unused_) {
        Buffer bytes = {};
        Scene s;

        scene_used(&s);
        event_record(KIND_LOST, &bytes);
        promise(&s, &bytes, false);
        promise(&s, &bytes, false);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_int_equal(s.found.promised, 5);
        s.promised++;
        promise(&s, &bytes, false);
        expect(&s, RECONCILE_TAMPERED, "pending-missing");
        assert_int_equal(s.found.promised, 0);
        assert_false(s.found.new_log); /* the log itself is as it was */
        assert_int_equal(s.found.keep, s.log.size);
        buffer_done(&bytes);
        scene_done(&s);
}

static void a_promise_that_no_log_can_hold(void **state _unused_) {
        Buffer bytes = {};
        Scene s;

        scene_used(&s);
        boot_record(&s, &bytes); /* a second one */
        promise(&s, &bytes, false);
        expect(&s, RECONCILE_TAMPERED, "pending-bad");
        buffer_done(&bytes);
        scene_done(&s);
}

/* A violation record and the one that binds it come in this order; the daemon may die in between. */
static void a_violation_without_its_binding(void **state _unused_) {
        Buffer pair = {}, violation = {}, binding = {};
        Scene s;
        Reader r;
        RecordView view;
        const char *why;

        sample_put_pair(&pair, MEASUREMENT, "/written");
        r = reader_new(pair.data, pair.size);
        REQUIRE(record_parse(&r, &view, &why) == RECORD_OK);
        buffer_bytes(&violation, pair.data, r.pos);
        buffer_bytes(&binding, pair.data + r.pos, pair.size - r.pos);

        scene_used(&s);
        promise(&s, &violation, false);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_int_equal(s.found.promised, 3); /* nobody was answered because of it */
        assert_true(s.found.torn > violation.size);
        promise(&s, &binding, false);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_int_equal(s.found.promised, 5);
        announce(&s, &violation, 3);
        buffer_bytes(&s.log, violation.data, violation.size);
        extend_record(&s, &violation);
        expect(&s, RECONCILE_CONTINUE, "continue"); /* bound by what is promised */
        assert_int_equal(s.found.entries, 4);
        s.pending.size = 0;
        expect(&s, RECONCILE_TAMPERED, "pending-bad"); /* by nothing: the log cannot go on behind it */
        assert_int_equal(s.found.entries, 3);
        assert_int_equal(s.found.keep, s.log.size - violation.size);
        buffer_done(&pair);
        buffer_done(&violation);
        buffer_done(&binding);
        scene_done(&s);
}

static void another_tpm_life(void **state _unused_) {
        Scene s;

        scene_used(&s);
        s.f.reset_count++;
        expect(&s, RECONCILE_TAMPERED, "tpm-reset");
        assert_true(s.found.new_log && reconcile_begins(&s.found) && reconcile_caps(&s.found));
        assert_false(reconcile_opens(&s.found));
        s.f.reset_count--;
        s.f.life = "3-def";
        expect(&s, RECONCILE_TAMPERED, "tpm-reset");
        s.f.life = "3-abc";
        s.f.restart_count++; /* resumed */
        expect(&s, RECONCILE_TAMPERED, "tpm-restart");
        assert_false(s.found.new_log);
        scene_done(&s);
}

static void other_registers_configured(void **state _unused_) {
        Scene s;

        scene_used(&s);
        s.f.cap_pcr = 8;
        expect(&s, RECONCILE_REFUSED, "registers-changed");
        s.f.cap_pcr = CAP;
        s.f.measurement_pcr = 9;
        expect(&s, RECONCILE_REFUSED, "registers-changed");
        scene_done(&s);
}

/* At every byte, with nothing announced. */
static void a_cut_log(void **state _unused_) {
        Scene s;
        size_t whole;

        scene_used(&s);
        whole = s.log.size;
        s.pending.size = 0;
        for (s.log.size = 0; s.log.size < whole; s.log.size++) {
                look(&s, true);
                assert_int_equal(s.found.verdict, RECONCILE_TAMPERED);
                assert_true(s.found.keep <= s.log.size);
        }
        expect(&s, RECONCILE_CONTINUE, "continue");
        look(&s, false);
        assert_string_equal(s.found.what, "log-missing");
        s.f.watermark = 0; /* the register alone tells as well */
        look(&s, false);
        assert_string_equal(s.found.what, "log-missing");
        assert_true(s.found.new_log && reconcile_caps(&s.found));
        scene_done(&s);
}

static void every_byte_of_the_log_counts(void **state _unused_) {
        Scene s;

        scene_used(&s);
        for (size_t i = 0; i < s.log.size; i++) {
                s.log.data[i] ^= 1;
                look(&s, true);
                assert_true(s.found.verdict == RECONCILE_TAMPERED || s.found.verdict == RECONCILE_REFUSED);
                s.log.data[i] ^= 1;
        }
        scene_done(&s);
}

static void what_others_extend(void **state _unused_) {
        const BankDigests noise = bank_digests_violation(BANKS);
        Scene s;

        scene_used(&s);
        extend(&s, MEASUREMENT, &noise);
        expect(&s, RECONCILE_TAMPERED, "foreign-extend");
        assert_int_equal(s.found.keep, s.log.size);
        scene_done(&s);
        scene_used(&s);
        s.pcrs.values[HASH_SHA1][MEASUREMENT][3] ^= 1; /* in one bank */
        expect(&s, RECONCILE_TAMPERED, "foreign-extend");
        scene_done(&s);
        scene_used(&s);
        extend(&s, CAP, &noise);
        expect(&s, RECONCILE_TAMPERED, "foreign-cap");
        assert_true(reconcile_caps(&s.found));
        scene_done(&s);
        scene_used(&s);
        cap(&s); /* ours, but nobody recorded it */
        expect(&s, RECONCILE_TAMPERED, "foreign-cap");
        scene_done(&s);
}

static void the_cap(void **state _unused_) {
        Scene s;

        scene_used(&s);
        record_kind(&s, KIND_CAP);
        expect(&s, RECONCILE_CONTINUE, "continue"); /* recorded and not set: set before anything else */
        assert_true(reconcile_caps(&s.found) && !reconcile_opens(&s.found));
        cap(&s);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_true(s.found.cap_is_set && !reconcile_caps(&s.found) && !reconcile_opens(&s.found));
        cap(&s);
        expect(&s, RECONCILE_TAMPERED, "foreign-cap"); /* once is ours */
        scene_done(&s);
}

static void records_that_nobody_announced(void **state _unused_) {
        Buffer bytes = {};
        Scene s;

        scene_used(&s);
        event_record(KIND_LOST, &bytes);
        buffer_bytes(&s.log, bytes.data, bytes.size);
        expect(&s, RECONCILE_TAMPERED, "log-forged");
        buffer_bytes(&s.log, bytes.data, bytes.size); /* nor more than one that was */
        announce(&s, &bytes, 4);
        expect(&s, RECONCILE_TAMPERED, "log-forged");
        assert_int_equal(s.found.owed_size, 0);
        buffer_done(&bytes);
        scene_done(&s);
}

/* Whatever else is wrong: what was announced is extended, so that the log goes on. */
static void what_is_owed_is_owed(void **state _unused_) {
        Buffer bytes = {};
        Scene s;

        scene_used(&s);
        event_record(KIND_LOST, &bytes);
        promise(&s, &bytes, false);
        announce(&s, &bytes, 3);
        buffer_bytes(&s.log, bytes.data, bytes.size);
        s.f.restart_count++;
        expect(&s, RECONCILE_TAMPERED, "tpm-restart");
        assert_int_equal(s.found.owed_size, bytes.size);
        s.f.watermark = UINT64_MAX; /* a violation that is in no register yet is not forgotten */
        s.f.restart_count--;
        expect(&s, RECONCILE_TAMPERED, "register-went-back");
        assert_int_equal(s.found.owed_size, bytes.size);
        buffer_done(&bytes);
        scene_done(&s);
}

static void batches_count_their_entries(void **state _unused_) {
        Buffer inside = {}, batch = {};
        Scene s;

        scene_used(&s);
        for (unsigned i = 0; i < 5; i++) {
                Buffer one = {};
                char path[16];

                snprintf(path, sizeof(path), "/f%u", i);
                sample_put_file(&one, MEASUREMENT, path);
                promise(&s, &one, true);
                buffer_bytes(&inside, one.data, one.size);
                buffer_done(&one);
        }
        REQUIRE(batch_put(&batch, MEASUREMENT, inside.data, inside.size) == 0);
        announce(&s, &batch, s.promised - 1);
        buffer_bytes(&s.log, batch.data, batch.size);
        expect(&s, RECONCILE_CONTINUE, "continue");
        assert_int_equal(s.found.records, 4);
        assert_int_equal(s.found.entries, 8);
        assert_int_equal(s.found.promised, 8);
        assert_int_equal(s.found.owed_size, batch.size);
        buffer_done(&inside);
        buffer_done(&batch);
        scene_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_fresh_machine),
                TEST(a_register_that_is_not_zero_in_one_bank),
                TEST(a_log_that_goes_on),
                TEST(a_crash_at_every_step),
                TEST(promises_before_the_first_commit),
                TEST(promises_with_a_hole),
                TEST(a_promise_that_no_log_can_hold),
                TEST(a_violation_without_its_binding),
                TEST(another_tpm_life),
                TEST(other_registers_configured),
                TEST(a_cut_log),
                TEST(every_byte_of_the_log_counts),
                TEST(what_others_extend),
                TEST(the_cap),
                TEST(records_that_nobody_announced),
                TEST(what_is_owed_is_owed),
                TEST(batches_count_their_entries),
        };

        return RUN(tests);
}
