/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchd. */

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/manager.h"
#include "daemon/privileges.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/log.h"

enum { LARGE_BLOCK = 128 << 10 };

static int on_signal(sd_event_source *s _unused_, int fd, uint32_t events _unused_, void *userdata) {
        struct signalfd_siginfo info;
        Manager *m = userdata;

        if (read_up_to(fd, &info, sizeof(info)) != sizeof(info))
                return 0;
        if (info.ssi_signo == SIGHUP)
                requests_reload(m, 0);
        else
                manager_stop(m,
                             info.ssi_signo == SIGINT    ? "interrupted"
                             : info.ssi_signo == SIGUSR2 ? "restart"
                                                         : "terminated",
                             info.ssi_signo == SIGUSR2);
        return 0;
}

/* SIGIO tells the gate that somebody waits for a lease, and must come to no other thread; SIGPIPE, that a peer has gone, is
 * noticed elsewhere. Both would end the process. */
static int watch_signals(Manager *m) {
        _cleanup_close_ int fd = -1;
        sigset_t set, leases;
        int r;

        sigemptyset(&leases);
        sigaddset(&leases, SIGIO);
        signal(SIGIO, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGUSR2);
        if (sigprocmask(SIG_BLOCK, &leases, NULL) < 0 ||
            sigprocmask(SIG_BLOCK, &set, NULL) < 0) /* before any thread: they inherit it */
                return -errno;
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        r = sd_event_add_io(m->event, &m->signal_source, fd, EPOLLIN, on_signal, m);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(m->signal_source, 1);
        if (r >= 0)
                TAKE_FD(fd);
        return r;
}

static int run(Manager *m) {
        int r;

        keeping_begin(m);
        r = privileges_reduce();
        if (r >= 0)
                r = sd_event_new(&m->event);
        if (r >= 0)
                r = watch_signals(m);
        if (r >= 0)
                r = log_open();
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot set up");
                return EX_OSERR;
        }
        r = secret_process();
        if (r < 0)
                log_errno(LOG_WARNING, r, "cannot keep this process out of swap and core dumps altogether");
        r = manager_start(m);
        if (r != 0)
                return r;
        r = sd_event_loop(m->event);
        if (m->started)
                manager_archive_now(m);
        if (r < 0) {
                log_errno(LOG_ERR, r, "the event loop failed");
                return EX_SOFTWARE;
        }
        return r;
}

int main(int argc, char **argv) {
        _cleanup_(manager_done) Manager m = {};
        Options options;
        int code;

        if (options_parse(argc, argv, &options, &code) != 0)
                return code;
        /* A table that grows leaves a hole of half its size behind, unless large blocks are maps of their own: by itself the C
         * library gives that up once such a block was freed. */
        (void) mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
        m.options = &options;
        tpm_silence_library();
        umask(0077);
        code = run(&m);
        log_close();
        return code;
}
