/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "tests/evidence-case.h"
#include "tests/sample.h"
#include "tests/test.h"

static SimPki pki;
static Buffer log_of_ours;
static uint64_t log_records, log_entries;

DEFINE_CLEANUP(LogReader *, log_reader_free)

static int open_all(void **state _unused_) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        BankDigests value;
        LogEntry entry;

        sample_log(&log_of_ours, 13, 40, 1, bank(HASH_SHA256), &value);
        sample_put_file(&log_of_ours, 13, "/bin/last");
        assert_int_equal(log_reader_new(log_of_ours.data, log_of_ours.size, 0, &reader), 0);
        while (log_reader_next(reader, &entry) == LOG_ENTRY)
                ;
        log_records = log_reader_records(reader);
        log_entries = log_reader_entries(reader);
        return sim_pki_new(&pki);
}

static int close_all(void **state _unused_) {
        sim_pki_done(&pki);
        buffer_done(&log_of_ours);
        return 0;
}

static EvidenceCase new_case(EvidenceProvider provider) {
        EvidenceCase c;

        evidence_case_new(&c, &pki, provider, log_of_ours.data, log_of_ours.size);
        return c;
}

static void genuine_evidence_passes(void **state _unused_) {
        for (EvidenceProvider p = EVIDENCE_PROVIDER_CONFIGFS; p < _EVIDENCE_PROVIDER_MAX; p++)
                for (int svsm = 0; svsm <= (p == EVIDENCE_PROVIDER_CONFIGFS); svsm++) {
                        _cleanup_(evidence_case_done) EvidenceCase c = new_case(p);
                        _cleanup_(check_list_done) CheckList checks = {};
                        EvidenceFindings found;

                        c.svsm = svsm;
                        evidence_case_seal(&c);
                        evidence_case_appraise(&c, &checks, &found);
                        assert_list_fails(&checks, "");
                        assert_int_equal(found.entries, log_entries);
                        assert_int_equal(found.base.records, log_records);
                        assert_int_equal(found.base.entries, log_entries);
                        assert_int_equal(found.quote.resets, 7);
                        assert_non_null(found.report);
                        assert_true(check_list_passed(&checks, "event-log-replay"));
                        assert_true(check_list_passed(&checks, "ima-list-replay"));
                        assert_true(check_list_passed(&checks, "firmware-log-replay"));
                        assert_true(check_list_passed(&checks, "ak-binding"));
                }
}

static void simulated_evidence_is_refused_unless_allowed(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SIMULATOR);

        evidence_case_seal(&c);
        c.allow_simulated = false;
        evidence_case_fails(&c, "root hardware taints");
        c.evidence.provider = EVIDENCE_PROVIDER_SEV_GUEST;
        evidence_case_fails(&c, "root taints");
}

static void without_hardware(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_NONE);

        evidence_case_seal(&c);
        evidence_case_fails(&c, "hardware");
}

