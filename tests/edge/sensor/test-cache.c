/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The digest cache: what is not hashed again, and whatever changes a file makes it be. */

#include "harness.h"

#include <errno.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/fd.h"

static uint8_t good[SHA256_SIZE];

static int set_up(void **state) {
        digest_of(payload_good, good);
        watch_start(NULL);
        return 0;
}

static int tear_down(void **state) {
        watch_stop();
        return 0;
}

/* Runs it; the exit status. *ret: whether it was hashed. */
static int run_and_see(const char *path, bool *ret_hashed) {
        GateStats before = watch_stats(), after;
        int status = run_path(path);

        after = watch_stats();
        assert_int_equal(after.asked - before.asked, 1);
        assert_int_equal(after.hashed - before.hashed + (after.hits - before.hits), 1);
        *ret_hashed = after.hashed > before.hashed;
        return status;
}

static void assert_hashed(const char *path, int status) {
        bool hashed;

        assert_int_equal(run_and_see(path, &hashed), status);
        assert_true(hashed);
        loop_for(80 * USEC_PER_MSEC); /* its lease ends */
}

static void assert_not_hashed(const char *path, int status) {
        bool hashed;

        assert_int_equal(run_and_see(path, &hashed), status);
        assert_false(hashed);
        loop_for(80 * USEC_PER_MSEC);
}

/* Files that are old enough to be cached, made all at once: that takes its time. */
static const char *old_file(Place p) {
        enum { FILES = 16 };
        static unsigned next[_PLACE_MAX];
        char name[32];

        for (Place each = 0; next[ON_EXT4] == 0 && each < _PLACE_MAX; each++)
                for (unsigned i = 0; place_is_there(each) && i < FILES; i++) {
                        snprintf(name, sizeof(name), "old-%u", i);
                        copy_file(payload_good, at(each, name));
                }
        next[ON_EXT4] += next[ON_EXT4] == 0;
        assert_true(next[p] < FILES);
        snprintf(name, sizeof(name), "old-%u", next[p]++);
        settle_file(at(p, name));
        return at(p, name);
}

/* A file whose digest is known. */
static const char *known(Place p) {
        const char *path = old_file(p);

        assert_hashed(path, STATUS_GOOD);
        assert_not_hashed(path, STATUS_GOOD);
        assert_memory_equal(watch_last()->digest, good, SHA256_SIZE);
        return path;
}

static void a_second_run_is_not_hashed(void **state) {
        for (Place p = 0; p < _PLACE_MAX; p++)
                if (place_is_there(p) && p != ON_TMPFS && p != ON_OVERLAY) {
                        const char *path = known(p);

                        assert_not_hashed(path, STATUS_GOOD);
                        assert_string_equal(watch_last()->path, path);
                }
}

/* What changed a moment ago could change again without its time moving. */
static void a_young_file_is_hashed_each_time(void **state) {
        copy_file(payload_good, at(ON_EXT4, "young"));
        assert_hashed(at(ON_EXT4, "young"), STATUS_GOOD);
        assert_hashed(at(ON_EXT4, "young"), STATUS_GOOD);
        settle_file(at(ON_EXT4, "young"));
        assert_hashed(at(ON_EXT4, "young"), STATUS_GOOD);
        assert_not_hashed(at(ON_EXT4, "young"), STATUS_GOOD);
}

static void tmpfs_and_overlay_are_hashed_each_time(void **state) {
        static const Place places[] = { ON_TMPFS, ON_OVERLAY };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                const char *path = old_file(places[i]);

                for (int n = 0; n < 3; n++) {
                        GateStats before = watch_stats();

                        assert_int_equal(run_path(path), STATUS_GOOD);
                        assert_int_equal(watch_stats().hits, before.hits);
                        assert_true(watch_stats().hashed > before.hashed);
                }
        }
}

static void hits_know_the_subject_only_when_it_is_asked_for(void **state) {
        const char *path = known(ON_EXT4);

        assert_int_equal(watch_last()->uid, UINT32_MAX);
        assert_string_equal(watch_last()->exe, "");
        assert_true(watch_last()->pid > 0);
        gate_set_needs_subject(watch.gate, true);
        assert_not_hashed(path, STATUS_GOOD);
        assert_int_equal(watch_last()->uid, 0);
        assert_string_not_equal(watch_last()->exe, "");
}

static void a_write_is_seen(void **state) {
        const char *path = known(ON_EXT4);

        patch_file(path, payload_evil);
        assert_hashed(path, STATUS_EVIL);
        patch_file(path, payload_good);
        assert_hashed(path, STATUS_GOOD);
        settle_file(path);
        assert_hashed(path, STATUS_GOOD);
        assert_not_hashed(path, STATUS_GOOD); /* and known again */
}

static void a_truncation_by_path_is_seen(void **state) {
        const char *path = known(ON_EXT4);
        struct stat st;
        bool hashed;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size - 1), 0);
        assert_int_equal(truncate(path, st.st_size), 0);
        (void) run_and_see(path, &hashed);
        assert_true(hashed);
}

