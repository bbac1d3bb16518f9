/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appraisal of the kernel's IMA list. */

#include "lib/base/cleanup.h"
#include "lib/ima/appraise.h"
#include "lib/sim/ima.h"
#include "tests/test.h"

/* Registers as after a boot, and what the list (in binary) leads to in PCR n. */
static PcrInputs values_of(const Buffer *list, BankSet banks, bool padded) {
        PcrInputs in = { .banks = banks };
        ImaList *l;
        ImaEntry e;

        assert_int_equal(ima_list_new(banks, padded, &l), 0);
        ima_list_more(l, list->data, list->size);
        while (ima_list_next(l, &e) == LOG_ENTRY)
                ;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                in.files[alg].present = banks & bank(alg) ? 0xffffff : 0;
                memcpy(in.files[alg].values, ima_list_values(l)->values[alg], sizeof(in.files[alg].values));
        }
        ima_list_free(l);
        return in;
}

static void expect(const ImaRequirements *q, const PcrInputs *pcrs, const Buffer *list, const char *name,
                   CheckResult result, const char *detail) {
        const ImaRequirements defaults = ima_requirements_default();
        _cleanup_(check_list_done) CheckList checks = {};
        const Check *c;

        assert_int_equal(ima_appraise(q ? q : &defaults, pcrs, list->data, list->size, &checks), 0);
        c = check_list_find(&checks, name);
        assert_non_null(c);
        if (c->result != result || !startswith(c->detail, detail))
                fail_msg("%s: %s %s", name, check_result_word(c->result), c->detail);
}

static void make(const SimIma *s, Buffer *list) {
        assert_int_equal(sim_ima_list(s, list), 0);
}

static void replays(void **state _unused_) {
        SimIma s = { .digests = HASH_SHA1, .pcr = 10, .entries = 25, .violate_every = 0 };
        _cleanup_(buffer_done) Buffer list = {};
        PcrInputs pcrs, none = {};

        make(&s, &list);
        pcrs = values_of(&list, 0xf, false);
        expect(NULL, &pcrs, &list, "log-structure", CHECK_PASS, "26 entries of PCRs 10, binary with sha1");
        expect(NULL, &pcrs, &list, "log-replay", CHECK_PASS,
               "the list replays to PCRs 10 in sha1, sha256, sha384, sha512, 0 entries are not anchored yet");
        expect(NULL, &pcrs, &list, "violations", CHECK_PASS, "none");
        expect(NULL, &pcrs, &list, "boot-aggregate", CHECK_PASS, "it is that of the PCRs 0-9");
        expect(NULL, &none, &list, "log-replay", CHECK_NA, "no PCR values were given");
        pcrs.files[HASH_SHA384].values[10][0] ^= 1;
        expect(NULL, &pcrs, &list, "log-replay", CHECK_FAIL, "no part of the list replays to the value of PCRs 10");
}

static void unextended_tail(void **state _unused_) {
        SimIma s = sim_ima_default();
        ImaRequirements q = ima_requirements_default();
        _cleanup_(buffer_done) Buffer list = {}, longer = {};
        PcrInputs pcrs;

        make(&s, &list);
        pcrs = values_of(&list, bank(HASH_SHA256), false);
        s.entries += 3;
        make(&s, &longer);
        expect(NULL, &pcrs, &longer, "log-replay", CHECK_FAIL, "the last 3 entries are not in PCRs 10");
        q.allow_tail = true;
        expect(&q, &pcrs, &longer, "log-replay", CHECK_PASS,
               "the list replays to PCRs 10 in sha256, 3 entries are not anchored yet");
        pcrs = values_of(&longer, bank(HASH_SHA256), false);
        expect(&q, &pcrs, &list, "log-replay", CHECK_FAIL, "no part of the list");
}

static void violations(void **state _unused_) {
        SimIma s = sim_ima_default();
        ImaRequirements q = ima_requirements_default();
        _cleanup_(buffer_done) Buffer list = {};
        PcrInputs pcrs;

        s.violate_every = 10;
        make(&s, &list);
        pcrs = values_of(&list, bank(HASH_SHA1), false);
        expect(NULL, &pcrs, &list, "log-replay", CHECK_PASS, "the list replays");
        expect(NULL, &pcrs, &list, "violations", CHECK_PASS, "2, the first is entry 2 (/usr/bin/program-1)");
        q.forbid_violations = true;
        expect(&q, &pcrs, &list, "violations", CHECK_FAIL, "2, the first is entry 2");
}

static void several_registers(void **state _unused_) {
        SimIma s = sim_ima_default(), other = s;
        ImaRequirements q = ima_requirements_default();
        _cleanup_(buffer_done) Buffer list = {};
        PcrInputs pcrs, only;

        other.pcr = 12;
        make(&s, &list);
        make(&other, &list);
        pcrs = values_of(&list, bank(HASH_SHA256), false);
        expect(NULL, &pcrs, &list, "log-replay", CHECK_PASS, "the list replays to PCRs 10, 12");
        only = pcrs;
        only.files[HASH_SHA256].present = 1U << 10;
        expect(NULL, &only, &list, "log-replay", CHECK_FAIL, "no value was given of PCRs 12");
        q.pcr = 10;
        expect(&q, &only, &list, "log-replay", CHECK_PASS, "the list replays to PCRs 10");
        expect(&q, &only, &list, "other-registers", CHECK_NA, "21 entries are of PCRs 12");
        q.pcr = 11;
        expect(&q, &pcrs, &list, "log-replay", CHECK_FAIL, "the list has no entry of PCR 11");
        pcrs.files[HASH_SHA256].values[12][31] ^= 1;
        expect(NULL, &pcrs, &list, "log-replay", CHECK_FAIL, "no part of the list replays to the value of PCRs 12");
}

