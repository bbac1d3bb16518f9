/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Code that nobody knows, tried by an ordinary user: a program that ends at once. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "tools/ctl/drill.h"

enum {
        STATUS_REFUSED = 126, /* of a child that could not execute */
        STATUS_BUSY = 125,
        ROUNDS = 25,
        RUNS = 3, /* while the file is changed */
        DELAY_MAX_US = 2000,
};
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define KNOWN_PROGRAM "/usr/bin/false" /* whose status is not that of the unknown one */

typedef int (*Body)(const void *context);

/* Runs it as nobody. The status; -1 when there is no process, or a signal ended it. */
static int as_nobody(Body body, const void *context) {
        pid_t child = fork();
        int status;

        if (child == 0) {
                if (syscall(SYS_setgroups, 0, NULL) < 0 || setresgid(DRILL_USER, DRILL_USER, DRILL_USER) < 0 ||
                    setresuid(DRILL_USER, DRILL_USER, DRILL_USER) < 0)
                        _exit(STATUS_BUSY);
                _exit(body(context));
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
                return -1;
        return WEXITSTATUS(status);
}

static int not_executed(void) {
        return drill_result(-1) == TRY_REFUSED ? STATUS_REFUSED : STATUS_BUSY;
}

static int run_file(const void *path) {
        char *const arguments[] = { (char *) path, NULL };

        execv(path, arguments);
        return not_executed();
}

static int run_descriptor(const void *fd) {
        char *const arguments[] = { (char *) "drill", NULL }, *const environment[] = { NULL };

        fexecve(*(const int *) fd, arguments, environment);
        return not_executed();
}

typedef struct Loaded {
        char loader[PATH_MAX];
        const char *path;
} Loaded;

static int run_by_loader(const void *context) {
        const Loaded *l = context;
        char *const arguments[] = { (char *) l->loader, (char *) l->path, NULL };
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (null >= 0)
                (void) dup2(null, STDERR_FILENO); /* what it has to say about it */
        execv(l->loader, arguments);
        return not_executed();
}

static int map_file(const void *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return STATUS_BUSY;
        return mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? not_executed() : 0;
}

static int make_file(const char *path, const Buffer *content) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0755);

        return fd < 0 || fchmod(fd, 0755) < 0 ? -1 : write_all(fd, content->data, content->size);
}

static DrillTry settle(int status) {
        return status == STATUS_REFUSED ? TRY_REFUSED : status == STATUS_BUSY ? TRY_UNABLE : TRY_DONE;
}

static DrillTry run_memfd(const Buffer *program) {
        _cleanup_close_ int fd = memfd_create("drill", MFD_CLOEXEC);

        if (fd < 0 || write_all(fd, program->data, program->size) < 0 || fchmod(fd, 0755) < 0)
                return TRY_UNABLE;
        return settle(as_nobody(run_descriptor, &fd));
}

static DrillTry load_module(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC), off = -1;
        char disabled = '0';

        off = open("/proc/sys/kernel/modules_disabled", O_RDONLY | O_CLOEXEC);
        if (off < 0 || read(off, &disabled, 1) != 1 || disabled != '0')
                return TRY_ABSENT;
        return fd < 0 ? TRY_UNABLE : drill_result(syscall(SYS_finit_module, fd, "", 0));
}

static int read_file(const char *path, Buffer *ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint8_t bytes[4096];
        ssize_t n = -1;

        while (fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
                buffer_bytes(ret, bytes, (size_t) n);
        return n < 0 ? -1 : buffer_error(ret);
}

/* A copy of it, since that is where programs are watched. It ends with 127 when it could not map the program. */
static DrillTry load_program(const char *path) {
        _cleanup_(buffer_done) Buffer loader = {};
        Loaded l = { .path = path };
        int status;

        if (read_file(LOADER, &loader) < 0)
                return TRY_ABSENT;
        if (snprintf(l.loader, sizeof(l.loader), "%s.new", path) >= (int) sizeof(l.loader) ||
            make_file(l.loader, &loader) < 0)
                return TRY_UNABLE;
        status = as_nobody(run_by_loader, &l);
        return settle(status == 127 ? STATUS_REFUSED : status);
}

typedef struct Race {
        DrillItem item;
        char path[PATH_MAX], other[PATH_MAX];
        Buffer known, unknown;
        unsigned unknown_ran, refused;
} Race;

static void race_done(Race *r) {
        buffer_done(&r->known);
        buffer_done(&r->unknown);
}

static int put_file(const Race *r, const Buffer *content) {
        return make_file(r->other, content) < 0 ? -1 : rename(r->other, r->path);
}

/* The known program becomes the unknown one, unless somebody refuses that: while it runs, or because it ran. */
static void change(const Race *r) {
        _cleanup_close_ int fd = -1;

        if (r->item == DRILL_RACE_RENAME) {
                (void) put_file(r, &r->unknown);
                return;
        }
        fd = open(r->path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write_all(fd, r->unknown.data, r->unknown.size) >= 0)
                (void) !ftruncate(fd, (off_t) r->unknown.size);
}

static void run_once(Race *r) {
        int status = as_nobody(run_file, r->path);

        r->unknown_ran += status == 0;
        r->refused += status == STATUS_REFUSED;
}

static int run_round(Race *r) {
        useconds_t delay = (useconds_t) random() % DELAY_MAX_US;
        pid_t child;

        if (put_file(r, &r->known) < 0)
                return -1;
        child = fork();
        if (child == 0) {
                usleep(delay);
                change(r);
                _exit(0);
        }
        for (unsigned i = 0; child > 0 && i < RUNS; i++)
                run_once(r);
        return child < 0 || waitpid(child, NULL, 0) < 0 ? -1 : 0;
}

static DrillTry run_race(DrillItem item, const char *path, const Buffer *program) {
        _cleanup_(race_done) Race r = { .item = item };

        if (read_file(KNOWN_PROGRAM, &r.known) < 0)
                return TRY_ABSENT;
        buffer_bytes(&r.unknown, program->data, program->size);
        if (buffer_error(&r.unknown) < 0)
                return TRY_UNABLE;
        snprintf(r.path, sizeof(r.path), "%s", path);
        if (snprintf(r.other, sizeof(r.other), "%s.new", path) >= (int) sizeof(r.other))
                return TRY_UNABLE;
        for (unsigned i = 0; i < ROUNDS && r.unknown_ran == 0; i++)
                if (run_round(&r) < 0)
                        return TRY_UNABLE;
        if (r.unknown_ran == 0 && put_file(&r, &r.unknown) >= 0)
                run_once(&r); /* now that it cannot win any more */
        return r.unknown_ran > 0 ? TRY_DONE : r.refused > 0 ? TRY_REFUSED : TRY_UNABLE;
}

DrillTry drill_run_code(DrillItem item, const char *id, const char *directory) {
        _cleanup_(buffer_done) Buffer program = {};
        char path[PATH_MAX];

        if (drill_program(id, item, &program) < 0 ||
            snprintf(path, sizeof(path), "%s/%s", directory, drill_row(item)->name) >= (int) sizeof(path))
                return TRY_UNABLE;
        if (item == DRILL_MEMFD)
                return run_memfd(&program);
        if (item == DRILL_RACE_RENAME || item == DRILL_RACE_WRITE)
                return run_race(item, path, &program);
        if (make_file(path, &program) < 0)
                return TRY_UNABLE;
        if (item == DRILL_MODULE)
                return load_module(path);
        if (item == DRILL_LOADER)
                return load_program(path);
        return settle(as_nobody(item == DRILL_EXEC ? run_file : map_file, path));
}
