/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watched configuration, on real files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sensor/files/files.h"
#include "lib/base/cleanup.h"

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* of "hello", by sha256sum */

enum { SEEN_MAX = 32 };

typedef struct Seen {
        char target[256], how[16], before[80];
        bool has_digest;
        uint8_t digest[SHA256_SIZE];
        uint32_t pid, uid;
} Seen;

static char root[64];
static sd_event *loop;
static Files *files;
static Seen seen[SEEN_MAX];
static size_t seen_size;

static void on_changed(void *userdata, const Activity *a) {
        Seen *s = &seen[seen_size];

        assert_int_equal(a->event, EVENT_CONFIG);
        assert_true(seen_size < SEEN_MAX);
        snprintf(s->target, sizeof(s->target), "%s", a->target);
        snprintf(s->how, sizeof(s->how), "%s", a->details[0].text);
        snprintf(s->before, sizeof(s->before), "%s", a->details[1].text);
        s->has_digest = a->digest;
        if (a->digest)
                memcpy(s->digest, a->digest, SHA256_SIZE);
        s->pid = a->subject.pid;
        s->uid = a->subject.uid;
        seen_size++;
}

static void on_lost(void *userdata, uint64_t count) {
        fail();
}

static const char *at(const char *name) {
        static char paths[4][128];
        static unsigned next;
        char *path = paths[next++ % 4];

        snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
        return path;
}

/* Stays, unlike what at() gives. */
static const char *pattern(unsigned which, const char *name) {
        static char patterns[2][128];

        snprintf(patterns[which], sizeof(patterns[which]), "%s", at(name));
        return patterns[which];
}

static void put(const char *name, const char *text) {
        FILE *f = fopen(at(name), "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static void begin(const char *const *patterns) {
        const FilesOps ops = { .changed = on_changed, .lost = on_lost };
        const char *why;

        assert_int_equal(sd_event_new(&loop), 0);
        assert_int_equal(files_new(loop, patterns, &ops, &files, &why), 0);
        assert_int_equal(mkdir(at("run"), 0700), 0);
        assert_int_equal(files_start(files, at("run"), &why), LEVEL_OBSERVE);
        assert_null(why);
        assert_int_equal(access(at("run/.sealwatch-probe"), F_OK), -1);
        seen_size = 0;
}

/* Until so many changes are told, and nothing more comes behind them. */
static void wait_for(size_t n) {
        for (int quiet = 0; quiet < 2;)
                quiet = sd_event_run(loop, seen_size < n ? 180 * USEC_PER_SEC : 300 * USEC_PER_MSEC) > 0 ? 0
                                                                                                         : quiet + 1;
        assert_int_equal(seen_size, n);
}

static const Seen *expect(const char *name, const char *how) {
        for (size_t i = 0; i < seen_size; i++)
                if (streq(seen[i].target, at(name)) && streq(seen[i].how, how))
                        return &seen[i];
        fail_msg("%s was not told to be %s", name, how);
        return NULL;
}

static void a_change_is_told_with_both_digests(void **state) {
        const char *const patterns[] = { pattern(0, "etc"), NULL };
        uint8_t digest[SHA256_SIZE];
        const Seen *s;

        put("etc/a", "hello");
        put("etc/sub/b", "x");
        begin(patterns);
        assert_int_equal(files_watched(files), 2);
        put("etc/a", "world");
        wait_for(1);
        s = expect("etc/a", "changed");
        assert_string_equal(s->before, HELLO);
        assert_int_equal(sha256("world", 5, digest), 0);
        assert_true(s->has_digest);
        assert_memory_equal(s->digest, digest, SHA256_SIZE);
        assert_int_equal(s->pid, getpid());
        assert_int_equal(s->uid, getuid());
}

/* Written with what it held before: nothing changed. Chmod neither. */
static void what_stays_is_not_told(void **state) {
        const char *const patterns[] = { pattern(0, "etc/*"), NULL };

        put("etc/a", "hello");
        begin(patterns);
        put("etc/a", "hello");
        assert_int_equal(chmod(at("etc/a"), 0600), 0);
        put("outside", "x");
        wait_for(0);
}

static void names_come_and_go(void **state) {
        const char *const patterns[] = { pattern(0, "etc/a*"), pattern(1, "etc/sub"), NULL };

        put("etc/a", "hello");
        put("etc/sub/b", "b");
        begin(patterns);
        put("etc/ax", "new");
        put("etc/.tmp", "renamed");
        wait_for(1);
        expect("etc/ax", "new");
        assert_int_equal(rename(at("etc/.tmp"), at("etc/a")), 0);
        wait_for(2);
        assert_string_equal(expect("etc/a", "changed")->before, HELLO);
        assert_int_equal(unlink(at("etc/sub/b")), 0);
        wait_for(3);
        assert_false(expect("etc/sub/b", "gone")->has_digest);
}

/* Drop-ins of a unit that has none yet. */
static void directories_that_come_later(void **state) {
        const char *const patterns[] = { pattern(0, "etc"), NULL };

        begin(patterns);
        assert_int_equal(mkdir(at("etc/x.d"), 0755), 0);
        wait_for(0);
        put("etc/x.d/y.conf", "hello");
        wait_for(1);
        expect("etc/x.d/y.conf", "new");
}

/* A store through a mapping is told when the mapping is gone, whatever the file's times say. */
static void a_mapping_is_the_last_writer(void **state) {
        const char *const patterns[] = { pattern(0, "etc/a"), NULL };
        char *p;
        int fd;

        put("etc/a", "hello");
        begin(patterns);
        fd = open(at("etc/a"), O_RDWR | O_CLOEXEC);
        p = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_ptr_not_equal(p, MAP_FAILED);
        close(fd);
        wait_for(0);
        p[0] = 'H';
        munmap(p, 5);
        wait_for(1);
        expect("etc/a", "changed");
}

/* The link is what somebody enabled; what it leads to is what is read. */
static void links(void **state) {
        const char *const patterns[] = { pattern(0, "etc"), NULL };

        put("elsewhere", "hello");
        assert_int_equal(symlink(at("elsewhere"), at("etc/link")), 0);
        begin(patterns);
        assert_int_equal(files_watched(files), 1);
        put("other", "x");
        assert_int_equal(symlink(at("other"), at("etc/.new")), 0);
        assert_int_equal(rename(at("etc/.new"), at("etc/link")), 0);
        wait_for(1);
        assert_string_equal(expect("etc/link", "changed")->before, HELLO);
}

static int make_root(void **state) {
        strcpy(root, "/tmp/test-files-XXXXXX");
        if (!mkdtemp(root))
                return -1;
        return mkdir(at("etc"), 0755) < 0 || mkdir(at("etc/sub"), 0755) < 0;
}

static int remove_root(void **state) {
        char command[128];

        files = files_free(files);
        loop = sd_event_unref(loop);
        snprintf(command, sizeof(command), "rm -rf %s", root);
        return system(command) != 0; /* NOLINT */
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
        const struct CMUnitTest tests[] = {
                T(a_change_is_told_with_both_digests), T(what_stays_is_not_told),       T(names_come_and_go),
                T(directories_that_come_later),        T(a_mapping_is_the_last_writer), T(links),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