/* What is wrong before the guest signs: everything after it is genuine. */
static void debug_bit(EvidenceCase *c) {
        c->snp.report.policy[2] |= 1 << (SNP_POLICY_DEBUG - 16);
}
static void old_tcb(EvidenceCase *c) {
        c->snp.report.reported_tcb[7]--;
}
static void other_chip(EvidenceCase *c) {
        c->snp.report.chip_id[0] ^= 1;
}
static void low_privilege(EvidenceCase *c) {
        c->snp.report.vmpl[0] = 2;
}
static void other_signer(EvidenceCase *c) {
        c->snp.keep_signature = true;
}
static void expired_vek(EvidenceCase *c) {
        c->snp.vek.not_after = c->snp.at - 1;
}
static void revoked_ask(EvidenceCase *c) {
        c->snp.has_crl = true;
        c->snp.crl.serials[c->snp.crl.n_serials++] = c->snp.intermediate.serial;
}
static void stale_nonce(EvidenceCase *c) {
        c->asked[0] ^= 1;
}
static void weak_key(EvidenceCase *c) {
        sim_key_done(&c->ak);
        assert_int_equal(
                sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES & ~TPM_ATTRIBUTE_RESTRICTED, &c->ak),
                0);
}
static void unpinned_key(EvidenceCase *c) {
        c->tpm.ak_names = strdup("000baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}
static void origin_required(EvidenceCase *c) {
        c->tpm.require_ak_origin = true;
}
static void cut_log(EvidenceCase *c) {
        c->log.size -= 1;
}
static void record_left_out(EvidenceCase *c) {
        for (size_t n = c->log.size - 1; n > 0; n--) {
                Reader r = reader_new(c->log.data + n, c->log.size - n);
                RecordView view;
                const char *why;

                if (record_parse(&r, &view, &why) == RECORD_OK && reader_done(&r)) {
                        c->log.size = n;
                        return;
                }
        }
        fail();
}
static void foreign_extend(EvidenceCase *c) {
        c->pcrs.files[HASH_SHA256].values[13][0] ^= 1;
}
static void no_log(EvidenceCase *c) {
        c->log.size = 0;
}
static void no_list(EvidenceCase *c) {
        c->ima.size = 0;
}
static void no_firmware_log(EvidenceCase *c) {
        c->firmware.size = 0;
}
static void other_list(EvidenceCase *c) {
        c->pcrs.files[HASH_SHA256].values[10][0] ^= 1;
}
static void other_boot(EvidenceCase *c) {
        c->pcrs.files[HASH_SHA256].values[4][0] ^= 1;
}
static void register_not_quoted(EvidenceCase *c) {
        c->pcrs.files[HASH_SHA256].present &= ~(1U << 13);
}
static void kernel_register_not_quoted(EvidenceCase *c) {
        c->pcrs.files[HASH_SHA256].present &= ~(1U << 10);
        c->ima.size = 0;
}
static void cap_not_quoted(EvidenceCase *c) {
        c->pcrs.files[HASH_SHA256].present &= ~(1U << 12);
}
static void aggregate_asked_of_no_list(EvidenceCase *c) {
        c->tpm.pcrs = 1U << 13;
        c->ima_asked.require_boot_aggregate = true;
        kernel_register_not_quoted(c);
}
static void violations_forbidden_in_no_list(EvidenceCase *c) {
        c->tpm.pcrs = 1U << 13;
        c->ima_asked.forbid_violations = true;
        kernel_register_not_quoted(c);
}
static void log_of(EvidenceCase *c, uint32_t pcr, uint32_t said) {
        const PcrValues found = { .banks = bank(HASH_SHA256) };
        const SampleLife life = { .life = "1-aa", .measurement = said, .cap = 12, .pcrs = &found };
        EventBuilder boot = sample_boot(&life);
        BankDigests value;

        c->log.size = 0;
        sample_put(&c->log, pcr, &boot);
        value = sample_replay(c->log.data, c->log.size, bank(HASH_SHA256));
        memcpy(c->pcrs.files[HASH_SHA256].values[pcr], value.values[HASH_SHA256], SHA256_SIZE);
}
static void log_in_a_free_register(EvidenceCase *c) {
        log_of(c, 15, 15);
}
static void log_in_a_free_register_says_otherwise(EvidenceCase *c) {
        log_of(c, 15, 13);
}
static void boot_record_of_another_register(EvidenceCase *c) {
        log_of(c, 13, 15);
}
static void another_register_asked(EvidenceCase *c) {
        c->log_pcr = 14;
}
static void another_register_agreed(EvidenceCase *c) {
        log_of(c, 15, 15);
        c->log_pcr = 15;
}
static void secure_boot_asked(EvidenceCase *c) {
        c->firmware_asked.minimum_sbat = 9999999999;
}

static void each_wrong_thing_has_its_check(void **state _unused_) {
        static const struct {
                void (*spoil)(EvidenceCase *c);
                const char *fails;
        } cases[] = {
                { debug_bit, "guest-policy" },
                { old_tcb, "reported-tcb" },
                { other_chip, "chip-id" },
                { low_privilege, "vmpl" },
                { other_signer, "signature ak-binding" },
                { expired_vek, "certificate-validity" },
                { revoked_ask, "revocation" },
                { stale_nonce, "evidence-nonce report-data quote-nonce ak-binding" },
                { weak_key, "ak-attributes" },
                { unpinned_key, "ak-origin" },
                { origin_required, "ak-origin" },
                { cut_log, "event-log-structure event-log-replay" },
                { record_left_out, "event-log-replay" },
                { foreign_extend, "event-log-replay" },
                { no_log, "event-log-structure event-log-replay" },
                { no_list, "ima-list" },
                { no_firmware_log, "firmware-log" },
                { other_list, "ima-list-replay" },
                { other_boot, "firmware-log-replay boot-aggregate" },
                { register_not_quoted, "quote-selection event-log-replay" },
                { kernel_register_not_quoted, "quote-selection" },
                { cap_not_quoted, "quote-selection" },
                { aggregate_asked_of_no_list, "ima-list" },
                { violations_forbidden_in_no_list, "ima-list" },
                { log_in_a_free_register, "event-log-structure" },
                { log_in_a_free_register_says_otherwise, "event-log-structure" },
                { boot_record_of_another_register, "event-log-structure" },
                { another_register_asked, "event-log-structure" },
                { another_register_agreed, "" },
                { secure_boot_asked, "sbat" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);

                cases[i].spoil(&c);
                evidence_case_seal(&c);
                evidence_case_fails(&c, cases[i].fails);
        }
}

/* What is wrong in the document alone: the guest was honest, somebody on the way was not. */
static void each_part_is_covered(void **state _unused_) {
        static const struct {
                EvidencePart part;
                size_t at;
                const char *fails;
        } cases[] = {
                { EVIDENCE_NONCE, 0, "evidence-nonce" },
                { EVIDENCE_REPORT, 0x90, "signature ak-binding" },
                { EVIDENCE_REPORT, 0x50, "signature report-data ak-binding" },
                { EVIDENCE_QUOTE, 40, "quote-signature" },
                { EVIDENCE_SIGNATURE, 40, "quote-signature" },
                { EVIDENCE_AK_PUBLIC, 60, "" },
                { EVIDENCE_VEK, 300, "" },
                { EVIDENCE_LOG, 10, "event-log-structure event-log-replay" },
                { EVIDENCE_IMA_LIST, 10, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
                _cleanup_(check_list_done) CheckList checks = {};
                EvidenceFindings found;

                evidence_case_seal(&c);
                c.evidence.parts[cases[i].part].data[cases[i].at] ^= 1;
                if (*cases[i].fails)
                        evidence_case_fails(&c, cases[i].fails);
                evidence_case_appraise(&c, &checks, &found);
                assert_int_equal(check_list_verdict(&checks), CHECK_FAIL);
        }
        for (EvidencePart part = 0; part < _EVIDENCE_PART_MAX; part++) {
                _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
                _cleanup_(check_list_done) CheckList checks = {};
                EvidenceFindings found;

                evidence_case_seal(&c);
                if (c.evidence.parts[part].size == 0)
                        continue;
                c.evidence.parts[part].size = 0;
                evidence_case_appraise(&c, &checks, &found);
                assert_int_equal(check_list_verdict(&checks), CHECK_FAIL);
        }
}

static void azure_binds_its_own_way(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_AZURE);

        c.asked[0] ^= 1;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "evidence-nonce user-data quote-nonce");
        c.asked[0] ^= 1;
        evidence_case_fails(&c, "");
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &c.named), 0);
        evidence_case_seal(&c); /* the claims name another key than quotes */
        evidence_case_fails(&c, "quote-signature ak-name user-data");
}