/* A list of another register, and IMA's own was extended. */
static void entries_left_out(void **state _unused_) {
        SimIma s = sim_ima_default();
        _cleanup_(buffer_done) Buffer list = {};
        PcrInputs pcrs;

        s.pcr = 11;
        make(&s, &list);
        pcrs = values_of(&list, bank(HASH_SHA256), false);
        expect(NULL, &pcrs, &list, "log-replay", CHECK_PASS, "the list replays to PCRs 10-11");
        pcrs.files[HASH_SHA256].values[10][0] = 1;
        expect(NULL, &pcrs, &list, "log-replay", CHECK_FAIL, "no part of the list replays to the value of PCRs 10");
}

static void aggregate(void **state _unused_) {
        PcrInputs boot = { .banks = bank(HASH_SHA256) }, pcrs;
        SimIma s = sim_ima_default();
        ImaRequirements q = ima_requirements_default();
        _cleanup_(buffer_done) Buffer list = {}, without = {}, data = {};
        uint8_t digest[SHA256_SIZE];

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                memset(boot.files[HASH_SHA256].values[pcr], (int) pcr + 1, SHA256_SIZE);
        s.boot = &boot;
        make(&s, &list);
        pcrs = values_of(&list, bank(HASH_SHA256), false);
        expect(NULL, &pcrs, &list, "boot-aggregate", CHECK_FAIL, "it is not that of the PCRs 0-9");
        memcpy(boot.files[HASH_SHA256].values[10], pcrs.files[HASH_SHA256].values[10], SHA256_SIZE);
        boot.files[HASH_SHA256].present = 0xffffff;
        expect(NULL, &boot, &list, "boot-aggregate", CHECK_PASS, "it is that of the PCRs 0-9");
        boot.files[HASH_SHA256].values[9][31] ^= 1;
        expect(NULL, &boot, &list, "boot-aggregate", CHECK_FAIL, "it is not that of the PCRs 0-9");
        q.continued = 1U << 9;
        expect(&q, &boot, &list, "boot-aggregate", CHECK_NA, "a register among 0-9");
        boot.files[HASH_SHA256].present = 1U << 10;
        q = ima_requirements_default();
        expect(&q, &boot, &list, "boot-aggregate", CHECK_NA, "the values of the PCRs 0-9 in sha256 were not given");
        q.require_boot_aggregate = true;
        expect(&q, &boot, &list, "boot-aggregate", CHECK_UNDECIDED, "the values of the PCRs 0-9 in sha256");

        assert_int_equal(sha256("", 0, digest), 0);
        assert_int_equal(sim_ima_data(&data, "ima-ng", "/a", "", false), 0);
        assert_int_equal(sim_ima_entry(&without, HASH_SHA1, 10, "ima-ng", &data, false), 0);
        expect(&q, &pcrs, &without, "boot-aggregate", CHECK_FAIL, "the list does not start with a boot_aggregate");
}

/* SHA-1 only, under the name of another bank: known, named, and refused unless it is asked for. */
static void padded_digests(void **state _unused_) {
        SimIma s = sim_ima_default();
        ImaRequirements q = ima_requirements_default();
        _cleanup_(buffer_done) Buffer list = {};
        PcrInputs pcrs;

        make(&s, &list);
        pcrs = values_of(&list, bank(HASH_SHA1) | bank(HASH_SHA256), true);
        expect(NULL, &pcrs, &list, "log-replay", CHECK_FAIL, "PCRs 10 hold SHA-1 digests and zeros");
        q.allow_padded_sha1 = true;
        expect(&q, &pcrs, &list, "log-replay", CHECK_PASS,
               "the list replays to PCRs 10 in sha1, sha256 (SHA-1 and zeros)");
        pcrs.banks = bank(HASH_SHA1);
        expect(NULL, &pcrs, &list, "log-replay", CHECK_PASS, "the list replays to PCRs 10 in sha1,");
}

static void broken_lists(void **state _unused_) {
        SimIma s = sim_ima_default();
        _cleanup_(buffer_done) Buffer list = {};
        PcrInputs pcrs, none = {};
        Buffer empty = {};

        make(&s, &list);
        pcrs = values_of(&list, bank(HASH_SHA256), false);
        list.size--;
        expect(NULL, &pcrs, &list, "log-structure", CHECK_FAIL, "entry 20 at byte");
        expect(NULL, &pcrs, &list, "log-replay", CHECK_NA, "the list cannot be read to its end");
        expect(NULL, &none, &empty, "log-structure", CHECK_FAIL, "the list is empty");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(replays),          TEST(unextended_tail), TEST(violations),     TEST(several_registers),
                TEST(entries_left_out), TEST(aggregate),       TEST(padded_digests), TEST(broken_lists),
        };

        return RUN(tests);
}
