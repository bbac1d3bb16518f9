/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a program that was allowed to run can do then: ways past the gate, and races against it. It says what it does and
 * what came of it. For tests and the tour, on machines of one's own; installed nowhere.
 *
 *   attack memfd FILE                      copies FILE into a memfd and executes that
 *   attack userns-tmpfs FILE               mounts a tmpfs in a user namespace, copies FILE there, executes it
 *   attack mount-exec FILE DIR             mounts a tmpfs at DIR, copies FILE there, executes it at once
 *   attack ldso FILE [LOADER]              has the dynamic loader load FILE (not a static program)
 *   attack fd FILE                         executes FILE by /proc/self/fd
 *   attack unlinked FILE                   copies FILE beside itself, opens the copy, unlinks and executes it
 *   attack check FILE                      asks whether FILE may be executed (AT_EXECVE_CHECK), and does not
 *   attack chain N FILE                    executes itself N times, one after the other, then FILE
 *   attack race FILE A B SECONDS [starve]  executes FILE again and again while it is rewritten with A and B in turn.
 *                                          A must end with status 11, B with 22, and B should be denied. starve: those
 *                                          who execute get hardly any time between the gate's answer and the kernel's
 *                                          own protection
 *
 *   attack map FILE                        maps FILE as code
 *   attack protect FILE                    maps FILE as data, then makes that executable
 *   attack implied FILE                    maps FILE as data where that implies code (personality(2))
 *   attack module FILE                     loads FILE as a kernel module, from the file
 *   attack module-data FILE                the same, from memory
 *   attack kexec FILE                      loads FILE as a kernel to be started
 *   attack overwrite FILE                  opens FILE for writing
 *   attack truncate FILE                   truncates FILE by opening it, for reading only
 *   attack cut-path FILE                   truncates FILE by its path
 *   attack memory FILE OTHER               maps a memfd with FILE's content as code, then again with OTHER's
 *   attack store FILE                      changes FILE through a shared mapping, then maps it as code
 *   attack cut FILE                        maps a memfd with FILE's content, sealed for writing, as code; cuts it; maps it
 *   attack sealed FILE                     maps a memfd with FILE's content and all seals as code
 *   attack silence TEXT FILE               executes TEXT in vain, silences the kernel's hooks, executes FILE
 *   attack sneak FILE ROUNDS               changes copies of FILE while somebody maps them as code, and counts the times
 *                                          that both were done
 *
 * --uid=N in front becomes that user first. Exit status: that of what was executed; of race how often B ran, at most 99, of
 * sneak the count; of those between them 0 when it was done, 1 when it was not permitted, 2 when it failed for another reason. */

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef AT_EXECVE_CHECK /* 6.14 */
#define AT_EXECVE_CHECK 0x10000
#endif

enum { CONTENT_MAX = 4 << 20, STATUS_A = 11, STATUS_B = 22, EXECUTERS = 4, SPINNERS = 3 };

typedef struct Content {
        size_t size;
        uint8_t data[CONTENT_MAX];
} Content;

static char *self; /* the path we were run by */

static void say(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        fputs("attack: ", stdout);
        vprintf(format, ap);
        putchar('\n');
        va_end(ap);
        fflush(stdout);
}

static void die(const char *what) {
        fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
        exit(100);
}

static int open_file(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC);

        if (fd < 0)
                die(path);
        return fd;
}

static void load(const char *path, Content *c) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, c->data, sizeof(c->data));

        if (n < 0)
                die(path);
        c->size = (size_t) n;
        close(fd);
}

static void store(int fd, const Content *c, const char *what) {
        if (write(fd, c->data, c->size) != (ssize_t) c->size)
                die(what);
}

static void become(uid_t uid) {
        if (uid == 0)
                return;
        if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
                die("setresuid");
        say("is user %u now", uid);
}

static int execute(const char *path) {
        char *const arguments[] = { (char *) path, NULL };

        execv(path, arguments);
        say("%s did not run: %s", path, strerror(errno));
        return 128 + errno;
}

static int execute_fd(int fd) {
        char path[32];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return execute(path);
}

