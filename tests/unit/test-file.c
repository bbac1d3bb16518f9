/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whole files, in a directory of their own below the working directory. */

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "test-file.XXXXXX";

static void write_file(const char *name, const char *text, size_t n) {
        _cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, text, n), 0);
}

static int enter(void **state _unused_) {
        return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state _unused_) {
        return system("rm -rf -- *") == 0 && chdir("..") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void reads_up_to_the_limit(void **state _unused_) {
        static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 10000 };
        static char text[20000];

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_free_ char *data = NULL, *none = NULL;
                size_t n = sizes[i], read = 7;

                memset(text, 'a', n);
                write_file("f", text, n);
                assert_int_equal(file_read(AT_FDCWD, "f", n, &data, &read), 0);
                assert_int_equal(read, n);
                assert_memory_equal(data, text, n);
                assert_int_equal(data[n], '\0');
                if (n > 0)
                        assert_int_equal(file_read(AT_FDCWD, "f", n - 1, &none, &read), -EFBIG);
                assert_null(none);
        }
}

/* Files that say they have no bytes, and have. */
static void reads_what_says_it_is_empty(void **state _unused_) {
        _cleanup_free_ char *data = NULL, *none = NULL;
        size_t n;

        assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &n), 0);
        assert_true(n > 100);
        assert_memory_equal(data, "Name:", 5);
        assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 99, &none, &n), -EFBIG);
        assert_null(none);
}

static void reads_large_files_of_proc(void **state _unused_) {
        enum { PAGES = 400 };
        _cleanup_free_ char *data = NULL, *none = NULL;
        char *p = mmap(NULL, PAGES * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t n;

        assert_ptr_not_equal(p, MAP_FAILED);
        for (size_t i = 0; i < PAGES; i += 2) /* a mapping for each page: a long list */
                assert_int_equal(mprotect(p + i * 4096, 4096, PROT_READ), 0);
        assert_int_equal(file_read(AT_FDCWD, "/proc/self/smaps", 64 << 20, &data, &n), 0);
        assert_true(n > 65536);
        assert_int_equal(strlen(data), n);
        assert_int_equal(file_read(AT_FDCWD, "/proc/self/smaps", 65536, &none, &n), -EFBIG);
        assert_null(none);
        munmap(p, PAGES * 4096);
}

static void only_regular_files(void **state _unused_) {
        char *data = NULL;
        size_t n;

        assert_int_equal(file_read(AT_FDCWD, ".", 100, &data, &n), -EISDIR);
        assert_int_equal(file_read(AT_FDCWD, "missing", 100, &data, &n), -ENOENT);
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(file_read(AT_FDCWD, "fifo", 100, &data, &n), -EINVAL); /* and does not wait */
        assert_int_equal(file_read(AT_FDCWD, "/dev/null", 100, &data, &n), -EINVAL);
        assert_null(data);
}

static void writes_in_one_step(void **state _unused_) {
        _cleanup_close_ int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *data = NULL, *again = NULL;
        struct stat st, before;
        size_t n;

        write_file("target.new", "left behind", 11);
        assert_int_equal(file_write_atomic(dir, "target", 0640, "one", 3), 0);
        assert_int_equal(file_read(dir, "target", 100, &data, &n), 0);
        assert_string_equal(data, "one");
        assert_int_equal(stat("target", &before), 0);
        assert_int_equal(before.st_mode & 0777, 0640);
        assert_int_equal(access("target.new", F_OK), -1);

        assert_int_equal(file_write_atomic(dir, "target", 0600, "", 0), 0);
        assert_int_equal(file_read(dir, "target", 100, &again, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(stat("target", &st), 0);
        assert_true(st.st_ino != before.st_ino); /* another file, not the old one changed */

        assert_int_equal(file_write_atomic(dir, "missing/target", 0600, "x", 1), -ENOENT);
        assert_int_equal(mkdir("a-directory", 0700), 0);
        assert_int_equal(file_write_atomic(dir, "a-directory", 0600, "x", 1), -EISDIR);
        assert_int_equal(access("a-directory.new", F_OK), -1); /* nothing is left behind */
}

static void directories_and_their_parents(void **state _unused_) {
        struct stat st;

        assert_int_equal(make_directories("d/e/f", 0700), 0);
        assert_int_equal(stat("d/e/f", &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(stat("d/e", &st), 0);
        assert_int_equal(make_directories("d/e/f", 0700), 0);
        assert_int_equal(make_directories("d", 0700), 0);
        assert_int_equal(make_directories("/", 0700), 0);
        assert_int_equal(make_directories("", 0700), -EINVAL);
        write_file("plain", "x", 1);
        assert_int_equal(make_directories("plain/below", 0700), -ENOTDIR);
}

static void maps_whole_files(void **state _unused_) {
        _cleanup_close_ int fd = -1, empty = -1;
        FileMap m = {};

        write_file("mapped", "hello", 5);
        write_file("empty", "", 0);
        fd = open("mapped", O_RDONLY | O_CLOEXEC);
        empty = open("empty", O_RDONLY | O_CLOEXEC);
        assert_int_equal(file_map(fd, &m), 0);
        assert_int_equal(m.size, 5);
        assert_memory_equal(m.data, "hello", 5);
        file_unmap(&m);
        assert_null(m.data);
        file_unmap(&m);
        assert_int_equal(file_map(empty, &m), 0);
        assert_int_equal(m.size, 0);
        assert_null(m.data);
        file_unmap(&m);
        assert_int_equal(file_map(-1, &m), -EBADF);
}

static void descriptors(void **state _unused_) {
        _cleanup_close_ int fd = open("rw", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        char data[8] = "";

        assert_int_equal(write_all(fd, "0123456789", 10), 0);
        assert_int_equal(pwrite_all(fd, "ab", 2, 4), 0);
        assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
        assert_int_equal(read_up_to(fd, data, 6), 6);
        assert_memory_equal(data, "23ab67", 6);
        assert_int_equal(read_up_to(fd, data, 6), 2);
        assert_int_equal(read_up_to(fd, data, 6), 0);
        assert_int_equal(write_all(-1, "x", 1), -EBADF);
        assert_int_equal(pwrite_all(-1, "x", 1, 0), -EBADF);
        assert_int_equal(read_up_to(-1, data, 1), -EBADF);
        errno = ERANGE;
        assert_int_equal(safe_close(-1), -1);
        assert_int_equal(safe_close(dup(fd)), -1);
        assert_int_equal(errno, ERANGE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_up_to_the_limit),     TEST(reads_what_says_it_is_empty),
                TEST(reads_large_files_of_proc), TEST(only_regular_files),
                TEST(writes_in_one_step),        TEST(directories_and_their_parents),
                TEST(maps_whole_files),          TEST(descriptors),
        };

        return cmocka_run_group_tests(tests, enter, leave);
}
