/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sealing, harvesting and what the cap closes; root with tpm2-tools is the adversary and the judge. */

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#include "cmocka-all.h"
#include "lib/io/fd.h"
#include "lib/sealpolicy.h"
#include "sniffer.h"
#include "swtpm-rig.h"

enum { BOOT_PCR = 7, CAP_PCR = 12, SEALED_PCRS = 1 << BOOT_PCR | 1 << CAP_PCR };

static void seal(Tpm *t, const uint8_t key[SEALED_KEY_SIZE], TpmResult **ret, Sealed *ret_sealed) {
        TpmState now = state_of(t);
        uint8_t policy[SHA256_SIZE];

        assert_int_equal(seal_policy_digest(HASH_SHA256, SEALED_PCRS,
                                            (const uint8_t(*)[DIGEST_MAX]) now.pcrs.values[HASH_SHA256], policy),
                         0);
        *ret = call(t, tpm_job_seal(policy, key));
        assert_string_equal((*ret)->detail, "");
        assert_int_equal((*ret)->outcome, TPM_OK);
        *ret_sealed = (Sealed){
                .bank = HASH_SHA256,
                .pcrs = SEALED_PCRS,
                .public = (*ret)->seal.public.data,
                .public_size = (*ret)->seal.public.size,
                .private = (*ret)->seal.private.data,
                .private_size = (*ret)->seal.private.size,
                .srk_name = (*ret)->seal.srk_name.bytes,
                .srk_name_size = (*ret)->seal.srk_name.size,
        };
}

/* Harvests the blob n times in one job, and caps. */
static TpmResult *harvest_and_extend(Tpm *t, const Sealed *sealed, unsigned n, uint32_t cap_pcr) {
        TpmExtend cap = extend_of(bank(HASH_SHA256), cap_pcr, "cap");
        TpmJob *job = tpm_job_harvest(&cap);

        assert_non_null(job);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(tpm_job_add_sealed(job, sealed), 0);
        return call(t, job);
}

static TpmResult *harvest(Tpm *t, const Sealed *sealed, unsigned n) {
        return harvest_and_extend(t, sealed, n, CAP_PCR);
}

/* The cap goes into a register that matters to nobody. */
static TpmResult *harvest_without_cap(Tpm *t, const Sealed *sealed) {
        return harvest_and_extend(t, sealed, 1, 16);
}

static void expect_key(const TpmResult *result, size_t i, const uint8_t key[SEALED_KEY_SIZE]) {
        assert_int_equal(result->harvest.items[i].outcome, TPM_OK);
        assert_memory_equal(result->harvest.items[i].key, key, SEALED_KEY_SIZE);
}

static void test_round_trip(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *first = NULL, *second = NULL;
        const uint8_t key[SEALED_KEY_SIZE] = "0123456789abcdef0123456789abcde";
        TpmState now;
        Sealed blob;

        seal(t, key, &sealed, &blob);
        now = state_of(t);
        assert_int_equal(blob.srk_name_size, now.srk_name.size);
        assert_memory_equal(blob.srk_name, now.srk_name.bytes, now.srk_name.size);
        first = harvest(t, &blob, 4);
        assert_int_equal(first->outcome, TPM_OK);
        assert_true(first->harvest.capped);
        for (size_t i = 0; i < 4; i++)
                expect_key(first, i, key);

        second = harvest(t, &blob, 1);
        assert_int_equal(second->outcome, TPM_OK);
        assert_int_equal(second->harvest.items[0].outcome, TPM_POLICY);
        assert_int_equal(second->harvest.items[0].rc, 0x99d);
        for (size_t i = 0; i < SEALED_KEY_SIZE; i++)
                assert_int_equal(second->harvest.items[0].key[i], 0);
        assert_int_equal(shell(&s, "tpm2_getcap handles-transient > h && test ! -s h"), 0);
        assert_int_equal(shell(&s, "tpm2_getcap handles-loaded-session > h && test ! -s h"), 0);
}

static void test_boot_state_moved(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        Sealed blob;

        seal(t, key, &sealed, &blob);
        assert_int_equal(shell(&s, "tpm2_pcrextend %d:sha256=$(printf %%064d 0)", BOOT_PCR), 0);
        result = harvest(t, &blob, 1);
        assert_int_equal(result->harvest.items[0].outcome, TPM_POLICY);
        assert_true(result->harvest.capped);
}

