/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* log-replay firmware|ima|log ROUNDS: processor nanoseconds that reading, judging and replaying a simulated log takes, and
 * what nothing but its hashing takes (the data in the log, and the extends; one OpenSSL context, algorithms fetched once). */

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/firmware/appraise.h"
#include "lib/firmware/eventtype.h"
#include "lib/ima/appraise.h"
#include "lib/logreader.h"
#include "lib/sim/firmware.h"
#include "lib/sim/ima.h"
#include "tests/sample.h"

DEFINE_CLEANUP(FirmwareAppraisal *, firmware_appraisal_free)
DEFINE_CLEANUP(ImaAppraisal *, ima_appraisal_free)
DEFINE_CLEANUP(LogReader *, log_reader_free)

/* One digest that reading the log needs: of a piece of it; and whether the result is extended. */
typedef struct Step {
        const uint8_t *data;
        size_t size;
        bool extends;
} Step;

typedef struct Bench {
        Buffer log;
        PcrInputs pcrs;
        HashAlg alg;
        Step *steps;
        size_t size, allocated;
} Bench;

static uint64_t now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

static void step(Bench *b, const uint8_t *data, size_t size, bool extends) {
        REQUIRE(GREEDY_REALLOC(b->steps, b->allocated, b->size + 1) == 0);
        b->steps[b->size++] = (Step){ data, size, extends };
}

/* One boot, and then what GRUB measures, as often as a long script does. */
static void put_boot(Buffer *log, BankSet banks) {
        enum { COMMANDS = 200 };
        SimFirmware f = sim_firmware_default();

        f.banks = banks;
        REQUIRE(sim_firmware_log(&f, log) == 0);
        for (unsigned i = 0; i < COMMANDS; i++) {
                char text[128];
                int n = snprintf(text, sizeof(text), "grub_cmd: search --no-floppy --fs-uuid --set=root %u", i);

                REQUIRE(sim_firmware_event(log, banks, 8, EV_IPL, text + 10, (size_t) n - 10, text, (size_t) n + 1) ==
                        0);
        }
}

static void plan_firmware(Bench *b) {
        FirmwareLog *l;
        FirmwareEvent e;

        b->alg = HASH_SHA256;
        b->pcrs.banks = bank(b->alg);
        put_boot(&b->log, b->pcrs.banks);
        REQUIRE(firmware_log_new(b->pcrs.banks, &l) == 0);
        firmware_log_more(l, b->log.data, b->log.size);
        while (firmware_log_next(l, &e) == LOG_ENTRY) {
                step(b, e.data, e.size, false);
                step(b, e.digests.values[b->alg], hash_size(b->alg), true);
        }
        b->pcrs.files[b->alg].present = 0xffffff;
        memcpy(b->pcrs.files[b->alg].values, firmware_log_values(l)->values[b->alg],
               sizeof(b->pcrs.files[b->alg].values));
        firmware_log_free(l);
}

static void plan_ima(Bench *b) {
        SimIma s = { HASH_SHA1, 10, "ima-ng", 2000, 0, NULL };
        const char *why;
        ImaEntry e;
        Reader r;

        b->alg = HASH_SHA256;
        b->pcrs.banks = bank(b->alg);
        REQUIRE(sim_ima_list(&s, &b->log) == 0);
        r = reader_new(b->log.data, b->log.size);
        while (ima_entry_parse(&r, HASH_SHA1, &e, &why) == LOG_ENTRY) {
                step(b, e.data, e.data_size, false);
                step(b, e.data, e.data_size, true);
        }
}

/* Each record inside has its own digest. */
static void plan_batch(Bench *b, const RecordView *batch) {
        Reader inside = batch_reader(batch);
        RecordView v;
        const char *why;

        while (batch_next(&inside, batch, &v, &why) == RECORD_OK)
                step(b, v.data, v.data_size, false);
}