static void a_replaced_key_in_azures_document(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_AZURE);
        SimKey other;

        evidence_case_seal(&c);
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &other), 0);
        c.evidence.parts[EVIDENCE_AK_PUBLIC].size = 0;
        buffer_bytes(&c.evidence.parts[EVIDENCE_AK_PUBLIC], other.encoded.data, other.encoded.size);
        evidence_case_fails(&c, "ak-attributes");
        sim_key_done(&other);
}

/* Entries that came to the sink. */
typedef struct Counted {
        uint64_t entries, restarts;
} Counted;

static int count_entry(void *userdata, const LogEntry *entry _unused_) {
        ((Counted *) userdata)->entries++;
        return 0;
}

static int count_again(void *userdata) {
        Counted *n = userdata;

        n->entries = 0;
        n->restarts++;
        return 0;
}

static void what_is_behind_the_quote_is_not_handed_on(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
        _cleanup_(check_list_done) CheckList checks = {};
        EvidenceFindings found;
        Counted n = {};
        const EvidenceSink sink = { &n, count_again, count_entry };

        c.sink = &sink;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "");
        assert_int_equal(n.entries, log_entries);
        assert_int_equal(n.restarts, 0);
        sample_put_file(&c.log, 13, "/bin/later"); /* the register is as it was */
        evidence_case_seal(&c);
        evidence_case_appraise(&c, &checks, &found);
        assert_list_fails(&checks, "");
        assert_int_equal(n.restarts, 1);
        assert_int_equal(n.entries, log_entries);
        assert_int_equal(found.entries, log_entries);
        assert_int_equal(found.base.records, log_records);
}

