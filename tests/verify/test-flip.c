/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify log refuses every single-byte change, every truncation and every addition of a small log, and samples
 * of them of a large one with 10,000 records (argument: small or large). Runs the verb itself, in this process, on files in memory. */

#include "tests/test.h"

#include <fcntl.h>
#include <getopt.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pcrfile.h"
#include "tests/sample.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

enum { SMALL = 9, LARGE = 10000, SAMPLES = 150 };

/* A log in a memory file, and its PCRs in another. */
typedef struct Bench {
        Buffer log;
        uint8_t *mapped;
        int log_fd, pcrs_fd;
        char log_path[32], pcrs_path[48];
} Bench;

static int memory_file(const char *name, const void *data, size_t n, size_t room) {
        int fd = memfd_create(name, MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t) room), 0);
        assert_int_equal(pwrite(fd, data, n, 0), (ssize_t) n);
        return fd;
}

static void bench_open(Bench *b, unsigned records) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        BankDigests value;
        char *pcrs;

        *b = (Bench){};
        sample_log(&b->log, 13, records, 7, values.banks, &value);
        memcpy(values.values[HASH_SHA256][13], value.values[HASH_SHA256], DIGEST_MAX);
        pcrs = pcrfile_format(&values, HASH_SHA256);
        assert_non_null(pcrs);
        b->log_fd = memory_file("log", b->log.data, b->log.size, b->log.size);
        b->pcrs_fd = memory_file("pcrs", pcrs, strlen(pcrs), strlen(pcrs));
        free(pcrs);
        b->mapped = mmap(NULL, b->log.size, PROT_READ | PROT_WRITE, MAP_SHARED, b->log_fd, 0);
        assert_true(b->mapped != MAP_FAILED);
        snprintf(b->log_path, sizeof(b->log_path), "/proc/self/fd/%d", b->log_fd);
        snprintf(b->pcrs_path, sizeof(b->pcrs_path), "sha256:/proc/self/fd/%d", b->pcrs_fd);
}

static void bench_close(Bench *b) {
        munmap(b->mapped, b->log.size);
        close(b->log_fd);
        close(b->pcrs_fd);
        buffer_done(&b->log);
}

static int judge(Bench *b) {
        char verb[] = "log", option[] = "--pcrs";
        char *argv[] = { verb, b->log_path, option, b->pcrs_path, NULL };

        optind = 0;
        return verb_log((int) ELEMENTSOF(argv) - 1, argv);
}

static void assert_refused(Bench *b, const char *what, size_t at, unsigned value) {
        if (judge(b) == EXIT_PASS)
                fail_msg("accepted: %s at byte %zu (%02x)", what, at, value);
}

static void change_byte(Bench *b, size_t at, uint8_t value) {
        b->mapped[at] = value;
        assert_refused(b, "a changed byte", at, value);
        b->mapped[at] = b->log.data[at];
}

static void cut(Bench *b, size_t size) {
        assert_int_equal(ftruncate(b->log_fd, (off_t) size), 0);
        assert_refused(b, "a cut log", size, 0);
        assert_int_equal(ftruncate(b->log_fd, (off_t) b->log.size), 0);
        assert_int_equal(pwrite(b->log_fd, b->log.data, b->log.size, 0), (ssize_t) b->log.size);
}

static void add(Bench *b, const void *data, size_t n) {
        assert_int_equal(pwrite(b->log_fd, data, n, (off_t) b->log.size), (ssize_t) n);
        assert_refused(b, "an addition", n, *(const uint8_t *) data);
        assert_int_equal(ftruncate(b->log_fd, (off_t) b->log.size), 0);
}

static void put_between(Bench *b, size_t at, uint8_t value) {
        assert_int_equal(pwrite(b->log_fd, &value, 1, (off_t) at), 1);
        assert_int_equal(pwrite(b->log_fd, b->log.data + at, b->log.size - at, (off_t) at + 1),
                         (ssize_t) (b->log.size - at));
        assert_refused(b, "an inserted byte", at, value);
        assert_int_equal(ftruncate(b->log_fd, (off_t) b->log.size), 0);
        assert_int_equal(pwrite(b->log_fd, b->log.data, b->log.size, 0), (ssize_t) b->log.size);
}

static void additions(Bench *b) {
        uint8_t zeros[64] = {};

        for (unsigned value = 0; value < 256; value++)
                add(b, &(uint8_t){ (uint8_t) value }, 1);
        for (size_t n = 1; n <= sizeof(zeros); n++) /* evmctl accepts up to 40 of them */
                add(b, zeros, n);
        add(b, b->log.data, b->log.size); /* all of it again */
}

static void test_small_exhaustively(void **state _unused_) {
        Bench b;

        bench_open(&b, SMALL);
        assert_int_equal(judge(&b), EXIT_PASS);
        for (size_t at = 0; at < b.log.size; at++)
                for (unsigned value = 0; value < 256; value++)
                        if (value != b.log.data[at])
                                change_byte(&b, at, (uint8_t) value);
        for (size_t size = 0; size < b.log.size; size++)
                cut(&b, size);
        for (size_t at = 0; at <= b.log.size; at++)
                put_between(&b, at, 0);
        additions(&b);
        assert_int_equal(judge(&b), EXIT_PASS);
        bench_close(&b);
}

static void test_large_by_samples(void **state _unused_) {
        Random random = random_new(1);
        Bench b;

        bench_open(&b, LARGE);
        assert_int_equal(judge(&b), EXIT_PASS);
        for (unsigned i = 0; i < SAMPLES; i++) {
                size_t at = random_below(&random, b.log.size);

                change_byte(&b, at, (uint8_t) (b.log.data[at] ^ (1 << random_below(&random, 8))));
                cut(&b, random_below(&random, b.log.size));
        }
        add(&b, "", 1);
        assert_int_equal(judge(&b), EXIT_PASS);
        bench_close(&b);
}

int main(int argc, char **argv) {
        const struct CMUnitTest small[] = { TEST(test_small_exhaustively) }, large[] = { TEST(test_large_by_samples) };

        if (argc != 2 || !freopen("/dev/null", "w", stdout)) /* cmocka reports on standard error */
                return 1;
        return streq(argv[1], "small") ? RUN(small) : RUN(large);
}