static int attack_memfd(char **arguments) {
        static Content c;
        struct timespec t;
        int fd = memfd_create("attack", MFD_CLOEXEC);

        load(arguments[0], &c);
        if (fd < 0)
                die("memfd_create");
        store(fd, &c, "memfd");
        clock_gettime(CLOCK_BOOTTIME, &t);
        say("executes a memfd with the %zu bytes of %s, boottime=%lld", c.size, arguments[0],
            (long long) t.tv_sec * 1000000 + t.tv_nsec / 1000);
        return execute_fd(fd);
}

static void write_map(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                die(path);
        close(fd);
}

static int attack_userns_tmpfs(char **arguments) {
        static Content c;
        char map[64];
        int fd;

        load(arguments[0], &c);
        snprintf(map, sizeof(map), "0 %u 1", getuid()); /* become() made user and group the same */
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                die("unshare");
        write_map("/proc/self/setgroups", "deny");
        write_map("/proc/self/uid_map", map);
        write_map("/proc/self/gid_map", map);
        if (mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") < 0)
                die("mount");
        fd = open("/tmp/program", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        if (fd < 0)
                die("/tmp/program");
        store(fd, &c, "/tmp/program");
        close(fd);
        say("executes a copy of %s on a tmpfs of its own user namespace", arguments[0]);
        return execute("/tmp/program");
}

static int attack_mount_exec(char **arguments) {
        static Content c;
        char path[4096];
        int fd;

        load(arguments[0], &c);
        snprintf(path, sizeof(path), "%s/program", arguments[1]);
        if (mount("tmpfs", arguments[1], "tmpfs", 0, "mode=755") < 0)
                die("mount");
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        if (fd < 0)
                die(path);
        store(fd, &c, path);
        close(fd);
        return execute(path);
}

static int attack_ldso(char **arguments) {
        const char *loader = arguments[1] ? arguments[1] : "/lib64/ld-linux-x86-64.so.2";
        char *const command[] = { (char *) loader, arguments[0], NULL };

        say("has %s load %s", loader, arguments[0]);
        execv(loader, command);
        say("%s did not run: %s", loader, strerror(errno));
        return 128 + errno;
}

static int attack_fd(char **arguments) {
        return execute_fd(open_file(arguments[0], O_RDONLY));
}

static int attack_unlinked(char **arguments) {
        static Content c;
        char path[4096];
        int fd;

        load(arguments[0], &c);
        snprintf(path, sizeof(path), "%s.unlinked", arguments[0]);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        if (fd < 0)
                die(path);
        store(fd, &c, path);
        close(fd);
        fd = open_file(path, O_RDONLY);
        unlink(path);
        return execute_fd(fd);
}

static int attack_chain(char **arguments) {
        char left[16], *const command[] = { self, (char *) "chain", left, arguments[1], NULL };

        if (atoi(arguments[0]) == 0)
                return execute(arguments[1]);
        snprintf(left, sizeof(left), "%d", atoi(arguments[0]) - 1);
        execv(self, command);
        return 128 + errno;
}

/* The race. What is counted is shared by all processes. */
typedef struct Counts {
        volatile int over;
        unsigned long writes, blocked, a, b, denied, busy, other;
} Counts;

static void count(unsigned long *n) {
        __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void write_in_turn(const char *path, const Content *contents, Counts *n) {
        usleep(50000); /* A runs first */
        for (unsigned i = 0; !n->over; i++) {
                double start = now();
                int fd = open(path, O_WRONLY | O_CLOEXEC); /* waits for a lease to end */

                if (fd < 0) {
                        sched_yield(); /* ETXTBSY: it runs */
                        continue;
                }
                if (now() - start > 0.01)
                        count(&n->blocked);
                if (pwrite(fd, contents[i % 2].data, contents[i % 2].size, 0) != (ssize_t) contents[i % 2].size)
                        die(path);
                close(fd);
                count(&n->writes);
                usleep(rand() % (i % 2 ? 400 : 4000)); /* A stays long enough to run, mostly */
        }
}

static void run_once(const char *path, int starve, Counts *n) {
        const struct sched_param none = {};
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                if (starve)
                        (void) sched_setscheduler(0, SCHED_IDLE, &none);
                execl(path, path, NULL);
                _exit(errno == EPERM ? 101 : errno == ETXTBSY ? 102 : 103);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
                return count(&n->other);
        switch (WEXITSTATUS(status)) {
        case STATUS_A:
                return count(&n->a);
        case STATUS_B:
                return count(&n->b);
        case 101:
                return count(&n->denied);
        case 102:
                return count(&n->busy);
        }
        count(&n->other);
}

static pid_t helper(void) {
        pid_t pid = fork();

        if (pid < 0)
                die("fork");
        if (pid == 0)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        return pid;
}

static int attack_race(char **arguments) {
        static Content contents[2];
        const char *path = arguments[0];
        const double seconds = atof(arguments[3]);
        const int starve = arguments[4] && strcmp(arguments[4], "starve") == 0;
        Counts *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        unsigned helpers = 0;

        if (n == MAP_FAILED)
                die("mmap");
        load(arguments[1], &contents[0]);
        load(arguments[2], &contents[1]);
        say("races for %s, for %g s%s", path, seconds, starve ? ", starving those who execute" : "");
        if (helper() == 0) {
                write_in_turn(path, contents, n);
                _exit(0);
        }
        helpers++;
        for (int i = 0; starve && i < SPINNERS * (int) sysconf(_SC_NPROCESSORS_ONLN); i++, helpers++)
                if (helper() == 0) {
                        while (!n->over)
                                ;
                        _exit(0);
                }
        for (int i = 0; i < (starve ? EXECUTERS : 1); i++, helpers++)
                if (helper() == 0) {
                        while (!n->over)
                                run_once(path, starve, n);
                        _exit(0);
                }
        usleep((useconds_t) (seconds * 1e6));
        n->over = 1;
        for (; helpers > 0; helpers--)
                wait(NULL);
        say("%lu writes, %lu of them held off; A ran %lu times, B was denied %lu times, B RAN %lu TIMES, busy %lu, "
            "other %lu",
            n->writes, n->blocked, n->a, n->denied, n->b, n->busy, n->other);
        return n->b < 99 ? (int) n->b : 99;
}

static int outcome(long r) {
        if (r < 0)
                say("refused: %s", strerror(errno));
        return r >= 0 ? 0 : errno == EPERM ? 1 : 2;
}

static int map_as_code(int fd) {
        void *p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

        return outcome(p == MAP_FAILED ? -1 : 0);
}

static int attack_map(char **arguments) {
        return map_as_code(open_file(arguments[0], O_RDONLY));
}

static int attack_protect(char **arguments) {
        void *p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, open_file(arguments[0], O_RDONLY), 0);

        if (p == MAP_FAILED)
                die("mmap");
        return outcome(mprotect(p, 1, PROT_READ | PROT_EXEC));
}

static int attack_implied(char **arguments) {
        int fd = open_file(arguments[0], O_RDONLY);

        if (personality(READ_IMPLIES_EXEC) < 0)
                die("personality");
        return outcome(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
}

static int attack_module(char **arguments) {
        return outcome(syscall(SYS_finit_module, open_file(arguments[0], O_RDONLY), "", 0));
}

static int attack_module_data(char **arguments) {
        static Content c;

        load(arguments[0], &c);
        return outcome(syscall(SYS_init_module, c.data, c.size, ""));
}

static int attack_kexec(char **arguments) {
        return outcome(syscall(SYS_kexec_file_load, open_file(arguments[0], O_RDONLY), -1, 1UL, "",
                               (unsigned long) KEXEC_FILE_NO_INITRAMFS));
}

static int attack_overwrite(char **arguments) {
        return outcome(open(arguments[0], O_WRONLY | O_CLOEXEC));
}

static int attack_truncate(char **arguments) {
        return outcome(open(arguments[0], O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static int attack_cut_path(char **arguments) {
        return outcome(truncate(arguments[0], 1));
}

static void fill(int fd, const char *path) {
        static Content c;

        load(path, &c);
        if (ftruncate(fd, 0) < 0 || pwrite(fd, c.data, c.size, 0) != (ssize_t) c.size)
                die("memfd");
}

static int attack_memory(char **arguments) {
        int fd = memfd_create("memory", MFD_CLOEXEC);

        if (fd < 0)
                die("memfd_create");
        fill(fd, arguments[0]);
        (void) map_as_code(fd);
        fill(fd, arguments[1]);
        return map_as_code(fd);
}

static int sealed_memory(const char *path, int seals) {
        int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0)
                die("memfd_create");
        fill(fd, path);
        if (fcntl(fd, F_ADD_SEALS, seals) < 0)
                die("seals");
        return fd;
}

static int attack_cut(char **arguments) {
        int fd = sealed_memory(arguments[0], F_SEAL_WRITE);

        (void) map_as_code(fd);
        if (ftruncate(fd, 1) < 0)
                die("ftruncate");
        return map_as_code(fd);
}

static int attack_sealed(char **arguments) {
        return map_as_code(sealed_memory(arguments[0], F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
}

static int attack_silence(char **arguments) {
        int fd = open_file("/proc/sys/kernel/ftrace_enabled", O_WRONLY);

        (void) execute(arguments[0]);
        if (write(fd, "0", 1) < 0)
                die("ftrace_enabled");
        return execute(arguments[1]);
}

/* True when the copy was let pass as code although it was changed. */
static bool sneak_once(const char *path, const Content *c) {
        int status, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        bool changed;
        pid_t pid;

        if (fd < 0)
                die(path);
        store(fd, c, path);
        close(fd);
        pid = fork();
        if (pid == 0)
                _exit(attack_map((char *[]){ (char *) path }));
        usleep((useconds_t) (rand() % 20000));
        fd = open(path, O_WRONLY | O_CLOEXEC);
        changed = fd >= 0 && pwrite(fd, "!", 1, 0) == 1;
        close(fd);
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                die("fork");
        unlink(path);
        return changed && status == 0;
}

static int attack_sneak(char **arguments) {
        static Content c;
        char path[4096];
        int passed = 0;

        load(arguments[0], &c);
        snprintf(path, sizeof(path), "%s.copy", arguments[0]);
        for (int i = 0; i < atoi(arguments[1]); i++)
                passed += sneak_once(path, &c);
        say("let pass changed: %d of %s", passed, arguments[1]);
        return passed < 99 ? passed : 99;
}

static int attack_check(char **arguments) {
        char *const none[] = { arguments[0], NULL };

        return outcome(syscall(SYS_execveat, AT_FDCWD, arguments[0], none, NULL, AT_EXECVE_CHECK));
}

static int attack_store(char **arguments) {
        int fd = open_file(arguments[0], O_RDWR);
        char *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED)
                die("mmap");
        close(fd);
        p[0] ^= 1;
        return map_as_code(open_file(arguments[0], O_RDONLY));
}

static const struct {
        const char *name;
        int arguments;
        int (*attack)(char **arguments);
} attacks[] = {
        { "memfd", 1, attack_memfd },
        { "userns-tmpfs", 1, attack_userns_tmpfs },
        { "mount-exec", 2, attack_mount_exec },
        { "ldso", 1, attack_ldso },
        { "fd", 1, attack_fd },
        { "unlinked", 1, attack_unlinked },
        { "chain", 2, attack_chain },
        { "race", 4, attack_race },
        { "map", 1, attack_map },
        { "protect", 1, attack_protect },
        { "implied", 1, attack_implied },
        { "module", 1, attack_module },
        { "module-data", 1, attack_module_data },
        { "kexec", 1, attack_kexec },
        { "overwrite", 1, attack_overwrite },
        { "truncate", 1, attack_truncate },
        { "memory", 2, attack_memory },
        { "store", 1, attack_store },
        { "cut", 1, attack_cut },
        { "cut-path", 1, attack_cut_path },
        { "sealed", 1, attack_sealed },
        { "check", 1, attack_check },
        { "sneak", 2, attack_sneak },
        { "silence", 2, attack_silence },
};

int main(int argc, char **argv) {
        int first = 1;

        self = argv[0];
        if (argc > 1 && strncmp(argv[1], "--uid=", 6) == 0) {
                become((uid_t) atoi(argv[1] + 6));
                first++;
        }
        for (size_t i = 0; argc > first && i < sizeof(attacks) / sizeof(attacks[0]); i++)
                if (strcmp(attacks[i].name, argv[first]) == 0 && argc - first - 1 >= attacks[i].arguments)
                        return attacks[i].attack(argv + first + 1);
        fputs("usage: attack [--uid=N] memfd|userns-tmpfs|ldso FILE | chain N FILE | race FILE A B SECONDS [starve] "
              "|\n"
              "       map|protect|module|module-data|kexec|overwrite|store FILE | memory FILE OTHER\n",
              stderr);
        return 100;
}
