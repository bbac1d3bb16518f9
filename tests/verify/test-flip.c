/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify log refuses every change of a log: all of a small one (argument "small": each bit of each byte; or
 * "exhaustive": each byte to each other value, and each byte inserted everywhere), samples of one with 10,000 records ("large").
 * Runs the verb itself, on files in memory, in a process per processor. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/batch.h"
#include "lib/pcrfile.h"
#include "tests/random.h"
#include "tests/sample.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

enum { PCR = 13, SMALL = 9, LARGE = 10000, SAMPLES = 200, ZEROS_MAX = 64 };

typedef enum ChangeKind { CHANGE_BYTE, CHANGE_CUT, CHANGE_INSERT, CHANGE_APPEND, CHANGE_REPEAT } ChangeKind;

typedef struct Change {
        ChangeKind kind;
        size_t at;     /* of the byte; what is left; how many are appended */
        uint8_t value; /* flipped bits, or a new byte */
} Change;

/* A log and its PCRs, and what of it is changed. */
typedef struct Bench {
        Buffer log;
        const char *pcrs;
        bool samples;
        size_t masks, inserted; /* changes of each byte, bytes inserted at each place */
        size_t changes;
} Bench;

/* The same in files of one process. */
typedef struct Stand {
        const Bench *bench;
        uint8_t *changed;
        int log_fd;
        char log_path[32], pcrs_path[48];
} Stand;

static bool is_mixed(const Buffer *log) {
        Reader r = reader_new(log->data, log->size);
        unsigned batches = 0, files = 0, violations = 0, events = 0;
        RecordView view;
        const char *why;

        while (record_parse(&r, &view, &why) == RECORD_OK) {
                batches += batch_is(&view);
                violations += view.violation;
                files += view.template == TEMPLATE_NG && !view.violation;
                events += view.template == TEMPLATE_BUF && !batch_is(&view);
        }
        return batches > 0 && files > 0 && violations > 0 && events > 1;
}

static Bench bench_new(unsigned records, size_t masks, size_t inserted) {
        Bench b = { .masks = masks, .inserted = inserted, .samples = masks == 0 };
        PcrValues values = { .banks = bank(HASH_SHA256) };
        BankDigests value;

        for (uint64_t seed = 1; !is_mixed(&b.log); seed++) {
                b.log.size = 0;
                sample_log(&b.log, PCR, records, seed, values.banks, &value);
        }
        memcpy(values.values[HASH_SHA256][PCR], value.values[HASH_SHA256], DIGEST_MAX);
        b.pcrs = pcrfile_format(&values, HASH_SHA256);
        REQUIRE(b.pcrs);
        b.changes = b.samples ? SAMPLES
                              : b.log.size * masks + b.log.size + (b.log.size + 1) * inserted + 256 + ZEROS_MAX + 1;
        return b;
}

static Change sample(const Bench *b, size_t i) {
        Random random = random_new(i + 1);
        ChangeKind kind = (ChangeKind) (i % (CHANGE_REPEAT + 1));

        return (Change){ kind, 1 + random_below(&random, b->log.size - 1), (uint8_t) (1 << random_below(&random, 8)) };
}

static Change nth_change(const Bench *b, size_t i) {
        const size_t size = b->log.size;

        if (b->samples)
                return sample(b, i);
        if (i < size * b->masks)
                return (Change){ CHANGE_BYTE, i / b->masks,
                                 (uint8_t) (b->masks == 8 ? 1 << (i % 8) : 1 + (int) (i % b->masks)) };
        i -= size * b->masks;
        if (i < size)
                return (Change){ CHANGE_CUT, i, 0 };
        i -= size;
        if (i < (size + 1) * b->inserted)
                return (Change){ CHANGE_INSERT, i / b->inserted, (uint8_t) (i % b->inserted) };
        i -= (size + 1) * b->inserted;
        if (i < 256)
                return (Change){ CHANGE_APPEND, 1, (uint8_t) i };
        i -= 256;
        if (i < ZEROS_MAX) /* evmctl accepts up to 40 of them */
                return (Change){ CHANGE_APPEND, i + 1, 0 };
        return (Change){ CHANGE_REPEAT, 0, 0 };
}

