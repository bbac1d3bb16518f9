/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's side of sealwatch-fetch. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/attest/endorse-internal.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"

#define DEADLINE (60 * USEC_PER_SEC)

static int connect_to(const char *path) {
        _cleanup_close_ int fd = -1;
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Waits for bytes, the deadline, or the daemon's end. */
static int wait_for(Gathering *g, int fd, usec_t end) {
        struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = g->stop_fd, .events = POLLIN } };
        usec_t now = gather_now();

        if (now >= end || poll(p, ELEMENTSOF(p), (int) ((end - now) / USEC_PER_MSEC) + 1) == 0)
                return -ETIMEDOUT;
        return p[1].revents ? -ECANCELED : 0;
}

static int receive(Gathering *g, int fd, uint8_t *data, size_t n) {
        const usec_t end = gather_now() + DEADLINE;

        for (size_t done = 0; done < n;) {
                int r = wait_for(g, fd, end);
                ssize_t got = r < 0 ? r : recv(fd, data + done, n - done, 0);

                if (r < 0)
                        return r;
                if (got == 0)
                        return -ECONNRESET;
                if (got < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                done += got > 0 ? (size_t) got : 0;
        }
        return 0;
}

static int take(const uint8_t *data, size_t size, Parts *ret, char why[ATTEST_WHY_MAX]) {
        FetchAnswer a;

        if (fetch_answer_parse(data, size, &a) < 0)
                return -EBADMSG;
        if (a.status != FETCH_OK) {
                snprintf(why, ATTEST_WHY_MAX, "%s: %.150s", fetch_status_name(a.status), a.text);
                return -EREMOTEIO;
        }
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                if (a.parts[p].size > 0 && part_set(ret, p, a.parts[p].data, a.parts[p].size) < 0)
                        return -ENOMEM;
        return 0;
}

static int converse(Gathering *g, const FetchRequest *request, Parts *ret, char why[ATTEST_WHY_MAX]) {
        _cleanup_(buffer_done) Buffer question = {};
        _cleanup_close_ int fd = connect_to(g->options->fetch_path);
        _cleanup_free_ uint8_t *data = NULL;
        uint8_t header[FETCH_HEADER_SIZE];
        size_t size;
        int r;

        if (fd < 0)
                return fd;
        fetch_request_write(request, &question);
        if (buffer_error(&question) < 0)
                return -ENOMEM;
        if (send(fd, question.data, question.size, MSG_NOSIGNAL) != (ssize_t) question.size)
                return -EIO;
        r = receive(g, fd, header, sizeof(header));
        if (r < 0)
                return r;
        size = fetch_answer_size(header);
        data = size > 0 ? malloc(size) : NULL;
        if (!data)
                return size > 0 ? -ENOMEM : -EBADMSG;
        memcpy(data, header, sizeof(header));
        r = receive(g, fd, data + sizeof(header), size - sizeof(header));
        return r < 0 ? r : take(data, size, ret, why);
}

int fetcher_ask(Gathering *g, const FetchRequest *request, Parts *ret, char why[ATTEST_WHY_MAX]) {
        int r;

        *why = '\0';
        r = *g->options->fetch_path ? converse(g, request, ret, why) : -ENOENT;
        if (r < 0 && !*why)
                snprintf(why, ATTEST_WHY_MAX, "the fetch helper: %s", strerror(-r));
        return r;
}
