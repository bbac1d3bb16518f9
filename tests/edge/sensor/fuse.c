/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/macro.h"
#include "tests/edge/fuse-device.h"

enum { FILE_NODE = 2, DIRECTORY_NODE = 3, THREADS = 4 };

enum { SERVERS_MAX = 16 };

static Fuse *servers[SERVERS_MAX]; /* so that none is left behind when a test fails */
static Fuse *control;
static int device = -1;
static const uint8_t *content;
static size_t content_size;

static struct fuse_attr attributes(uint64_t node) {
        return (struct fuse_attr){
                .ino = node,
                .mode = node == FILE_NODE ? S_IFREG | 0755 : S_IFDIR | 0755,
                .nlink = 1,
                .size = node == FILE_NODE ? content_size : 0,
                .blksize = 4096,
        };
}

static void wait_while(volatile bool *hang) {
        if (*hang)
                __atomic_fetch_add(&control->hanging, 1, __ATOMIC_RELAXED);
        while (*hang)
                usleep(1000);
}

static void on_lookup(const struct fuse_in_header *in, const char *name) {
        const uint64_t node = streq(name, "file") ? FILE_NODE : streq(name, "directory") ? DIRECTORY_NODE : 0;
        const struct fuse_entry_out out = { .nodeid = node, .attr = attributes(node) };

        wait_while(&control->hang_lookup);
        if (node != 0)
                fuse_reply(in, 0, &out, sizeof(out));
        else
                fuse_reply(in, -ENOENT, NULL, 0);
}

static void on_open(const struct fuse_in_header *in) {
        const struct fuse_open_out out = {};

        wait_while(&control->hang_open);
        control->opens++;
        fuse_reply(in, 0, &out, sizeof(out));
}

static void on_read(const struct fuse_in_header *in, const struct fuse_read_in *r) {
        size_t start = MIN(r->offset, content_size), n = MIN((size_t) r->size, content_size - start);

        wait_while(&control->hang_read);
        control->reads++;
        fuse_reply(in, 0, content + start, n);
}

static void serve(const struct fuse_in_header *in, const void *body) {
        const struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
        const struct fuse_statfs_out statfs = { .st = { .bsize = 4096, .namelen = 255 } };

        switch (in->opcode) {
        case FUSE_LOOKUP:
                return on_lookup(in, body);
        case FUSE_GETATTR:
                return fuse_reply(in, 0, &attr, sizeof(attr));
        case FUSE_OPEN:
                return on_open(in);
        case FUSE_READ:
                return on_read(in, body);
        case FUSE_STATFS:
                return fuse_reply(in, 0, &statfs, sizeof(statfs));
        case FUSE_FLUSH:
        case FUSE_RELEASE:
        case FUSE_ACCESS:
        case FUSE_OPENDIR:
                return fuse_reply(in, 0, NULL, 0);
        }
        fuse_reply(in, -ENOSYS, NULL, 0);
}

static void *serve_all(void *userdata) {
        fuse_serve(device, serve);
        return NULL;
}

static void be_server(void) {
        pthread_t thread;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* A fanotify group among them would live on here, read by nobody. */
        if (dup2(device, 3) < 0 || close_range(4, ~0U, 0) < 0)
                _exit(1);
        device = 3;
        for (int i = 1; i < THREADS; i++)
                if (pthread_create(&thread, NULL, serve_all, NULL) != 0)
                        _exit(1);
        (void) serve_all(NULL);
        _exit(0);
}

static bool map_content(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return false;
        content_size = (size_t) st.st_size;
        content = mmap(NULL, content_size, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        return content != MAP_FAILED;
}

Fuse *fuse_start(const char *directory, const char *path) {
        pid_t server;
        Fuse *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (f == MAP_FAILED || !map_content(path))
                return NULL;
        device = fuse_mount(directory, ",allow_other");
        if (device < 0)
                return NULL;
        control = f;
        server = fork();
        if (server == 0)
                be_server();
        f->server = server;
        close(device);
        for (size_t i = 0; i < SERVERS_MAX; i++)
                if (!servers[i]) {
                        servers[i] = f;
                        return f;
                }
        fuse_stop(f);
        return NULL;
}

void fuse_stop(Fuse *f) {
        for (size_t i = 0; i < SERVERS_MAX; i++)
                if (servers[i] == f)
                        servers[i] = NULL;
        kill(f->server, SIGKILL);
        waitpid(f->server, NULL, 0);
        munmap(f, sizeof(*f));
}

void fuse_stop_all(void) {
        for (size_t i = 0; i < SERVERS_MAX; i++)
                if (servers[i])
                        fuse_stop(servers[i]);
}