static void a_store_through_a_mapping_is_seen(void **state) {
        for (Place p = 0; p < _PLACE_MAX; p++) {
                if (!place_is_there(p) || p == ON_TMPFS || p == ON_OVERLAY)
                        continue;
                const char *path = known(p);
                _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC),
                                    evil = open(payload_evil, O_RDONLY | O_CLOEXEC);
                struct stat st;
                char *map;

                assert_int_equal(fstat(fd, &st), 0);
                map = mmap(NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                assert_ptr_not_equal(map, MAP_FAILED);
                fd = safe_close(fd);
                /* The mapping alone holds it open for writing. */
                assert_int_equal(run_path(path), STATUS_EXEC + ETXTBSY);
                assert_int_equal(watch_last()->failure, FAILURE_OPEN_WRITERS);
                assert_int_equal(pread(evil, map, (size_t) st.st_size, 0), st.st_size);
                assert_int_equal(munmap(map, (size_t) st.st_size), 0);
                assert_hashed(path, STATUS_EVIL);
        }
}

static void a_file_renamed_over_it_is_another_one(void **state) {
        const char *path = known(ON_EXT4);

        copy_file(payload_evil, at(ON_EXT4, "new"));
        assert_int_equal(rename(at(ON_EXT4, "new"), path), 0);
        assert_hashed(path, STATUS_EVIL);
}

/* An inode number that is given out again. */
static void a_new_file_in_its_place_is_another_one(void **state) {
        const char *path = known(ON_EXT4);
        struct stat before, after = {};
        char name[32];

        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(unlink(path), 0);
        for (int i = 0; after.st_ino != before.st_ino; i++) {
                assert_true(i < 100); /* ext4 gives it out soon */
                snprintf(name, sizeof(name), "again-%d", i);
                copy_file(payload_evil, at(ON_EXT4, name));
                assert_int_equal(stat(at(ON_EXT4, name), &after), 0);
        }
        assert_hashed(at(ON_EXT4, name), STATUS_EVIL);
}

/* Only the events tell, when times do not. */
static void changes_are_seen_without_change_times(void **state) {
        const char *path = known(ON_EXT4);
        size_t cached = watch_stats().cached;

        patch_file(path, payload_good);
        loop_once(0);
        assert_int_equal(watch_stats().cached, cached - 1);
}

/* The same device, and by its numbers the same file. */
static void a_new_mount_forgets_all(void **state) {
        (void) known(ON_EXT4);
        assert_true(watch_stats().cached > 0);
        assert_int_equal(mount("tmpfs", in_root("tmpfs"), "tmpfs", 0, NULL), 0);
        loop_once(0);
        assert_int_equal(watch_stats().cached, 0);
        assert_int_equal(umount(in_root("tmpfs")), 0);
}

/* While an exec of the file waits, its mark must stay: else the kernel lets others through. */
static Decision hold_all(const Observed *o) {
        return HOLD;
}

static void a_change_while_others_wait_opens_no_gap(void **state) {
        const char *path = known(ON_EXT4);
        size_t first, n;
        unsigned a, b;

        patch_file(path, payload_good); /* its event is not read yet */
        watch.decide = hold_all;
        first = watch.n;
        a = run_start(&(Run){ .path = path });
        loop_until(watch.n == first + 1);
        loop_for(20 * USEC_PER_MSEC);
        b = run_start(&(Run){ .path = path });
        loop_until(watch.n == first + 2);
        assert_false(run_ended(a));
        assert_false(run_ended(b));
        for (n = first; n < first + 2; n++)
                assert_int_equal(gate_answer(watch.gate, watch.seen[n].token, true), 0);
        assert_int_equal(run_wait(a), STATUS_GOOD);
        assert_int_equal(run_wait(b), STATUS_GOOD);
}

static void more_files_than_it_holds(void **state) {
        enum { MAX_KNOWN = 4, FILES = 12 };
        GateOptions o = gate_defaults;
        char name[32];

        watch_stop();
        o.cache_max = MAX_KNOWN;
        watch_start(&o);
        for (int i = 0; i < FILES; i++) {
                snprintf(name, sizeof(name), "old-%d", i);
                (void) run_path(at(ON_SUBVOLUME, name));
                loop_for(80 * USEC_PER_MSEC);
                assert_true(watch_stats().cached <= MAX_KNOWN);
        }
        assert_int_equal(watch_stats().cached, MAX_KNOWN);
        assert_not_hashed(at(ON_SUBVOLUME, name), STATUS_GOOD);
}

static void no_cache_when_none_is_wanted(void **state) {
        GateOptions o = gate_defaults;

        watch_stop();
        o.cache_max = 0;
        watch_start(&o);
        assert_hashed(at(ON_EXT4, "old-0"), STATUS_GOOD);
        assert_hashed(at(ON_EXT4, "old-0"), STATUS_GOOD);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(a_second_run_is_not_hashed), TEST(a_young_file_is_hashed_each_time),
             TEST(tmpfs_and_overlay_are_hashed_each_time), TEST(hits_know_the_subject_only_when_it_is_asked_for),
             TEST(a_write_is_seen), TEST(a_truncation_by_path_is_seen), TEST(a_store_through_a_mapping_is_seen),
             TEST(a_file_renamed_over_it_is_another_one), TEST(a_new_file_in_its_place_is_another_one),
             TEST(changes_are_seen_without_change_times), TEST(a_new_mount_forgets_all),
             TEST(a_change_while_others_wait_opens_no_gap), TEST(more_files_than_it_holds),
             TEST(no_cache_when_none_is_wanted))
