/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of the event log, in a directory of their own. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/eventlog/archive.h"
#include "daemon/eventlog/store.h"
#include "lib/base/cleanup.h"
#include "lib/pending.h"
#include "tests/sample.h"
#include "tests/test.h"

DEFINE_CLEANUP(EventStore *, event_store_free)

static char directory[] = "/tmp/sealwatch-store-XXXXXX";

static EventStore *store_open(bool *has_log, FileMap *log, FileMap *pending) {
        EventStore *s;

        assert_int_equal(event_store_open(directory, &s), 0);
        assert_int_equal(event_store_load(s, has_log, log, pending), 0);
        return s;
}

static void remove_all(void) {
        static const char *const names[] = { "lock", "measurements", "pending", "new", "life/measurements" };
        char path[128];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
                (void) unlink(path);
        }
}

static int empty(void **state _unused_) {
        remove_all();
        return 0;
}

static void some_record(unsigned n, Buffer *ret) {
        char path[32];

        snprintf(path, sizeof(path), "/usr/bin/%u", n);
        ret->size = 0;
        sample_put_file(ret, 13, path);
}

/* What the pending file promises, as numbers in a row. */
static void expect_promised(uint64_t first, uint64_t end) {
        _cleanup_(event_store_freep) EventStore *s = NULL;
        FileMap log = {}, pending = {};
        PendingItem item;
        bool has_log;
        Reader r;

        s = store_open(&has_log, &log, &pending);
        r = reader_new(pending.data, pending.size);
        while (pending_next(&r, &item) == RECORD_OK)
                if (item.type == PENDING_ENTRY)
                        assert_int_equal(item.seq, first++);
        assert_int_equal(first, end);
        assert_true(reader_done(&r));
        file_unmap(&log);
        file_unmap(&pending);
}

static void what_is_promised_and_committed_is_there(void **state _unused_) {
        _cleanup_(buffer_done) Buffer record = {};
        FileMap log = {}, pending = {};
        EventStore *s;
        bool has_log;

        s = store_open(&has_log, &log, &pending);
        assert_false(has_log);
        assert_int_equal(event_store_begin(s, 0, 0), 0);
        for (unsigned i = 0; i < 4; i++) {
                some_record(i, &record);
                assert_int_equal(event_store_append(s, i, true, record.data, record.size), 0);
        }
        some_record(0, &record);
        assert_int_equal(event_store_commit(s, 0, record.data, record.size), 0);
        assert_int_equal(event_store_anchored_records(s), 0);
        event_store_anchored(s, 1);
        assert_int_equal(event_store_anchored_records(s), 1);
        assert_int_equal(event_store_anchored_size(s), record.size);
        event_store_free(s);

        s = store_open(&has_log, &log, &pending);
        assert_true(has_log);
        assert_int_equal(log.size, record.size);
        assert_memory_equal(log.data, record.data, record.size);
        file_unmap(&log);
        file_unmap(&pending);
        assert_int_equal(event_store_begin(s, record.size, 3), 0); /* the last one does not count */
        event_store_free(s);
        expect_promised(1, 3);
}

/* A promise that could not be written leaves no hole behind it: nothing is promised until it is committed. */
static void promises_have_no_hole(void **state _unused_) {
        _cleanup_(buffer_done) Buffer record = {};
        const uint8_t nothing = 0;
        FileMap log = {}, pending = {};
        EventStore *s;
        bool has_log;

        s = store_open(&has_log, &log, &pending);
        assert_int_equal(event_store_begin(s, 0, 0), 0);
        some_record(0, &record);
        assert_int_equal(event_store_append(s, 0, false, record.data, record.size), 0);
        assert_int_equal(event_store_append(s, 1, false, &nothing, 0), -EINVAL); /* as good as no space */
        assert_int_equal(event_store_append(s, 2, false, record.data, record.size), -EAGAIN);
        assert_int_equal(event_store_commit(s, 0, record.data, record.size), 0);
        assert_int_equal(event_store_append(s, 3, false, record.data, record.size), -EAGAIN);
        for (unsigned i = 1; i < 4; i++)
                assert_int_equal(event_store_commit(s, i, record.data, record.size), 0);
        assert_int_equal(event_store_append(s, 4, false, record.data, record.size), 0);
        event_store_free(s);
        s = store_open(&has_log, &log, &pending);
        file_unmap(&log);
        file_unmap(&pending);
        assert_int_equal(event_store_begin(s, 4 * record.size, UINT64_MAX), 0);
        event_store_free(s);
        expect_promised(4, 5);
}

static void one_daemon_at_a_time(void **state _unused_) {
        _cleanup_(event_store_freep) EventStore *s = NULL;
        EventStore *other;

        assert_int_equal(event_store_open(directory, &s), 0);
        assert_int_equal(event_store_open(directory, &other), -EBUSY);
}

static void an_imported_log(void **state _unused_) {
        _cleanup_(event_store_freep) EventStore *s = NULL;
        _cleanup_(buffer_done) Buffer record = {};
        FileMap log = {}, pending = {};
        bool has_log;

        s = store_open(&has_log, &log, &pending);
        some_record(7, &record);
        assert_int_equal(event_store_import(s, record.data, record.size), 0);
        assert_int_equal(event_store_begin(s, record.size, 0), 0);
        assert_int_equal(event_store_commit(s, 1, record.data, record.size), 0);
        s = event_store_free(s);
        s = store_open(&has_log, &log, &pending);
        assert_true(has_log);
        assert_int_equal(log.size, 2 * record.size);
        file_unmap(&log);
        file_unmap(&pending);
}

/* A log that does not verify does not go on in the archive of the one before. */
static void a_retired_archive(void **state _unused_) {
        _cleanup_(event_store_freep) EventStore *s = NULL;
        _cleanup_(buffer_done) Buffer record = {};
        FileMap log = {}, pending = {}, archive = {};
        bool has_log;

        assert_int_equal(archive_retire(directory, "life", 1), 0); /* there is none */
        s = store_open(&has_log, &log, &pending);
        assert_int_equal(event_store_begin(s, 0, 0), 0);
        some_record(1, &record);
        assert_int_equal(event_store_commit(s, 0, record.data, record.size), 0);
        assert_int_equal(archive_copy(event_store_fd(s), record.size, directory, "life"), 0);
        assert_int_equal(archive_map(directory, "life", &archive), 0);
        assert_int_equal(archive.size, record.size);
        file_unmap(&archive);
        assert_int_equal(archive_retire(directory, "life", 2), 0);
        assert_int_equal(archive_map(directory, "life", &archive), -ENOENT);
        assert_int_equal(archive_copy(event_store_fd(s), record.size, directory, "life"), 0);
        assert_int_equal(archive_map(directory, "life", &archive), 0);
        file_unmap(&archive);
}

static int make_directory(void **state _unused_) {
        return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state _unused_) {
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", directory);
        return system(command);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(what_is_promised_and_committed_is_there, empty),
                cmocka_unit_test_setup(promises_have_no_hole, empty),
                cmocka_unit_test_setup(one_daemon_at_a_time, empty),
                cmocka_unit_test_setup(an_imported_log, empty),
                cmocka_unit_test_setup(a_retired_archive, empty),
        };

        return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
