/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl policy learn: a reference set of all code below directories, as sha256sum(1) writes it. Code is what has
 * an executable bit, or starts like a program or script. */

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/digest.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tools/ctl/ctl.h"

enum { PIECE_SIZE = 256 * 1024 };

typedef struct Learning {
        Buffer lines;
        DigestStream *stream;
        char *piece;
        uint64_t files, bytes, skipped;
        bool progress; /* standard error is a terminal */
        struct timespec started, shown;
} Learning;

static void learning_done(Learning *l) {
        buffer_done(&l->lines);
        digest_stream_free(l->stream);
        free(l->piece);
}

static double seconds_since(const struct timespec *then) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) (now.tv_sec - then->tv_sec) + (double) (now.tv_nsec - then->tv_nsec) / 1e9;
}

static void show_progress(Learning *l, bool last) {
        double seconds = seconds_since(&l->started);

        if (!l->progress || (!last && seconds_since(&l->shown) < 0.2))
                return;
        clock_gettime(CLOCK_MONOTONIC, &l->shown);
        fprintf(stderr, "\r%llu files, %.1f MB, %.0f MB/s%s", (unsigned long long) l->files, (double) l->bytes / 1e6,
                seconds > 0 ? (double) l->bytes / 1e6 / seconds : 0, last ? "\n" : "");
}

/* Programs, scripts, libraries, modules, kernels (which are EFI programs), and what drivers load. */
static bool looks_like_code(const char *path, const char *start, size_t n, mode_t mode) {
        static const char *const magics[] = { "\177ELF", "#!", "MZ" };
        static const char *const names[] = { "*.ko.gz", "*.ko.xz", "*.ko.zst", "*/lib/firmware/*" };

        for (size_t i = 0; i < ELEMENTSOF(magics); i++)
                if (n >= strlen(magics[i]) && memcmp(start, magics[i], strlen(magics[i])) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (fnmatch(names[i], path, 0) == 0)
                        return true;
        return mode & 0111;
}

/* sha256sum's line: a path with a backslash or line break is escaped, and the line says so with a backslash. */
static void put_line(Buffer *b, const char *hex, const char *path) {
        bool escape = strpbrk(path, "\\\n\r");

        if (escape)
                buffer_u8(b, '\\');
        buffer_string(b, hex);
        buffer_string(b, "  ");
        for (; *path; path++)
                if (*path == '\\' || *path == '\n' || *path == '\r') {
                        buffer_u8(b, '\\');
                        buffer_u8(b, *path == '\n' ? 'n' : *path == '\r' ? 'r' : '\\');
                } else
                        buffer_u8(b, (uint8_t) *path);
        buffer_u8(b, '\n');
}

/* Hashes the rest of an open file whose first bytes are in l->piece. */
static int hash_file(Learning *l, int fd, ssize_t first, Digest *ret) {
        for (ssize_t n = first; n > 0; n = read_up_to(fd, l->piece, PIECE_SIZE)) {
                int r = digest_stream_add(l->stream, l->piece, (size_t) n);

                if (r < 0)
                        return r;
                l->bytes += (uint64_t) n;
                show_progress(l, false);
        }
        return digest_stream_end(l->stream, ret);
}

static int learn_file(Learning *l, const char *access_path, const char *path) {
        _cleanup_close_ int fd = open(access_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        char hex[2 * DIGEST_MAX + 1];
        struct stat st;
        Digest digest;
        ssize_t n;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0) {
                l->skipped++;
                return errno == ENOMEM ? -ENOMEM : 0;
        }
        if (!S_ISREG(st.st_mode))
                return 0;
        n = read_up_to(fd, l->piece, PIECE_SIZE);
        if (n < 0) {
                l->skipped++;
                return 0;
        }
        if (!looks_like_code(path, l->piece, (size_t) n, st.st_mode))
                return 0;
        r = hash_file(l, fd, n, &digest);
        if (r < 0)
                return r;
        put_line(&l->lines, digest_hex(&digest, hex), path);
        l->files++;
        return buffer_error(&l->lines);
}

static int compare_entries(const FTSENT **a, const FTSENT **b) {
        return strcmp((*a)->fts_name, (*b)->fts_name);
}

DEFINE_CLEANUP(FTS *, fts_close)

static int learn_trees(Learning *l, char **directories) {
        _cleanup_(fts_closep) FTS *tree = fts_open(directories, FTS_PHYSICAL | FTS_NOCHDIR, compare_entries);
        const FTSENT *entry;

        if (!tree)
                return -errno;
        for (errno = 0; (entry = fts_read(tree)); errno = 0) {
                int r = 0;

                if (entry->fts_info == FTS_NS && entry->fts_level == 0)
                        return -entry->fts_errno;
                if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
                        l->skipped++;
                else if (entry->fts_info == FTS_F)
                        r = learn_file(l, entry->fts_accpath, entry->fts_path);
                if (r < 0)
                        return r;
        }
        return -errno;
}

static int write_result(const Ctl *c, Learning *l, const char *output) {
        int r;

        if (output)
                r = file_write_atomic(AT_FDCWD, output, 0644, l->lines.data, l->lines.size);
        else
                r = write_all(STDOUT_FILENO, l->lines.data, l->lines.size);
        if (r < 0)
                return ctl_fail(c, CTL_NO, "cannot write %s: %s", output ?: "the reference set", strerror(-r));
        show_progress(l, true);
        if (output && c->json)
                printf("{\"bytes\":%llu,\"files\":%llu,\"skipped\":%llu}\n", (unsigned long long) l->bytes,
                       (unsigned long long) l->files, (unsigned long long) l->skipped);
        else if (output)
                printf("%llu files (%.1f MB) in %s, %llu could not be read\n", (unsigned long long) l->files,
                       (double) l->bytes / 1e6, output, (unsigned long long) l->skipped);
        return CTL_YES;
}

int verb_policy_learn(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "output", required_argument, NULL, 'o' }, {} };
        _cleanup_(learning_done) Learning l = { .progress = isatty(STDERR_FILENO) };
        const char *output = NULL;
        int o, r;

        optind = 0;
        while ((o = getopt_long(argc, argv, "", options, NULL)) == 'o')
                output = optarg;
        if (o >= 0 || optind >= argc)
                return ctl_fail(c, CTL_USAGE, "usage: policy learn [--output FILE] DIR…");
        clock_gettime(CLOCK_MONOTONIC, &l.started);
        l.piece = malloc(PIECE_SIZE);
        r = l.piece ? digest_stream_new(HASH_SHA256, &l.stream) : -ENOMEM;
        if (r >= 0)
                r = learn_trees(&l, argv + optind);
        if (r < 0)
                return ctl_fail(c, CTL_NO, "cannot learn: %s", strerror(-r));
        return write_result(c, &l, output);
}
