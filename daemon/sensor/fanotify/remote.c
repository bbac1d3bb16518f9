/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Remote file systems. Main thread and remote thread talk over a pair of sockets; each ends when the other does.
 *
 * The table of its own matters most when the daemon is killed: a thread inside a FUSE request cannot be, and would keep
 * the descriptors of a shared table open with it. With the main fanotify group among them every exec on the machine
 * would wait for a group that nobody reads. */

#include "daemon/sensor/fanotify/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fd.h"

enum {
        WAITING_MAX = 16, /* events that a thread hands over before it waits for answers: they fit the socket */
        STACK_SIZE = 128 * 1024,
        MARK_DEADLINE = 5 * 1000000, /* µs */
};

typedef enum OrderType { ORDER_ANSWER, ORDER_MARK, ORDER_LEAVE } OrderType;

typedef struct Order {
        OrderType type;
        int fd;
        bool allow;
} Order;

typedef enum NewsType { NEWS_STARTED, NEWS_MARKED, NEWS_EVENT } NewsType;

typedef struct News {
        NewsType type;
        int error; /* not of NEWS_EVENT */
        int fd;
        uint32_t pid;
        uint64_t mount;
        FileIdentity file;
        char path[PATH_MAX];
} News;

/* The thread's own. */
typedef struct Watcher {
        int socket, group;
        char *path;
        RemoteOps ops;
        unsigned waiting;
} Watcher;

struct Remote {
        int socket;
        uint64_t device;
        char *path;
        RemoteOps ops;
        sd_event_source *source, *timer;
        News news;
};

static Watcher *watcher_free(Watcher *w) {
        if (!w)
                return NULL;
        safe_close(w->group);
        safe_close(w->socket);
        free(w->path);
        free(w);
        return NULL;
}

DEFINE_CLEANUP(Watcher *, watcher_free)

/* Leaves the shared table with nothing but the descriptors a and b. */
static int own_table(int a, int b) {
        unsigned low = (unsigned) MIN(a, b), high = (unsigned) MAX(a, b);

        if (close_range(high + 1, UINT_MAX, CLOSE_RANGE_UNSHARE) < 0)
                return -errno;
        if (low > 0)
                close_range(0, low - 1, 0);
        if (high > low + 1)
                close_range(low + 1, high - 1, 0);
        return 0;
}

static void tell(Watcher *w, const News *news, size_t size) {
        (void) send(w->socket, news, size, MSG_NOSIGNAL);
}

static void mark(Watcher *w) {
        News news = { .type = NEWS_MARKED };

        if (w->group < 0)
                w->group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
                                         O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (w->group < 0 ||
            fanotify_mark(w->group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM, AT_FDCWD, w->path) < 0)
                news.error = -errno;
        tell(w, &news, offsetof(News, path));
}

/* True while the kernel still knows a mark: the file system is in use somewhere. */
static bool has_marks(const Watcher *w) {
        char path[64], line[256];
        bool found = false;

        snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", w->group);
        _cleanup_(fclosep) FILE *f = fopen(path, "re");

        while (f && fgets(line, sizeof(line), f))
                found = found || startswith(line, "fanotify sdev:");
        return found || !f;
}

static void respond(Watcher *w, int fd, bool allow) {
        const struct fanotify_response response = { .fd = fd, .response = allow ? FAN_ALLOW : FAN_DENY };

        (void) !write(w->group, &response, sizeof(response)); /* fails when the process was killed meanwhile */
        safe_close(fd);
}

static void report_event(Watcher *w, const struct fanotify_event_metadata *m) {
        News news = { .type = NEWS_EVENT, .fd = m->fd, .pid = (uint32_t) m->pid };
        struct statx file = {};
        char link[48];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", m->fd);
        n = readlink(link, news.path, sizeof(news.path) - 1);
        news.path[MAX(n, 0)] = '\0';
        if (statx(m->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &file) >= 0)
                news.mount = file.stx_mnt_id;
        if (w->ops.identify && w->ops.identify(w->ops.identify_fd, m->fd, &news.file) < 0)
                news.file = (FileIdentity){};
        w->waiting++;
        tell(w, &news, offsetof(News, path) + strlen(news.path) + 1);
}

/* One at a time: the kernel opens the file for us in here, and that is where a dead server shows. */
static void read_event(Watcher *w) {
        struct fanotify_event_metadata m;

        if (read(w->group, &m, sizeof(m)) != sizeof(m) || m.fd < 0)
                return;
        if (m.pid == getpid())
                respond(w, m.fd, true);
        else
                report_event(w, &m);
}

/* False when it is time to end. */
static bool take_order(Watcher *w) {
        Order order;

        if (recv(w->socket, &order, sizeof(order), 0) != sizeof(order))
                return false;
        switch (order.type) {
        case ORDER_ANSWER:
                w->waiting--;
                respond(w, order.fd, order.allow);
                return true;
        case ORDER_MARK:
                mark(w);
                return true;
        case ORDER_LEAVE:
                return w->waiting > 0 || w->group < 0 || has_marks(w);
        }
        return false;
}