static void test_other_tpm(void **state _unused_) {
        _swtpm_ Swtpm here = swtpm_new(), there = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&here), *other = tpm_on(&there);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL, *forced = NULL;
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        TpmName name;
        Sealed blob;

        seal(t, key, &sealed, &blob);
        result = harvest(other, &blob, 1);
        assert_int_equal(result->harvest.items[0].outcome, TPM_WRONG_TPM);
        assert_true(result->harvest.capped);

        /* Somebody changes the pinned Name: the TPM itself knows better. */
        name = state_of(other).srk_name;
        blob.srk_name = name.bytes;
        forced = harvest(other, &blob, 1);
        assert_int_equal(forced->harvest.items[0].outcome, TPM_REFUSED);
}

static void test_damaged_blobs(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
        TpmExtend cap = extend_of(bank(HASH_SHA256), CAP_PCR, "cap");
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        TpmJob *job = tpm_job_harvest(&cap);
        uint8_t flipped[SEALED_TPM_MAX];
        Sealed blob, bad;

        seal(t, key, &sealed, &blob);
        bad = blob;
        bad.public_size--;
        assert_int_equal(tpm_job_add_sealed(job, &bad), 0);
        bad = blob;
        bad.private_size = 0;
        assert_int_equal(tpm_job_add_sealed(job, &bad), 0);
        bad = blob;
        memcpy(flipped, blob.private, blob.private_size);
        flipped[blob.private_size - 1] ^= 1;
        bad.private = flipped;
        assert_int_equal(tpm_job_add_sealed(job, &bad), 0);
        assert_int_equal(tpm_job_add_sealed(job, &blob), 0);
        result = call(t, job);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(result->harvest.items[i].outcome, TPM_REFUSED);
        expect_key(result, 3, key); /* the others' trouble is not its own */
        assert_true(result->harvest.capped);
}

static void write_file(const Swtpm *s, const char *name, const void *data, size_t n) {
        _cleanup_close_ int fd = -1;
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", s->dir, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, data, n), 0);
}

static int root_unseals(const Swtpm *s) {
        return shell(s,
                     "rm -f unsealed && tpm2_startauthsession --policy-session -S s.ctx && "
                     "tpm2_policypcr -Q -S s.ctx -l sha256:%d,%d && "
                     "{ tpm2_unseal -c obj.ctx -p session:s.ctx -o unsealed; rc=$?; "
                     "tpm2_flushcontext s.ctx; tpm2_flushcontext -t; exit $rc; }",
                     BOOT_PCR, CAP_PCR);
}

/* Before the cap root can do what we can; after it nobody can. */
static void test_cap_closes_the_door(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
        const uint8_t key[SEALED_KEY_SIZE] = "0123456789abcdef0123456789abcde";
        uint8_t unsealed[64];
        Sealed blob;

        seal(t, key, &sealed, &blob);
        write_file(&s, "obj.pub", blob.public, blob.public_size);
        write_file(&s, "obj.priv", blob.private, blob.private_size);
        assert_int_equal(shell(&s,
                               "tpm2_createprimary -Q -C o -g sha256 -G ecc256:aes128cfb -c srk.ctx -a 'restricted|"
                               "decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda' && "
                               "tpm2_flushcontext -t && "
                               "tpm2_load -Q -C srk.ctx -u obj.pub -r obj.priv -c obj.ctx && tpm2_flushcontext -t"),
                         0);
        assert_int_equal(shell(&s,
                               "tpm2_readpublic -c obj.ctx > public; tpm2_flushcontext -t; "
                               "grep -q 'value: fixedtpm|fixedparent|noda$' public && ! grep -q userwithauth public"),
                         0);
        assert_int_equal(root_unseals(&s), 0);
        assert_int_equal(slurp(&s, "unsealed", unsealed, sizeof(unsealed)), SEALED_KEY_SIZE);
        assert_memory_equal(unsealed, key, SEALED_KEY_SIZE);
        assert_int_not_equal(shell(&s, "tpm2_unseal -c obj.ctx -o unsealed"), 0); /* the empty password */
        assert_int_equal(shell(&s, "tpm2_flushcontext -t"), 0);

        result = harvest(t, &blob, 1);
        expect_key(result, 0, key);
        assert_true(result->harvest.capped);
        assert_int_not_equal(root_unseals(&s), 0);
        assert_int_not_equal(shell(&s, "tpm2_unseal -c obj.ctx -o unsealed"), 0);
        assert_int_not_equal(shell(&s, "test -e unsealed"), 0);
}

