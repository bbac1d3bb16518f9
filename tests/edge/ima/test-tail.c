/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Following a list that grows, is trimmed, and is forged, in a file instead of securityfs. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/sensor/ima/tail.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/sim/ima.h"
#include "tests/test.h"

DEFINE_CLEANUP(ImaTail *, ima_tail_free)
DEFINE_CLEANUP(ImaList *, ima_list_free)

static const BankSet banks = 1U << HASH_SHA1 | 1U << HASH_SHA256;

typedef struct Stage {
        char path[64];
        Buffer list;        /* the whole one */
        size_t offsets[64]; /* of its entries, and the end */
        unsigned entries, seen;
        ImaTail *tail;
} Stage;

static void note_offsets(Stage *s) {
        _cleanup_(ima_list_freep) ImaList *l = NULL;
        ImaEntry e;

        assert_int_equal(ima_list_new(banks, false, &l), 0);
        ima_list_more(l, s->list.data, s->list.size);
        s->entries = 0;
        do
                s->offsets[s->entries++] = ima_list_offset(l);
        while (ima_list_next(l, &e) == LOG_ENTRY);
        s->entries--;
}

/* What the registers hold behind so many entries. */
static PcrValues values_behind(const Stage *s, unsigned entries) {
        _cleanup_(ima_list_freep) ImaList *l = NULL;
        ImaEntry e;

        assert_int_equal(ima_list_new(banks, false, &l), 0);
        ima_list_more(l, s->list.data, s->offsets[entries]);
        while (ima_list_next(l, &e) == LOG_ENTRY)
                ;
        assert_int_equal(ima_list_entries(l), entries);
        return *ima_list_values(l);
}

/* Another file with [from, to) of the entries: who has the old one open finds nothing more in it. */
static void show(const Stage *s, unsigned from, unsigned to) {
        _cleanup_close_ int fd = -1;

        unlink(s->path);
        fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, s->list.data + s->offsets[from], s->offsets[to] - s->offsets[from]), 0);
}

static void grow(const Stage *s, size_t from, size_t to) {
        _cleanup_close_ int fd = open(s->path, O_WRONLY | O_APPEND | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, s->list.data + from, to - from), 0);
}

static void count(void *userdata, const ImaEntry *e _unused_) {
        Stage *s = userdata;

        s->seen++;
}

static int read_tail(Stage *s) {
        const char *why = NULL;
        int r = ima_tail_read(s->tail, count, s, &why);

        assert_true(r != -EBADMSG || (why && *why));
        return r;
}

static int set_up(void **state) {
        Stage *s = calloc(1, sizeof(Stage));
        SimIma sim = sim_ima_default();

        assert_non_null(s);
        sim.entries = 40;
        sim.violate_every = 7;
        assert_int_equal(sim_ima_list(&sim, &s->list), 0);
        note_offsets(s);
        assert_int_equal(s->entries, 41);
        strcpy(s->path, "/tmp/ima-tail-XXXXXX");
        close(mkstemp(s->path));
        *state = s;
        return 0;
}

static int tear_down(void **state) {
        Stage *s = *state;

        ima_tail_free(s->tail);
        unlink(s->path);
        buffer_done(&s->list);
        free(s);
        return 0;
}

static void begin(Stage *s, unsigned entries) {
        show(s, 0, entries);
        assert_int_equal(ima_tail_open(s->path, banks, &s->tail), 0);
        assert_int_equal(read_tail(s), 0);
        assert_int_equal(s->seen, entries);
}

static bool reached(Stage *s, unsigned entries) {
        PcrValues values = values_behind(s, entries);

        return ima_tail_reached(s->tail, &values);
}

static void a_list_that_grows(void **state) {
        Stage *s = *state;

        begin(s, 10);
        assert_true(reached(s, 9)); /* listed, and not extended yet */
        assert_true(reached(s, 10));
        grow(s, s->offsets[10], s->offsets[20]);
        assert_int_equal(read_tail(s), 0);
        assert_int_equal(s->seen, 20);
        assert_true(reached(s, 15)); /* read in the middle of it */
        assert_true(reached(s, 20));
        assert_int_equal(ima_tail_entries(s->tail), 20);
        assert_int_equal(ima_tail_registers(s->tail), 1U << IMA_TAIL_REGISTER);
}

