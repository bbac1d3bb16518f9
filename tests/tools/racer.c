/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Races for code between its hash and its use. In each round there is a new file with known content. One process changes that
 * in one way, at a moment of chance; others execute the file, and map it as code, all the time. For tests, on machines of
 * one's own; installed nowhere.
 *
 *   racer make PAYLOAD FILE                    writes the known content
 *   racer [--uid=N] WAY FILE DIR SECONDS USE   WAY: write, early-write (by a descriptor that was there before anybody executed
 *                                              or mapped the file), store (through a shared mapping), early-store, truncate,
 *                                              punch, direct, uring, clone, rename, bind, move, none
 *                                              USE: exec, map or both
 *
 * --own-overlay: executes and maps through an overlayfs of a user namespace of its own, and changes what is below it.
 * --overlay=DIR: the same through an overlayfs that is there already, whose lower layer is DIR/files.
 *
 * Says on one line what happened, as JSON. Exit status: 0; 100 when the race could not be held. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONTENT_MAX = 1 << 16, PAGE = 4096, STATUS_KNOWN = 11, STATUS_CHANGED = 22 };

typedef struct Counts {
        volatile int over;
        volatile unsigned round;
        unsigned long changed, refused; /* by the way; ways that were refused */
        unsigned long known_ran, changed_ran, exec_denied, busy;
        unsigned long known_mapped, changed_mapped, map_denied, other;
} Counts;

static Counts *counts;
static size_t size;
static uint8_t known[CONTENT_MAX], zeros[PAGE] __attribute__((aligned(PAGE)));
static const char *place;      /* where files are made and changed */
static char seen_at[PATH_MAX]; /* where they are executed and mapped */

static void die(const char *what) {
        fprintf(stderr, "racer: %s: %s\n", what, strerror(errno));
        exit(100);
}

static void count(unsigned long *n) {
        __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static void load(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, known, sizeof(known));

        if (n < PAGE)
                die(path);
        size = (size_t) n;
        close(fd);
}

static int make_file(const char *path, const uint8_t *content) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

        if (fd < 0 || write(fd, content, size) != (ssize_t) size || fsync(fd) < 0)
                die(path);
        return fd;
}

static void make_changed(const char *path) {
        static uint8_t content[CONTENT_MAX];

        memcpy(content, known, size);
        memset(content + size - PAGE, 0, PAGE);
        close(make_file(path, content));
}

/* Cuts what is behind the page: names and sections. */
static int make_known(const char *payload, const char *path) {
        load(payload);
        for (size_t at = 0; at + PAGE <= size; at += PAGE) {
                size_t ones = 0;

                while (ones < PAGE && known[at + ones] == 1)
                        ones++;
                if (ones == PAGE) {
                        size = at + PAGE;
                        close(make_file(path, known));
                        return 0;
                }
        }
        errno = ENOEXEC;
        die(payload);
        return 100;
}

/* What a way has at hand. Each returns 0 or a negative errno. */
typedef struct Round {
        char path[PATH_MAX], other[PATH_MAX];
        int fd;        /* for writing, from before; -1 */
        uint8_t *page; /* a shared mapping from before; NULL */
} Round;

static int open_to_write(Round *r, int flags) {
        if (r->fd < 0)
                r->fd = open(r->path, O_RDWR | O_CLOEXEC | flags);
        return r->fd < 0 ? -errno : 0;
}

static int done(long result) {
        return result < 0 ? -errno : 0;
}

static off_t at(void) {
        return (off_t) (size - PAGE);
}

static int way_none(Round *r) {
        return 0;
}

static int way_write(Round *r) {
        int e = open_to_write(r, 0);

        return e < 0 ? e : done(pwrite(r->fd, zeros, PAGE, at()));
}

static int map_to_store(Round *r) {
        int e = open_to_write(r, 0);

        if (e < 0)
                return e;
        r->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, at());
        if (r->page == MAP_FAILED) {
                r->page = NULL;
                return -errno;
        }
        close(r->fd);
        r->fd = -1;
        return 0;
}

static int way_store(Round *r) {
        int e = r->page ? 0 : map_to_store(r);

        if (e == 0)
                memset(r->page, 0, PAGE);
        return e;
}

static int way_truncate(Round *r) {
        return done(truncate(r->path, (off_t) size - 1));
}

static int way_punch(Round *r) {
        int e = open_to_write(r, 0);

        return e < 0 ? e : done(fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at(), PAGE));
}

static int way_direct(Round *r) {
        int e = open_to_write(r, O_DIRECT);

        return e < 0 ? e : done(pwrite(r->fd, zeros, PAGE, at()));
}