static void test_policy_digest(void **state _unused_) {
        static const struct {
                HashAlg bank;
                PcrSet pcrs;
                const char *list;
        } table[] = {
                { HASH_SHA256, 1 << 7 | 1 << 12, "sha256:7,12" },
                { HASH_SHA256, 1 << 4 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 12 | 1 << 23, "sha256:4,7,8,9,12,23" },
                { HASH_SHA384, 1 << 0 | 1 << 7, "sha384:0,7" },
                { HASH_SHA1, 0xff0000, "sha1:16,17,18,19,20,21,22,23" }, /* tpm2_policypcr takes eight at most */
        };
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        TpmState now;

        assert_int_equal(
                shell(&s, "for i in 4 7 12; do tpm2_pcrextend $i:sha1=$(printf %%040d 1),sha256=$(printf %%064d 2),"
                          "sha384=$(printf %%096d 3); done"),
                0);
        now = state_of(t);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t ours[SHA256_SIZE], theirs[SHA256_SIZE + 1];

                assert_int_equal(seal_policy_digest(table[i].bank, table[i].pcrs,
                                                    (const uint8_t(*)[DIGEST_MAX]) now.pcrs.values[table[i].bank],
                                                    ours),
                                 0);
                assert_int_equal(shell(&s,
                                       "rm -f policy && tpm2_startauthsession -S trial.ctx && "
                                       "tpm2_policypcr -Q -S trial.ctx -l %s -L policy; tpm2_flushcontext trial.ctx",
                                       table[i].list),
                                 0);
                assert_int_equal(slurp(&s, "policy", theirs, sizeof(theirs)), SHA256_SIZE);
                assert_memory_equal(ours, theirs, SHA256_SIZE);
        }
}

/* Another key under the usual handle: an RSA one is as good, one that cannot be a parent is refused. */
static void test_persistent_srk(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL, *refused = NULL;
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        uint8_t name[128];
        Sealed blob;

        assert_int_equal(shell(&s, "tpm2_createprimary -Q -C o -G rsa2048 -c rsa.ctx && tpm2_flushcontext -t && "
                                   "tpm2_evictcontrol -Q -C o -c rsa.ctx 0x81000001 && tpm2_flushcontext -t && "
                                   "tpm2_readpublic -Q -c 0x81000001 -n name"),
                         0);
        seal(t, key, &sealed, &blob);
        assert_int_equal(slurp(&s, "name", name, sizeof(name)), blob.srk_name_size);
        assert_memory_equal(name, blob.srk_name, blob.srk_name_size);
        result = harvest(t, &blob, 1);
        expect_key(result, 0, key);

        assert_int_equal(shell(&s, "tpm2_evictcontrol -Q -C o -c 0x81000001 && "
                                   "tpm2_createprimary -Q -C o -G ecc256 -c sign.ctx -a 'sign|fixedtpm|fixedparent|"
                                   "sensitivedataorigin|userwithauth' && tpm2_flushcontext -t && "
                                   "tpm2_evictcontrol -Q -C o -c sign.ctx 0x81000001 && tpm2_flushcontext -t"),
                         0);
        refused = call(t, tpm_job_state());
        assert_int_equal(refused->outcome, TPM_REFUSED);
        assert_non_null(strstr(refused->detail, "0x81000001"));
}

/* Somebody extends a register between PolicyPCR and Unseal. */
static void test_registers_that_move(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        Sniffer sniffer;
        const char *why;
        Tpm *t;

        sniffer_init(&sniffer, s.conf);
        assert_int_equal(tpm_new(&(TpmOptions){ .transport = &sniffer.outer }, &t, &why), 0);
        for (int i = 0; i < 2; i++) {
                _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
                const uint8_t key[SEALED_KEY_SIZE] = "key";
                Sealed blob;

                seal(t, key, &sealed, &blob);
                sniffer.meddlings = i == 0 ? 3 : UINT32_MAX;
                sniffer.unseals = 0;
                result = harvest(t, &blob, 1);
                assert_true(result->harvest.capped);
                if (i == 0) {
                        expect_key(result, 0, key);
                        assert_int_equal(sniffer.unseals, 4);
                } else
                        assert_int_equal(result->harvest.items[0].outcome, TPM_BUSY);
                sniffer.meddlings = 0;
        }
        tpm_free(t);
        sniffer_done(&sniffer);
}