static EvidenceBase seen(const EvidenceCase *c) {
        _cleanup_(check_list_done) CheckList checks = {};
        EvidenceFindings found;

        evidence_case_appraise(c, &checks, &found);
        assert_list_fails(&checks, "");
        return found.base;
}

/* The next document has only what is new. */
static void go_on(EvidenceCase *c, const EvidenceBase *base) {
        c->base = base;
        c->log_since = base->records;
        c->log_first = base->entries;
        c->log_from = c->log.size;
        c->ima_since = base->ima_entries;
        c->ima_from = c->ima.size;
}

static void goes_on_where_it_was_seen_before(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
        EvidenceBase first, second;

        evidence_case_seal(&c);
        first = seen(&c);
        assert_true(first.ima_entries > 0);
        go_on(&c, &first);
        evidence_case_seal(&c); /* nothing new */
        second = seen(&c);
        assert_int_equal(second.records, first.records);
        sample_put_file(&c.log, 13, "/bin/new");
        evidence_case_replay_log(&c);
        evidence_case_seal(&c);
        second = seen(&c);
        assert_int_equal(second.records, first.records + 1);
        assert_int_equal(second.ima_entries, first.ima_entries);
        go_on(&c, &second);
        sample_put_pair(&c.log, 13, "/bin/busy");
        evidence_case_replay_log(&c);
        evidence_case_seal(&c);
        first = seen(&c);
        assert_int_equal(first.records, second.records + 2);

        c.log_from = c.log_since = c.log_first = c.ima_from = c.ima_since = 0; /* the whole of it will do as well */
        c.base = &first;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "");
        c.base = NULL;
        evidence_case_fails(&c, "");
}

static void rollback_fork_and_gap_are_found(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
        EvidenceBase old, new, wrong;
        size_t before = c.log.size;

        evidence_case_seal(&c);
        old = seen(&c);
        sample_put_file(&c.log, 13, "/bin/new");
        evidence_case_replay_log(&c);
        evidence_case_seal(&c);
        new = seen(&c);

        c.base = &new; /* an older document: fewer records than were seen */
        c.log.size = before;
        evidence_case_replay_log(&c);
        evidence_case_seal(&c);
        evidence_case_fails(&c, "event-log-continuity");

        sample_put_file(&c.log, 13, "/bin/other"); /* as many, and others */
        evidence_case_replay_log(&c);
        evidence_case_seal(&c);
        evidence_case_fails(&c, "event-log-continuity");

        go_on(&c, &old); /* the increment of another log */
        c.log_from = before;
        c.base = &new;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "event-log-structure");
        c.base = NULL;
        evidence_case_fails(&c, "event-log-structure ima-list");

        c.base = &old;
        c.log_first++;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "event-log-structure");
        c.log_first--;
        wrong = old;
        wrong.value.values[HASH_SHA256][0] ^= 1;
        c.base = &wrong;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "event-log-replay event-log-continuity");
        wrong = old;
        wrong.ima_value.values[HASH_SHA256][0] ^= 1;
        evidence_case_fails(&c, "ima-list-replay");
}