/* One write by io_uring, without its library. */
static int way_uring(Round *r) {
        struct io_uring_params p = {};
        struct io_uring_sqe *entry;
        int ring, e = open_to_write(r, 0);
        uint8_t *rings;

        if (e < 0)
                return e;
        ring = (int) syscall(SYS_io_uring_setup, 1, &p);
        if (ring < 0)
                die("io_uring");
        rings = mmap(NULL,
                     p.sq_off.array + p.sq_entries * 4 + p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
                     PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
        entry = mmap(NULL, sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
        if (rings == MAP_FAILED || entry == MAP_FAILED)
                die("io_uring");
        *entry = (struct io_uring_sqe){
                .opcode = IORING_OP_WRITE, .fd = r->fd, .addr = (uintptr_t) zeros, .len = PAGE, .off = (uint64_t) at()
        };
        *(uint32_t *) (void *) (rings + p.sq_off.array) = 0;
        __atomic_store_n((uint32_t *) (void *) (rings + p.sq_off.tail), 1, __ATOMIC_RELEASE);
        e = done(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
        if (e == 0)
                e = MIN(((struct io_uring_cqe *) (void *) (rings + p.cq_off.cqes))->res, 0);
        close(ring);
        return e;
}

static int way_clone(Round *r) {
        struct file_clone_range range = { .src_length = PAGE, .dest_offset = (uint64_t) at() };
        int e = open_to_write(r, 0);

        if (e < 0)
                return e;
        close(make_file(r->other, known));
        range.src_fd = open(r->other, O_RDWR | O_CLOEXEC);
        if (range.src_fd < 0 || pwrite(range.src_fd, zeros, PAGE, 0) != PAGE)
                die(r->other);
        e = done(ioctl(r->fd, FICLONERANGE, &range));
        close((int) range.src_fd);
        return e;
}

static int way_rename(Round *r) {
        make_changed(r->other);
        return done(rename(r->other, r->path));
}

static int way_bind(Round *r) {
        make_changed(r->other);
        return done(mount(r->other, r->path, NULL, MS_BIND, NULL));
}

/* A whole directory, over the one that the file is in. */
static int way_move(Round *r) {
        const char *name = strrchr(r->path, '/');
        char stage[PATH_MAX / 2], changed[PATH_MAX];
        int e;

        snprintf(stage, sizeof(stage), "%s/stage", place);
        snprintf(changed, sizeof(changed), "%s/stage%s", place, name);
        if (mkdir(stage, 0755) < 0 && errno != EEXIST)
                die(stage);
        make_changed(changed);
        if (mount(stage, stage, NULL, MS_BIND, NULL) < 0)
                die("bind");
        snprintf(changed, sizeof(changed), "%s/files", place);
        e = done(mount(stage, changed, NULL, MS_MOVE, NULL));
        if (e < 0)
                (void) umount2(stage, MNT_DETACH);
        return e;
}

static const struct {
        const char *name;
        int (*change)(Round *r);
        bool early_write, early_map, mounts;
} ways[] = {
        { "none", way_none },
        { "write", way_write },
        { "early-write", way_write, .early_write = true },
        { "store", way_store },
        { "early-store", way_store, .early_map = true },
        { "truncate", way_truncate },
        { "punch", way_punch },
        { "direct", way_direct },
        { "uring", way_uring },
        { "clone", way_clone },
        { "rename", way_rename },
        { "bind", way_bind, .mounts = true },
        { "move", way_move, .mounts = true },
};

static void pause_for(unsigned max) {
        usleep((useconds_t) (rand() % (int) max));
}

/* What is raced for takes some 100 µs on one machine and some 10 ms on another. */
static void pause_a_while(void) {
        pause_for(256U << rand() % 9);
}

static void play_round(size_t way, unsigned n) {
        Round r = { .fd = -1 };
        int e;

        snprintf(r.path, sizeof(r.path), "%s/files/race.%u", place, n);
        snprintf(r.other, sizeof(r.other), "%s/other.%u", place, n);
        r.fd = make_file(r.path, known);
        if (ways[way].early_map && map_to_store(&r) < 0)
                die("mmap");
        if (!ways[way].early_write && !ways[way].early_map) {
                close(r.fd);
                r.fd = -1;
        }
        counts->round = n;
        pause_a_while();
        e = ways[way].change(&r);
        if (e < 0 && e != -EPERM && e != -ETXTBSY) {
                errno = -e;
                die(ways[way].name);
        }
        count(e == 0 ? &counts->changed : &counts->refused);
        pause_a_while();
        if (r.page)
                (void) munmap(r.page, PAGE);
        if (r.fd >= 0)
                close(r.fd);
        pause_a_while();
        if (ways[way].mounts && e == 0) {
                char files[PATH_MAX];

                snprintf(files, sizeof(files), "%s/files", place);
                if (umount2(ways[way].change == way_move ? files : r.path, MNT_DETACH) < 0)
                        die("umount");
        }
        (void) unlink(r.path);
        (void) unlink(r.other);
}

static void execute(const char *path) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                execl(path, path, NULL);
                _exit(errno == EPERM ? 101 : errno == ETXTBSY ? 102 : errno == ENOENT ? 103 : 104);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
                return count(&counts->other);
        switch (WEXITSTATUS(status)) {
        case STATUS_KNOWN:
                return count(&counts->known_ran);
        case STATUS_CHANGED:
                return count(&counts->changed_ran);
        case 101:
                return count(&counts->exec_denied);
        case 102:
                return count(&counts->busy);
        case 103:
                return;
        }
        count(&counts->other);
}

/* Maps it as code, and looks at it for a while: what is there could be run. */
static void map(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        const volatile uint8_t *page;
        bool changed = false;

        if (fd < 0)
                return;
        page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, at());
        close(fd);
        if (page == MAP_FAILED) {
                count(errno == EPERM ? &counts->map_denied : &counts->other);
                return pause_for(10000); /* each is an event */
        }
        for (int i = 0; i < 20 && !changed; i++) {
                changed = page[0] == 0 || page[PAGE - 1] == 0;
                pause_for(500);
        }
        (void) munmap((void *) page, PAGE);
        count(changed ? &counts->changed_mapped : &counts->known_mapped);
}

static pid_t start(void (*use)(const char *path)) {
        pid_t pid = fork();
        char path[PATH_MAX];

        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (!counts->over) {
                snprintf(path, sizeof(path), "%.*s/race.%u", PATH_MAX - 32, seen_at, counts->round);
                use(path);
        }
        _exit(0);
}

static void write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                die(path);
        close(fd);
}