static void a_register_never_goes_back(void **state) {
        Stage *s = *state;

        begin(s, 20);
        assert_true(reached(s, 20));
        assert_false(reached(s, 19));
        assert_true(reached(s, 20));
}

static void an_extend_without_an_entry(void **state) {
        Stage *s = *state;
        PcrValues values;
        BankDigests foreign;

        begin(s, 10);
        values = values_behind(s, 10);
        assert_int_equal(bank_digests_hash(banks, "foreign", 7, &foreign), 0);
        assert_int_equal(pcr_values_extend(&values, IMA_TAIL_REGISTER, &foreign), 0);
        assert_false(ima_tail_reached(s->tail, &values));
        values.banks = 0;
        assert_false(ima_tail_reached(s->tail, &values));
}

static void an_entry_without_an_extend(void **state) {
        Stage *s = *state;

        begin(s, 10);
        assert_true(reached(s, 10));
        grow(s, s->offsets[11], s->offsets[13]); /* one is left out */
        assert_int_equal(read_tail(s), 0);
        assert_true(reached(s, 10)); /* perhaps they are on their way */
        assert_false(reached(s, 13));
}

static void an_entry_in_pieces(void **state) {
        Stage *s = *state;
        const size_t middle = s->offsets[10] + 7;

        begin(s, 10);
        grow(s, s->offsets[10], middle);
        assert_int_equal(read_tail(s), 0);
        assert_int_equal(s->seen, 10);
        grow(s, middle, s->offsets[11]);
        assert_int_equal(read_tail(s), 0);
        assert_int_equal(s->seen, 11);
        assert_true(reached(s, 11));
}

static void garbage_is_final(void **state) {
        Stage *s = *state;

        begin(s, 10);
        grow(s, 1, 200);
        assert_int_equal(read_tail(s), -EBADMSG);
        assert_int_equal(read_tail(s), -EBADMSG);
        assert_int_equal(s->seen, 10);
}

/* Later kernels let root export entries and remove them. */
static void a_list_that_was_trimmed(void **state) {
        Stage *s = *state;

        begin(s, 20);
        assert_true(reached(s, 20));
        show(s, 10, 30);
        assert_int_equal(read_tail(s), 0);
        assert_false(reached(s, 30));
        assert_int_equal(ima_tail_reopen(s->tail), 0);
        assert_int_equal(read_tail(s), 0);
        assert_true(reached(s, 30));
        show(s, 30, 33); /* nothing is left of what we know */
        assert_int_equal(ima_tail_reopen(s->tail), 0);
        assert_int_equal(read_tail(s), 0);
        assert_true(reached(s, 33));
        assert_int_equal(s->seen, 33);
}

static void a_trimmed_list_hides_nothing(void **state) {
        Stage *s = *state;

        begin(s, 20);
        assert_true(reached(s, 20));
        show(s, 25, 30); /* some were never seen */
        assert_int_equal(ima_tail_reopen(s->tail), 0);
        assert_int_equal(read_tail(s), 0);
        assert_false(reached(s, 30));
}

static void no_ima(void **state) {
        Stage *s = *state;
        ImaTail *tail = NULL;

        unlink(s->path);
        assert_int_equal(ima_tail_open(s->path, banks, &tail), -ENOENT);
}

static void a_register_of_another_size(void **state) {
        Stage *s = *state;
        PcrValues values;

        begin(s, 10);
        values = values_behind(s, 10);
        values.banks = bank(HASH_SHA1); /* the preferred bank is the other one */
        assert_false(ima_tail_reached(s->tail, &values));
}

#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_STAGE(a_list_that_grows),
                ON_STAGE(a_register_never_goes_back),
                ON_STAGE(an_extend_without_an_entry),
                ON_STAGE(an_entry_without_an_extend),
                ON_STAGE(an_entry_in_pieces),
                ON_STAGE(garbage_is_final),
                ON_STAGE(a_list_that_was_trimmed),
                ON_STAGE(a_trimmed_list_hides_nothing),
                ON_STAGE(no_ima),
                ON_STAGE(a_register_of_another_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