typedef struct Crowd {
        Tpm *tpm;
        TpmJob *lock, *extend;
} Crowd;

/* Jobs of the other classes come in while PolicyPCR is on its way. (The main thread waits in tpm_call(), so that it is
 * all the same who submits them.) */
static void crowd_in(void *userdata, uint32_t code) {
        Crowd *c = userdata;

        if (code != TPM2_CC_PolicyPCR || !c->lock)
                return;
        assert_int_equal(tpm_submit(c->tpm, TAKE_PTR(c->extend), NULL), 0);
        assert_int_equal(tpm_submit(c->tpm, TAKE_PTR(c->lock), NULL), 0);
}

static void test_back_to_back(void **state _unused_) {
        static const uint32_t expected[] = { TPM2_CC_PolicyPCR, TPM2_CC_Unseal, TPM2_CC_PCR_Extend, TPM2_CC_PCR_Extend,
                                             TPM2_CC_FlushContext };
        _swtpm_ Swtpm s = swtpm_new();
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL, *lock = NULL, *extend = NULL;
        TpmExtend l = extend_of(bank(HASH_SHA256), 11, "lock"), e = extend_of(bank(HASH_SHA256), 13, "extend");
        Sniffer sniffer;
        const char *why;
        Sealed blob;
        Crowd crowd = { .lock = extend_job(TPM_CLASS_LOCK, &l), .extend = extend_job(TPM_CLASS_EXTEND, &e) };
        size_t at = 0;

        sniffer_init(&sniffer, s.conf);
        sniffer.userdata = &crowd;
        sniffer.on_command = crowd_in;
        assert_int_equal(tpm_new(&(TpmOptions){ .transport = &sniffer.outer }, &crowd.tpm, &why), 0);
        seal(crowd.tpm, key, &sealed, &blob);
        result = harvest(crowd.tpm, &blob, 1);
        expect_key(result, 0, key);
        lock = tpm_next_result(crowd.tpm);
        extend = tpm_next_result(crowd.tpm);
        assert_int_equal(lock->outcome, TPM_OK);
        assert_int_equal(extend->outcome, TPM_OK);
        assert_true(extend->id < lock->id);
        tpm_free(crowd.tpm);
        while (sniffer.codes[at] != TPM2_CC_PolicyPCR)
                at++;
        assert_memory_equal(&sniffer.codes[at], expected, sizeof(expected));
        sniffer_done(&sniffer);
}

/* Connections that break in the middle leave a key, an object and a session behind; tools that end leave objects. */
static void test_leftovers(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
        Sniffer sniffer;
        const char *why;
        Sealed blob;
        Tpm *t;

        sniffer_init(&sniffer, s.conf);
        assert_int_equal(tpm_new(&(TpmOptions){ .transport = &sniffer.outer }, &t, &why), 0);
        seal(t, key, &sealed, &blob);
        for (int i = 0; i < 4; i++) {
                _cleanup_(tpm_result_freep) TpmResult *broken = NULL;

                sniffer.breaks = 2; /* it is tried again once */
                broken = harvest_without_cap(t, &blob);
                assert_int_equal(broken->harvest.items[0].outcome, TPM_LOST);
        }
        for (int i = 0; i < 2; i++)
                assert_int_equal(shell(&s, "tpm2_createprimary -Q -C o -c p%d.ctx", i), 0);
        sniffer.breaks = 1;
        result = harvest(t, &blob, 2);
        expect_key(result, 0, key);
        expect_key(result, 1, key);
        assert_int_equal(shell(&s, "tpm2_getcap handles-transient > h && test ! -s h"), 0);
        assert_int_equal(shell(&s, "tpm2_getcap handles-loaded-session > h && test ! -s h"), 0);
        tpm_free(t);
        sniffer_done(&sniffer);
}

/* Tools filled it up while we were not connected. */
static void test_full_tpm(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        const uint8_t key[SEALED_KEY_SIZE] = "key";
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
        Sealed blob;

        seal(t, key, &sealed, &blob);
        for (int i = 0; i < 2; i++) /* there is room for our SRK, and none for the object */
                assert_int_equal(shell(&s, "tpm2_createprimary -Q -C o -c p%d.ctx", i), 0);
        result = harvest(t, &blob, 1);
        expect_key(result, 0, key);
        assert_int_equal(shell(&s, "tpm2_getcap handles-transient > h && test ! -s h"), 0);
}

