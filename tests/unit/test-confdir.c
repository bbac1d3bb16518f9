/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drop-in directories: three of them below the working directory, as /etc, /run and /usr/lib. */

#include "lib/base/cleanup.h"
#include "lib/io/confdir.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "test-confdir.XXXXXX";
static const char *const dirs[] = { "etc", "run", "lib", NULL };

static int enter(void **state _unused_) {
        return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state _unused_) {
        return chdir("..") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static int clean(void **state _unused_) {
        return system("rm -rf -- * && mkdir -p etc run lib") == 0 ? 0 : -1;
}

static int sweep(void **state _unused_) {
        return system("rm -rf -- *") == 0 ? 0 : -1;
}

static void put(const char *path, const char *text) {
        _cleanup_free_ char *parent = strdup(path);

        *strrchr(parent, '/') = '\0';
        assert_int_equal(make_directories(parent, 0700), 0);
        assert_int_equal(file_write_atomic(AT_FDCWD, path, 0600, text, strlen(text)), 0);
}

static char collected[4096];
static int fail_with;

static int collect(void *userdata _unused_, const char *path, const char *text, size_t n) {
        size_t used = strlen(collected);

        assert_int_equal(strlen(text), n);
        snprintf(collected + used, sizeof(collected) - used, "%s=%s ", path, text);
        return fail_with;
}

static void expect_each(const char *expected, int result, const char *culprit) {
        _cleanup_free_ char *path = NULL;

        collected[0] = '\0';
        assert_int_equal(config_each(dirs, "x.d", ".policy", collect, NULL, &path), result);
        assert_string_equal(collected, expected);
        if (culprit)
                assert_string_equal(path, culprit);
        else
                assert_null(path);
}

static void names_in_order_and_the_highest_wins(void **state _unused_) {
        expect_each("", 0, NULL); /* no directory at all */
        put("lib/x.d/20-b.policy", "lib");
        put("lib/x.d/10-a.policy", "lib");
        put("run/x.d/20-b.policy", "run");
        put("etc/x.d/30-c.policy", "etc");
        put("etc/x.d/05-z.policy", "etc");
        expect_each("etc/x.d/05-z.policy=etc lib/x.d/10-a.policy=lib run/x.d/20-b.policy=run etc/x.d/30-c.policy=etc ",
                    0, NULL);
        put("etc/x.d/20-b.policy", "etc");
        expect_each("etc/x.d/05-z.policy=etc lib/x.d/10-a.policy=lib etc/x.d/20-b.policy=etc etc/x.d/30-c.policy=etc ",
                    0, NULL);
}

static void other_names_are_left_alone(void **state _unused_) {
        put("etc/x.d/a.policy", "a");
        put("etc/x.d/a.policy.dpkg-new", "x");
        put("etc/x.d/a.policy~", "x");
        put("etc/x.d/.hidden.policy", "x");
        put("etc/x.d/.policy", "x");
        put("etc/x.d/policy", "x");
        expect_each("etc/x.d/a.policy=a ", 0, NULL);
}

static void masks(void **state _unused_) {
        put("lib/x.d/a.policy", "lib");
        put("lib/x.d/b.policy", "lib");
        put("lib/x.d/c.policy", "lib");
        put("run/x.d/b.policy", "");
        assert_int_equal(mkdir("etc/x.d", 0700), 0);
        assert_int_equal(symlink("/dev/null", "etc/x.d/a.policy"), 0);
        expect_each("lib/x.d/c.policy=lib ", 0, NULL);
}

static void what_cannot_be_read_ends_it(void **state _unused_) {
        put("lib/x.d/a.policy", "lib");
        put("lib/x.d/c.policy", "lib");
        assert_int_equal(make_directories("etc/x.d", 0700), 0);
        assert_int_equal(symlink("missing", "etc/x.d/b.policy"), 0);
        expect_each("lib/x.d/a.policy=lib ", -ENOENT, "etc/x.d/b.policy");
        assert_int_equal(unlink("etc/x.d/b.policy"), 0);
        assert_int_equal(mkdir("etc/x.d/b.policy", 0700), 0);
        expect_each("lib/x.d/a.policy=lib ", -EISDIR, "etc/x.d/b.policy");
        assert_int_equal(rmdir("etc/x.d/b.policy"), 0);
        fail_with = -EPIPE;
        expect_each("lib/x.d/a.policy=lib ", -EPIPE, "lib/x.d/a.policy");
        fail_with = 0;
        assert_int_equal(rmdir("etc/x.d"), 0);
        put("etc/x.d", "a file");
        expect_each("", -ENOTDIR, "etc/x.d"); /* what was meant to be in it is missing */
}

static void too_large_is_an_error(void **state _unused_) {
        char *text = repeat('#', 1024 * 1024 + 1);

        put("lib/x.d/a.policy", text);
        free(text);
        expect_each("", -EFBIG, "lib/x.d/a.policy");
}

static void finding_one(void **state _unused_) {
        char *path = NULL;

        assert_int_equal(config_find(dirs, "one", &path), -ENOENT);
        put("lib/one", "x");
        assert_int_equal(config_find(dirs, "one", &path), 0);
        assert_string_equal(path, "lib/one");
        free(path);
        put("etc/one", "x");
        assert_int_equal(config_find(dirs, "one", &path), 0);
        assert_string_equal(path, "etc/one");
        free(path);
        put("etc/one", ""); /* a mask */
        path = NULL;
        assert_int_equal(config_find(dirs, "one", &path), -ENOENT);
        assert_null(path);
}

static void the_daemons_own_files(void **state _unused_) {
        _cleanup_free_ char *path = NULL, *culprit = NULL;

        put("lib/sealwatchd.conf", "main");
        put("etc/sealwatchd.conf.d/10.conf", "ten");
        put("lib/sealwatchd.conf.d/05.conf", "five");
        collected[0] = '\0';
        assert_int_equal(config_each_daemon_file(dirs, collect, NULL, &path), 0);
        assert_string_equal(collected, "lib/sealwatchd.conf=main lib/sealwatchd.conf.d/05.conf=five "
                                       "etc/sealwatchd.conf.d/10.conf=ten ");
        put("etc/sealwatchd.conf", ""); /* masks the main file, not the others */
        collected[0] = '\0';
        assert_int_equal(config_each_daemon_file(dirs, collect, NULL, &path), 0);
        assert_string_equal(collected, "lib/sealwatchd.conf.d/05.conf=five etc/sealwatchd.conf.d/10.conf=ten ");
        fail_with = -EPIPE;
        put("etc/sealwatchd.conf", "main");
        assert_int_equal(config_each_daemon_file(dirs, collect, NULL, &culprit), -EPIPE);
        assert_string_equal(culprit, "etc/sealwatchd.conf");
        fail_with = 0;
}

static unsigned ends;

static int take_piece(void *sink _unused_, const char *file, const char *text, size_t n) {
        size_t used = strlen(collected);

        if (n == 0) {
                ends++;
                snprintf(collected + used, sizeof(collected) - used, "<%s>", file);
        } else if (n < 100)
                snprintf(collected + used, sizeof(collected) - used, "%.*s", (int) n, text);
        else
                snprintf(collected + used, sizeof(collected) - used, "%zu+", n);
        return fail_with;
}

static int reference(const char *pattern) {
        collected[0] = '\0';
        ends = 0;
        return config_reference((void *) dirs, pattern, take_piece, NULL);
}

static void reference_files(void **state _unused_) {
        char here[4096], pattern[8192];
        char *big = repeat('x', 64 * 1024 + 5);

        put("lib/reference.d/base.sha256", "lib");
        put("etc/reference.d/base.sha256", "etc");
        put("etc/reference.d/empty.sha256", " ");
        assert_int_equal(reference("base.sha256"), 0);
        assert_string_equal(collected, "etc<etc/reference.d/base.sha256>");
        assert_int_equal(reference("other.sha256"), -ENOENT);

        assert_non_null(getcwd(here, sizeof(here)));
        snprintf(pattern, sizeof(pattern), "%s/*/reference.d/base.*", here);
        assert_int_equal(reference(pattern), 0);
        assert_int_equal(ends, 2);
        assert_non_null(strstr(collected, "lib<"));
        snprintf(pattern, sizeof(pattern), "%s/none*", here);
        assert_int_equal(reference(pattern), -ENOENT);
        snprintf(pattern, sizeof(pattern), "%s/lib", here); /* a directory */
        assert_int_equal(reference(pattern), -EINVAL);

        put("etc/reference.d/big.sha256", big);
        free(big);
        assert_int_equal(reference("big.sha256"), 0);
        assert_string_equal(collected, "65536+xxxxx<etc/reference.d/big.sha256>");
        fail_with = -EPIPE;
        assert_int_equal(reference("base.sha256"), -EPIPE);
        fail_with = 0;
}

static void users_of_passwd(void **state _unused_) {
        uint32_t uid = 7;

        assert_int_equal(config_user(NULL, "root", &uid), 0);
        assert_int_equal(uid, 0);
        assert_int_equal(config_user(NULL, "no-such-user-here", &uid), -ENOENT);
        assert_int_equal(config_user(NULL, "", &uid), -ENOENT);
}

static void policies_come_from_policy_d(void **state _unused_) {
        _cleanup_free_ char *path = NULL;

        put("lib/policy.d/a.policy", "one");
        put("lib/policy.d/b.conf", "two");
        collected[0] = '\0';
        assert_int_equal(config_policies((void *) dirs, collect, NULL, &path), 0);
        assert_string_equal(collected, "lib/policy.d/a.policy=one ");
        assert_null(path);
        assert_int_equal(symlink("nowhere", "etc/policy.d"), 0); /* a directory that is not there */
        assert_int_equal(config_policies((void *) dirs, collect, NULL, &path), 0);
        assert_null(path);
        assert_int_equal(mkdir("run/policy.d", 0700) + mkdir("run/policy.d/c.policy", 0700), 0);
        assert_int_equal(config_policies((void *) dirs, collect, NULL, &path), -EISDIR);
        assert_string_equal(path, "run/policy.d/c.policy");
}

#define CLEAN(function) cmocka_unit_test_setup_teardown(function, clean, sweep)

int main(void) {
        const struct CMUnitTest tests[] = {
                CLEAN(names_in_order_and_the_highest_wins),
                CLEAN(other_names_are_left_alone),
                CLEAN(masks),
                CLEAN(what_cannot_be_read_ends_it),
                CLEAN(too_large_is_an_error),
                CLEAN(finding_one),
                CLEAN(the_daemons_own_files),
                CLEAN(reference_files),
                CLEAN(users_of_passwd),
                CLEAN(policies_come_from_policy_d),
        };

        return cmocka_run_group_tests(tests, enter, leave);
}