/* As any user can. */
static void make_overlay(void) {
        char text[3 * PATH_MAX];

        snprintf(text, sizeof(text), "0 %u 1", getuid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                die("unshare");
        write_text("/proc/self/setgroups", "deny"); /* user and group are the same */
        write_text("/proc/self/uid_map", text);
        write_text("/proc/self/gid_map", text);
        if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/upper", 0755) < 0 ||
            mkdir("/tmp/work", 0755) < 0 || mkdir("/tmp/merged", 0755) < 0)
                die("tmpfs");
        snprintf(text, sizeof(text), "lowerdir=%s/files,upperdir=/tmp/upper,workdir=/tmp/work,userxattr", place);
        if (mount("overlay", "/tmp/merged", "overlay", 0, text) < 0)
                die("overlay");
        snprintf(seen_at, sizeof(seen_at), "/tmp/merged");
}

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int race(size_t way, double seconds, const char *use) {
        pid_t users[2] = {};
        double end;

        counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (counts == MAP_FAILED)
                die("mmap");
        if (strcmp(use, "map") != 0)
                users[0] = start(execute);
        if (strcmp(use, "exec") != 0)
                users[1] = start(map);
        end = now() + seconds;
        for (unsigned n = 1; now() < end; n++)
                play_round(way, n);
        counts->over = 1;
        for (int i = 0; i < 2; i++)
                if (users[i] > 0)
                        (void) waitpid(users[i], NULL, 0);
        printf("{\"way\": \"%s\", \"changed\": %lu, \"refused\": %lu, \"known_ran\": %lu, \"changed_ran\": %lu, "
               "\"exec_denied\": %lu, \"busy\": %lu, \"known_mapped\": %lu, \"changed_mapped\": %lu, \"map_denied\": "
               "%lu, "
               "\"other\": %lu}\n",
               ways[way].name, counts->changed, counts->refused, counts->known_ran, counts->changed_ran,
               counts->exec_denied, counts->busy, counts->known_mapped, counts->changed_mapped, counts->map_denied,
               counts->other);
        return 0;
}

int main(int argc, char **argv) {
        bool own_overlay = false;
        const char *overlay = NULL;
        unsigned uid = 0;

        if (argc == 4 && strcmp(argv[1], "make") == 0)
                return make_known(argv[2], argv[3]);
        for (; argc > 1 && strncmp(argv[1], "--", 2) == 0; argc--, argv++)
                if (strncmp(argv[1], "--uid=", 6) == 0)
                        uid = (unsigned) atoi(argv[1] + 6);
                else if (strncmp(argv[1], "--overlay=", 10) == 0)
                        overlay = argv[1] + 10;
                else
                        own_overlay = strcmp(argv[1], "--own-overlay") == 0;
        if (argc != 6) {
                fputs("usage: racer make PAYLOAD FILE | [--uid=N] [--own-overlay] WAY FILE DIR SECONDS "
                      "exec|map|both\n",
                      stderr);
                return 100;
        }
        if (uid != 0 &&
            (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0))
                die("setresuid");
        load(argv[2]);
        place = argv[3];
        snprintf(seen_at, sizeof(seen_at), "%s/files", place);
        if (mkdir(seen_at, 0755) < 0 && errno != EEXIST)
                die(seen_at);
        if (overlay)
                snprintf(seen_at, sizeof(seen_at), "%s", overlay);
        if (own_overlay)
                make_overlay();
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
                if (strcmp(ways[i].name, argv[1]) == 0)
                        return race(i, atof(argv[4]), argv[5]);
        fputs("racer: there is no such way\n", stderr);
        return 100;
}