/* Writes the changed log, which takes up to twice the room; returns its size. */
static size_t apply(const Buffer *log, const Change *c, uint8_t *to) {
        memcpy(to, log->data, log->size);
        switch (c->kind) {
        case CHANGE_BYTE:
                to[c->at] ^= c->value;
                return log->size;
        case CHANGE_CUT:
                return c->at;
        case CHANGE_INSERT:
                memmove(to + c->at + 1, log->data + c->at, log->size - c->at);
                to[c->at] = c->value;
                return log->size + 1;
        case CHANGE_APPEND:
                memset(to + log->size, c->value, c->at);
                return log->size + c->at;
        default:
                memcpy(to + log->size, log->data, log->size);
                return 2 * log->size;
        }
}

static int memory_file(const char *name, const void *data, size_t n) {
        int fd = memfd_create(name, MFD_CLOEXEC);

        REQUIRE(fd >= 0 && pwrite(fd, data, n, 0) == (ssize_t) n);
        return fd;
}

static Stand stand_new(const Bench *b) {
        Stand s = { .bench = b, .changed = malloc(2 * b->log.size + ZEROS_MAX) };

        REQUIRE(s.changed);
        s.log_fd = memory_file("log", b->log.data, b->log.size);
        snprintf(s.log_path, sizeof(s.log_path), "/proc/self/fd/%d", s.log_fd);
        snprintf(s.pcrs_path, sizeof(s.pcrs_path), "sha256:/proc/self/fd/%d",
                 memory_file("pcrs", b->pcrs, strlen(b->pcrs)));
        return s;
}

static int judge(Stand *s, const void *log, size_t n) {
        char verb[] = "log", option[] = "--pcrs";
        char *argv[] = { verb, s->log_path, option, s->pcrs_path, NULL };

        REQUIRE(pwrite(s->log_fd, log, n, 0) == (ssize_t) n && ftruncate(s->log_fd, (off_t) n) == 0);
        optind = 0;
        return verb_log((int) ELEMENTSOF(argv) - 1, argv);
}

/* Every workers-th change, from the first on. Returns the exit code of the process. */
static int work(const Bench *b, size_t first, size_t workers) {
        Stand s = stand_new(b);

        REQUIRE(judge(&s, b->log.data, b->log.size) == EXIT_PASS);
        for (size_t i = first; i < b->changes; i += workers) {
                const Change c = nth_change(b, i);
                int code = judge(&s, s.changed, apply(&b->log, &c, s.changed));

                if (code != EXIT_FAIL) {
                        fprintf(stderr, "FAILED: exit code %d for change %d at byte %zu, %02x\n", code, (int) c.kind,
                                c.at, c.value);
                        return EXIT_FAILURE;
                }
        }
        REQUIRE(judge(&s, b->log.data, b->log.size) == EXIT_PASS);
        return EXIT_SUCCESS;
}

static bool all_succeed(size_t n) {
        bool good = true;
        int status;

        for (; n > 0; n--)
                good = wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS && good;
        return good;
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                unsigned records;
                size_t masks, inserted;
        } scopes[] = { { "small", SMALL, 8, 1 }, { "exhaustive", SMALL, 255, 256 }, { "large", LARGE, 0, 0 } };
        long workers = sysconf(_SC_NPROCESSORS_ONLN);
        const char *wanted = argc == 2 ? argv[1] : "";
        Bench b = {};

        for (size_t i = 0; i < ELEMENTSOF(scopes); i++)
                if (streq(scopes[i].name, wanted))
                        b = bench_new(scopes[i].records, scopes[i].masks, scopes[i].inserted);
        REQUIRE(b.changes > 0 && workers > 0 && freopen("/dev/null", "w", stdout)); /* what the verb prints */
        for (long i = 0; i < workers; i++) {
                pid_t pid = fork();

                REQUIRE(pid >= 0);
                if (pid == 0)
                        _exit(work(&b, (size_t) i, (size_t) workers));
        }
        if (!all_succeed((size_t) workers))
                return EXIT_FAILURE;
        fprintf(stderr, "%zu changes of a log of %zu bytes, each refused\n", b.changes, b.log.size);
        return EXIT_SUCCESS;
}