static void plan_log(Bench *b) {
        BankDigests value;
        RecordView v;
        const char *why;
        Reader r;

        b->alg = HASH_SHA256;
        sample_log(&b->log, 13, 3000, 1, bank(b->alg), &value);
        r = reader_new(b->log.data, b->log.size);
        while (record_parse(&r, &v, &why) == RECORD_OK) {
                if (batch_is(&v))
                        plan_batch(b, &v);
                step(b, v.data, v.data_size, false);
                if (v.buf)
                        step(b, v.buf, v.buf_size, false);
                step(b, v.data, v.data_size, true);
        }
}

static void hash(EVP_MD_CTX *c, const EVP_MD *md, const void *a, size_t n, const void *b, size_t m, uint8_t *ret) {
        REQUIRE(EVP_DigestInit_ex(c, md, NULL) == 1 && EVP_DigestUpdate(c, a, n) == 1 &&
                (m == 0 || EVP_DigestUpdate(c, b, m) == 1) && EVP_DigestFinal_ex(c, ret, NULL) == 1);
}

/* The template digests of IMA and of our own log are SHA-1. */
static uint64_t bare(const Bench *b, bool sha1_first) {
        EVP_MD *md = EVP_MD_fetch(NULL, "SHA2-256", NULL), *sha1_md = EVP_MD_fetch(NULL, "SHA1", NULL);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t value[DIGEST_MAX] = {}, digest[DIGEST_MAX];
        uint64_t start = now();

        for (size_t i = 0; i < b->size; i++) {
                const Step *s = &b->steps[i];

                if (!s->extends)
                        hash(context, sha1_first ? sha1_md : md, s->data, s->size, "", 0, digest);
                else if (sha1_first) {
                        hash(context, md, s->data, s->size, "", 0, digest);
                        hash(context, md, value, SHA256_SIZE, digest, SHA256_SIZE, value);
                } else
                        hash(context, md, value, SHA256_SIZE, s->data, SHA256_SIZE, value);
        }
        start = now() - start;
        EVP_MD_CTX_free(context);
        EVP_MD_free(md);
        EVP_MD_free(sha1_md);
        return start;
}

static uint64_t appraise_firmware(const Bench *b) {
        const FirmwareRequirements none = {};
        _cleanup_(firmware_appraisal_freep) FirmwareAppraisal *a = NULL;
        _cleanup_(check_list_done) CheckList checks = {};
        size_t used;
        uint64_t start = now();

        REQUIRE(firmware_appraisal_new(&none, &b->pcrs, &a) == 0);
        REQUIRE(firmware_appraisal_feed(a, b->log.data, b->log.size, true, &used) == 0);
        start = now() - start;
        firmware_appraisal_end(a, &checks);
        REQUIRE(check_list_verdict(&checks) == CHECK_PASS);
        return start;
}

static uint64_t appraise_list(const Bench *b) {
        const ImaRequirements defaults = ima_requirements_default();
        _cleanup_(ima_appraisal_freep) ImaAppraisal *a = NULL;
        size_t used;
        uint64_t start = now();

        REQUIRE(ima_appraisal_new(&defaults, &b->pcrs, false, &a) == 0);
        REQUIRE(ima_appraisal_feed(a, b->log.data, b->log.size, true, &used) == 0);
        start = now() - start;
        REQUIRE(used == b->log.size);
        return start;
}

static uint64_t read_log(const Bench *b) {
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        LogResult result;
        LogEntry entry;
        uint64_t start = now();

        REQUIRE(log_reader_new(b->log.data, b->log.size, bank(b->alg), &l) == 0);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                ;
        start = now() - start;
        REQUIRE(result == LOG_END);
        return start;
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*plan)(Bench *b);
                uint64_t (*ours)(const Bench *b);
                bool sha1_first;
        } kinds[] = { { "firmware", plan_firmware, appraise_firmware, false },
                      { "ima", plan_ima, appraise_list, true },
                      { "log", plan_log, read_log, true } };
        Bench b = {};

        REQUIRE(argc == 3);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                if (!streq(argv[1], kinds[i].name))
                        continue;
                kinds[i].plan(&b);
                for (long round = strtol(argv[2], NULL, 10); round > 0; round--)
                        printf("%" PRIu64 " %" PRIu64 "\n", kinds[i].ours(&b), bare(&b, kinds[i].sha1_first));
        }
        buffer_done(&b.log);
        free(b.steps);
        return 0;
}
