/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plays a target without libFuzzer: its seeds, the files of its corpus (arguments: files and directories), and a fixed
 * number of changes of them, the same in every run. What made it fail is left in the file "crash-NAME". */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "tests/fuzz/frame.h"
#include "tests/random.h"
#include "tests/sample.h"

enum { INPUT_MAX = 1 << 16, CHANGES = 5000, CHANGES_AT_ONCE = 6 };

typedef struct Input {
        uint8_t *data;
        size_t size;
} Input;

static Input *inputs;
static size_t inputs_size, inputs_allocated;
static Random numbers;
static Input current; /* for crash() */
static char crash_name[64];

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((__weak__));

static void crash(void) {
        int fd = open(crash_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        if (fd < 0 || write(fd, current.data, current.size) != (ssize_t) current.size)
                return;
        (void) close(fd);
}

static void on_abort(int number _unused_) {
        crash();
}

static void take(const void *data, size_t size) {
        Input input = { .data = memdup_nul(data, size), .size = size };

        REQUIRE(size <= INPUT_MAX && input.data && GREEDY_REALLOC(inputs, inputs_allocated, inputs_size + 1) >= 0);
        inputs[inputs_size++] = input;
}

static void take_file(const char *path) {
        static uint8_t content[INPUT_MAX + 1];
        _cleanup_(fclosep) FILE *f = fopen(path, "re");

        REQUIRE(f);
        take(content, fread(content, 1, sizeof(content), f));
        REQUIRE(!ferror(f));
}

static int is_visible(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

/* A directory that is not there is an empty one: most targets get by with their seeds. */
static void take_path(const char *path) {
        struct dirent **entries = NULL;
        int n = scandir(path, &entries, is_visible, alphasort);

        if (n < 0 && errno == ENOTDIR)
                take_file(path);
        else
                REQUIRE(n >= 0 || errno == ENOENT);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *inside = NULL;

                REQUIRE(asprintf(&inside, "%s/%s", path, entries[i]->d_name) > 0);
                take_file(inside);
                free(entries[i]);
        }
        free(entries);
}

/* Writes a number that parsers have trouble with over the bytes at `at`. */
static void put_number(uint8_t *at, size_t room) {
        static const uint64_t hard[] = { 0,      1,          0x7f,       0x80,       0xff,      0x7fff,    0x8000,
                                         0xffff, 0x7fffffff, 0x80000000, UINT32_MAX, INT64_MAX, UINT64_MAX };
        uint64_t v = hard[random_below(&numbers, ELEMENTSOF(hard))] + random_below(&numbers, 3) - 1;
        size_t n = (size_t) 1 << random_below(&numbers, 4), is_big = random_below(&numbers, 2);

        n = MIN(n, room);
        for (size_t i = 0; i < n; i++)
                at[is_big ? n - 1 - i : i] = (uint8_t) (v >> (8 * i));
}

/* Makes a hole of n bytes; what does not fit falls off at the end. */
static size_t open_hole(uint8_t *data, size_t size, size_t max, size_t at, size_t n) {
        size_t grown = MIN(size + n, max);

        memmove(data + at + n, data + at, grown - at - n);
        return grown;
}

static size_t insert(uint8_t *data, size_t size, size_t max) {
        const Input *other = &inputs[random_below(&numbers, inputs_size)];
        size_t at = random_below(&numbers, size + 1), n = MIN(1 + random_below(&numbers, 64), max - at);
        size_t from = other->size > n ? random_below(&numbers, other->size - n) : 0;

        if (n == 0)
                return size;
        size = open_hole(data, size, max, at, n);
        for (size_t i = 0; i < n; i++)
                data[at + i] = from + i < other->size ? other->data[from + i] : (uint8_t) random_next(&numbers);
        return size;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) {
        size_t at, n;

        if (size == 0)
                return insert(data, size, max);
        at = random_below(&numbers, size);
        n = 1 + random_below(&numbers, MIN(size - at, (size_t) 64));
        switch (random_below(&numbers, 7)) {
        case 0:
                data[at] ^= (uint8_t) (1 << random_below(&numbers, 8));
                return size;
        case 1:
                data[at] = (uint8_t) (random_next(&numbers) >> 32);
                return size;
        case 2:
                data[at] = (uint8_t) "\n\t\\ :/=[]\"#0.-~"[random_below(&numbers, 15)];
                return size;
        case 3:
                put_number(data + at, size - at);
                return size;
        case 4:
                memmove(data + at, data + at + n, size - at - n);
                return size - n;
        case 5: /* the same again */
                n = MIN(n, max - at);
                size = open_hole(data, size, max, at, MIN(n, max - size));
                return size;
        default:
                return insert(data, size, max);
        }
}

/* On memory that ends where the input ends. */
static void run(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *copy = malloc(size > 0 ? size : 1);

        REQUIRE(copy);
        if (size > 0)
                memcpy(copy, data, size);
        current = (Input){ copy, size };
        (void) LLVMFuzzerTestOneInput(copy, size);
        current = (Input){};
}

static void run_changed(const Input *input) {
        static uint8_t data[INPUT_MAX];
        size_t size = input->size;

        memcpy(data, input->data, size);
        for (size_t i = 1 + random_below(&numbers, CHANGES_AT_ONCE); i > 0; i--)
                size = LLVMFuzzerCustomMutator(data, size, sizeof(data), (unsigned) (random_next(&numbers) >> 40));
        run(data, size);
}

int main(int argc, char **argv) {
        snprintf(crash_name, sizeof(crash_name), "crash-%s", program_invocation_short_name);
        (void) signal(SIGABRT, on_abort);
        if (__sanitizer_set_death_callback)
                __sanitizer_set_death_callback(crash);
        numbers = random_new(1);
        (void) LLVMFuzzerInitialize(&argc, &argv);
        frame_each_seed(take);
        REQUIRE(inputs_size > 0);
        for (int i = 1; i < argc; i++)
                take_path(argv[i]);
        run(NULL, 0);
        for (size_t i = 0; i < inputs_size; i++)
                run(inputs[i].data, inputs[i].size);
        for (size_t i = 0; i < CHANGES; i++)
                run_changed(&inputs[i % inputs_size]);
        printf("%zu inputs and %d changes of them\n", inputs_size, CHANGES);
        for (size_t i = 0; i < inputs_size; i++)
                free(inputs[i].data);
        free(inputs);
        return EXIT_SUCCESS;
}