/* A violation record and what binds it are two extends: the quote can come between them. */
static void the_quote_between_a_pair(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
        size_t whole;
        Reader r;
        RecordView view;
        const char *why;
        EvidenceBase base;

        whole = c.log.size;
        sample_put_pair(&c.log, 13, "/bin/busy");
        r = reader_new(c.log.data + whole, c.log.size - whole);
        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
        c.log.size = whole + r.pos;
        evidence_case_replay_log(&c);
        c.log.size = whole + r.size;
        evidence_case_seal(&c);
        base = seen(&c);
        assert_int_equal(base.records, log_records); /* the pair comes again, whole */
        go_on(&c, &base);
        c.log_from = whole;
        evidence_case_replay_log(&c);
        evidence_case_seal(&c);
        assert_int_equal(seen(&c).records, log_records + 2);
}

static EventBuilder lock_event(const Now *now) {
        EventBuilder e = event_begin(KIND_LOCK, now);

        event_text(&e, "reason", "test");
        event_count(&e, "trigger", 1);
        event_list_pcrs(&e, "poison", 1U << 7 | 1U << 11);
        return e;
}

/* The lock plan extends registers of the firmware; the log says with what. */
static void poisoned_registers_are_explained(void **state _unused_) {
        _cleanup_(evidence_case_done) EvidenceCase c = new_case(EVIDENCE_PROVIDER_SEV_GUEST);
        const Now now = { 1, 1 };
        BankDigests value = { .banks = bank(HASH_SHA256) }, poison;
        const PcrValues found = { .banks = bank(HASH_SHA256) };
        const SampleLife life = { .life = "1-aa", .measurement = 13, .cap = 12, .pcrs = &found };
        EventBuilder boot = sample_boot(&life), event = lock_event(&now);
        size_t before;
        RecordView view;
        const char *why;
        Reader r;

        c.log.size = 0;
        sample_put(&c.log, 13, &boot);
        before = c.log.size;
        sample_put(&c.log, 13, &event);
        r = reader_new(c.log.data + before, c.log.size - before);
        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
        assert_int_equal(record_extend_value(&view, value.banks, &poison), 0);
        evidence_case_replay_log(&c);
        memcpy(value.values[HASH_SHA256], c.pcrs.files[HASH_SHA256].values[7], SHA256_SIZE);
        assert_int_equal(bank_digests_extend(&value, &poison), 0);
        memcpy(c.pcrs.files[HASH_SHA256].values[7], value.values[HASH_SHA256], SHA256_SIZE);
        evidence_case_seal(&c);
        evidence_case_fails(&c, "");
        c.pcrs.files[HASH_SHA256].values[7][0] ^= 1;
        evidence_case_seal(&c);
        evidence_case_fails(&c, "firmware-log-replay");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(genuine_evidence_passes),
                TEST(simulated_evidence_is_refused_unless_allowed),
                TEST(without_hardware),
                TEST(each_wrong_thing_has_its_check),
                TEST(each_part_is_covered),
                TEST(azure_binds_its_own_way),
                TEST(a_replaced_key_in_azures_document),
                TEST(what_is_behind_the_quote_is_not_handed_on),
                TEST(goes_on_where_it_was_seen_before),
                TEST(rollback_fork_and_gap_are_found),
                TEST(the_quote_between_a_pair),
                TEST(poisoned_registers_are_explained),
        };
        return cmocka_run_group_tests(tests, open_all, close_all);
}
