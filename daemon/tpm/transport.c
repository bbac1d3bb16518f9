/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two built-in transports. */

#include "daemon/tpm/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/tpm/clock.h"
#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/io/fd.h"

enum { RESPONSE_HEADER_SIZE = 10 };

struct TpmLink {
        int fd;
        bool is_stream; /* a socket hands out a response in pieces, the device as a whole */
        size_t got;     /* bytes of the response that is being received */
};

/* Waits for the events until `end`. 0, -ETIMEDOUT or another negative errno. */
static int wait_for(int fd, short events, usec_t end) {
        for (;;) {
                struct pollfd p = { .fd = fd, .events = events };
                usec_t now = now_monotonic(), left = now < end ? end - now : 0;
                struct timespec ts = usec_to_timespec(left);
                int n = ppoll(&p, 1, &ts, NULL);

                if (n > 0)
                        return 0;
                if (n == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

static int link_new(int fd, bool is_stream, TpmLink **ret) {
        TpmLink *l = new0(TpmLink, 1);

        if (!l)
                return -ENOMEM;
        *l = (TpmLink){ .fd = fd, .is_stream = is_stream };
        *ret = l;
        return 0;
}

static void link_close(TpmLink *l) {
        if (!l)
                return;
        safe_close(l->fd);
        free(l);
}

/* A command is far smaller than any socket buffer, and the socket is empty when one is sent, so that a short write
 * means trouble. The TPM does nothing with a piece of a command. */
static int link_send(TpmLink *l, const uint8_t *command, size_t n) {
        ssize_t sent = l->is_stream ? send(l->fd, command, n, MSG_NOSIGNAL) : write(l->fd, command, n);

        l->got = 0;
        if (sent < 0)
                return -errno;
        return (size_t) sent == n ? 0 : -EIO;
}

/* How many bytes the response has in all, as far as can be told from its first `got` bytes; -EMSGSIZE. */
static ssize_t response_size(const uint8_t *response, size_t got) {
        Reader r = reader_new(response, got);
        uint32_t size;

        if (got < RESPONSE_HEADER_SIZE)
                return RESPONSE_HEADER_SIZE;
        (void) reader_u16be(&r);
        size = reader_u32be(&r);
        return size >= RESPONSE_HEADER_SIZE && size <= TPM_MESSAGE_MAX ? (ssize_t) size : -EMSGSIZE;
}

/* POLLIN only: the kernel's device is always writable while no response waits. */
static ssize_t link_receive(TpmLink *l, uint8_t *response, usec_t timeout) {
        usec_t end = now_monotonic() + timeout;

        for (;;) {
                ssize_t whole = l->is_stream ? response_size(response, l->got) : TPM_MESSAGE_MAX, n;
                int r;

                if (whole < 0 || (size_t) whole == l->got)
                        return whole;
                r = wait_for(l->fd, POLLIN, end);
                if (r < 0)
                        return r;
                n = read(l->fd, response + l->got, (size_t) whole - l->got);
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EPIPE;
                if (!l->is_stream)
                        return n;
                l->got += (size_t) n;
        }
}

static int open_device(const char *path, TpmLink **ret) {
        _cleanup_close_ int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode))
                return -ENODEV;
        r = link_new(fd, false, ret);
        if (r >= 0)
                (void) TAKE_FD(fd);
        return r;
}

/* userdata: the path. */
static int device_open(void *userdata, TpmLink **ret) {
        return open_device(userdata, ret);
}

/* A device whose driver was unbound and bound again has a new number. */
static int auto_open(void *userdata _unused_, TpmLink **ret) {
        _cleanup_(globfree) glob_t g = {};
        int first, r;

        first = open_device("/dev/tpmrm0", ret);
        if (first >= 0 || glob("/dev/tpmrm*", 0, NULL, &g) != 0)
                return first;
        for (size_t i = 0; i < g.gl_pathc; i++) {
                r = open_device(g.gl_pathv[i], ret);
                if (r >= 0)
                        return r;
        }
        return first;
}

/* userdata: the path. Nonblocking: -EAGAIN when its queue of clients is full. */
static int socket_open(void *userdata, TpmLink **ret) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = userdata;
        int r;

        if (fd < 0)
                return -errno;
        memcpy(address.sun_path, path, strlen(path)); /* transport_from_conf() saw to its length */
        if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = link_new(fd, true, ret);
        if (r >= 0)
                (void) TAKE_FD(fd);
        return r;
}

static int conf_error(const char **reterr_why, int error, const char *why) {
        *reterr_why = why;
        return error;
}

static int conf_path(const char *path, size_t limit, char **ret, const char **reterr_why) {
        if (path[0] != '/')
                return conf_error(reterr_why, -EINVAL, "the path of a TPM device or socket must be absolute");
        if (strlen(path) > limit)
                return conf_error(reterr_why, -ENAMETOOLONG, "the path of a TPM socket may have at most 107 bytes");
        *ret = strdup(path);
        return *ret ? 0 : conf_error(reterr_why, -ENOMEM, "out of memory");
}

int transport_from_conf(const char *conf, TpmTransport *ret, const char **reterr_why) {
        TpmTransport t = { .send = link_send, .receive = link_receive, .close = link_close, .free = free };
        const size_t socket_max = sizeof(((struct sockaddr_un *) NULL)->sun_path) - 1;
        char *path = NULL;
        int r = 0;

        if (streq(conf, "auto")) {
                t.open = auto_open;
                t.resource_manager = true;
        } else if (startswith(conf, "device:")) {
                t.open = device_open;
                t.resource_manager = startswith(conf, "device:/dev/tpmrm");
                r = conf_path(conf + strlen("device:"), SIZE_MAX, &path, reterr_why);
        } else if (startswith(conf, "swtpm:")) {
                t.open = socket_open;
                r = conf_path(conf + strlen("swtpm:"), socket_max, &path, reterr_why);
        } else
                r = conf_error(reterr_why, -EINVAL, "a TPM is given as auto, device:/PATH or swtpm:/PATH");
        if (r < 0)
                return r;
        t.userdata = path;
        *ret = t;
        return 0;
}

void transport_done(TpmTransport *t) {
        if (t->free)
                t->free(t->userdata);
        *t = (TpmTransport){};
}