static void *watch(void *userdata) {
        _cleanup_(watcher_freep) Watcher *w = userdata;
        int keep = w->ops.identify_fd >= 0 ? w->ops.identify_fd : w->socket;
        const News started = { .type = NEWS_STARTED, .error = own_table(w->socket, keep) };

        tell(w, &started, offsetof(News, path));
        if (started.error < 0) {
                w->socket = -1; /* the table is the main thread's */
                return NULL;
        }
        mark(w);
        for (;;) {
                struct pollfd fds[] = {
                        { .fd = w->socket, .events = POLLIN },
                        { .fd = w->waiting < WAITING_MAX ? w->group : -1, .events = POLLIN },
                };

                if (poll(fds, ELEMENTSOF(fds), -1) < 0)
                        continue;
                if (fds[0].revents && !take_order(w))
                        return NULL;
                if (fds[1].revents & POLLIN)
                        read_event(w);
        }
}

/* w is the thread's from here on, unless this fails. */
static int start_thread(Watcher *w) {
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        sigfillset(&all);
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, watch, w);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return -r;
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Remote *r = userdata;
        ssize_t n = recv(r->socket, &r->news, sizeof(r->news), MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n < (ssize_t) offsetof(News, path))
                r->ops.ended(r->ops.userdata, r);
        else if (r->news.type == NEWS_MARKED) {
                r->timer = sd_event_source_disable_unref(r->timer);
                r->ops.marked(r->ops.userdata, r, r->news.error);
        } else {
                const RemoteEvent e = {
                        .fd = r->news.fd,
                        .pid = r->news.pid,
                        .mount = r->news.mount,
                        .file = r->news.file,
                        .path = r->news.path,
                };

                r->ops.event(r->ops.userdata, r, &e);
        }
        return 0;
}

static int on_mark_deadline(sd_event_source *source, uint64_t when, void *userdata) {
        Remote *r = userdata;

        r->ops.marked(r->ops.userdata, r, -ETIMEDOUT);
        return 0;
}

/* Starts the thread and waits until it has its own copy of its socket, so that ours can be closed. That wait is for a
 * system call that touches no file system. */
static int start(Remote *r, const char *path) {
        _cleanup_(watcher_freep) Watcher *w = new0(Watcher, 1);
        _cleanup_close_ int theirs = -1;
        int pair[2], q;

        if (!w)
                return -ENOMEM;
        w->socket = w->group = -1;
        w->ops = r->ops;
        w->path = strdup(path);
        if (!w->path)
                return -ENOMEM;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        r->socket = pair[0];
        w->socket = theirs = pair[1];
        q = start_thread(w);
        if (q < 0) {
                w->socket = -1;
                return q;
        }
        TAKE_PTR(w);
        if (recv(r->socket, &r->news, sizeof(r->news), 0) < 0)
                return -errno;
        return r->news.error;
}

DEFINE_CLEANUP(Remote *, remote_free)

int remote_new(sd_event *event, const char *path, uint64_t device, const RemoteOps *ops, Remote **ret) {
        _cleanup_(remote_freep) Remote *remote = new0(Remote, 1);
        int r;

        if (!remote)
                return -ENOMEM;
        remote->socket = -1;
        remote->device = device;
        remote->ops = *ops;
        remote->path = strdup(path);
        if (!remote->path)
                return -ENOMEM;
        r = start(remote, path);
        if (r >= 0)
                r = sd_event_add_io(event, &remote->source, remote->socket, EPOLLIN, on_news, remote);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &remote->timer, CLOCK_MONOTONIC, MARK_DEADLINE, 0,
                                               on_mark_deadline, remote);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(remote);
        return 0;
}

Remote *remote_free(Remote *r) {
        if (!r)
                return NULL;
        sd_event_source_disable_unref(r->source);
        sd_event_source_disable_unref(r->timer);
        safe_close(r->socket);
        free(r->path);
        free(r);
        return NULL;
}

uint64_t remote_device(const Remote *r) {
        return r->device;
}

const char *remote_path(const Remote *r) {
        return r->path;
}

static int give_order(Remote *r, const Order *order) {
        return send(r->socket, order, sizeof(*order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int remote_answer(Remote *r, int fd, bool allow) {
        const Order order = { .type = ORDER_ANSWER, .fd = fd, .allow = allow };

        return give_order(r, &order);
}

void remote_check(Remote *r, bool mounted) {
        const Order order = { .type = mounted ? ORDER_MARK : ORDER_LEAVE };

        (void) give_order(r, &order); /* a thread that hangs loses some of many; there is nothing it could do */
}