static void test_nothing_to_see_on_the_wire(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL, *result = NULL;
        const uint8_t key[SEALED_KEY_SIZE] = "0123456789abcdef0123456789abcde";
        Sniffer sniffer;
        const char *why;
        Sealed blob;
        Tpm *t;

        sniffer_init(&sniffer, s.conf);
        assert_int_equal(tpm_new(&(TpmOptions){ .transport = &sniffer.outer }, &t, &why), 0);
        seal(t, key, &sealed, &blob);
        result = harvest(t, &blob, 2);
        expect_key(result, 1, key);
        tpm_free(t);
        assert_non_null(memmem(sniffer.seen.data, sniffer.seen.size, blob.private, blob.private_size));
        assert_null(memmem(sniffer.seen.data, sniffer.seen.size, key, 8));
        sniffer_done(&sniffer);
}

/* How often the bytes, given inverted, are in the n bytes at `data`. */
static unsigned count_in(const uint8_t *data, size_t n, const uint8_t inverted[SEALED_KEY_SIZE]) {
        const uint8_t *end = data + n, *at = data;
        unsigned count = 0;

        while ((at = memchr(at, (uint8_t) ~inverted[0], (size_t) (end - at))) && at + SEALED_KEY_SIZE <= end) {
                size_t k = 1;

                while (k < SEALED_KEY_SIZE && (at[k] ^ inverted[k]) == 0xff)
                        k++;
                count += k == SEALED_KEY_SIZE;
                at++;
        }
        return count;
}

/* The same of the writable memory of this process. */
static unsigned count_in_memory(const uint8_t inverted[SEALED_KEY_SIZE]) {
        enum { CHUNK = 1 << 20, MAPPING_MAX = 1 << 28 }; /* larger ones are the shadow of a sanitizer */
        static uint8_t chunk[CHUNK];
        _cleanup_close_ int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
        _cleanup_(fclosep) FILE *maps = fopen("/proc/self/maps", "re");
        const uintptr_t mine = (uintptr_t) chunk;
        unsigned long start, end;
        unsigned count = 0;
        char line[512], mode;

        assert_true(memory >= 0 && maps);
        while (fgets(line, sizeof(line), maps)) {
                if (sscanf(line, "%lx-%lx r%c", &start, &end, &mode) != 3 || mode != 'w' || end - start > MAPPING_MAX)
                        continue;
                for (unsigned long at = start; at < end; at += CHUNK - SEALED_KEY_SIZE) {
                        ssize_t n = pread(memory, chunk, MIN((size_t) (end - at), (size_t) CHUNK), (off_t) at);

                        if (n > 0 && (at > mine + CHUNK || mine > at + CHUNK))
                                count += count_in(chunk, (size_t) n, inverted);
                }
        }
        OPENSSL_cleanse(chunk, sizeof(chunk));
        return count;
}

/* After a key has gone through, the only copies are those of whoever asked for it. */
static void test_nothing_left_in_memory(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *sealed = NULL;
        uint8_t key[SEALED_KEY_SIZE], inverted[SEALED_KEY_SIZE];
        TpmResult *result;
        Sealed blob;

        assert_int_equal(RAND_bytes(inverted, sizeof(inverted)), 1);
        for (size_t i = 0; i < sizeof(key); i++)
                key[i] = (uint8_t) ~inverted[i];
        assert_true(count_in_memory(inverted) >= 1);
        seal(t, key, &sealed, &blob);
        OPENSSL_cleanse(key, sizeof(key));
        assert_int_equal(count_in_memory(inverted), 0);

        result = harvest(t, &blob, 2);
        assert_int_equal(result->harvest.items[1].outcome, TPM_OK);
        assert_int_equal(count_in_memory(inverted), 2);
        tpm_result_free(result);
        assert_int_equal(count_in_memory(inverted), 0);
}

#define TEST(function) cmocka_unit_test_teardown(function, swtpm_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_round_trip),
                TEST(test_boot_state_moved),
                TEST(test_other_tpm),
                TEST(test_damaged_blobs),
                TEST(test_cap_closes_the_door),
                TEST(test_policy_digest),
                TEST(test_persistent_srk),
                TEST(test_registers_that_move),
                TEST(test_back_to_back),
                TEST(test_leftovers),
                TEST(test_full_tpm),
                TEST(test_nothing_to_see_on_the_wire),
                TEST(test_nothing_left_in_memory),
        };

        tpm_silence_library();
        return cmocka_run_group_tests_name("tpm-seal", tests, NULL, NULL);
}
