/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logging from a thread of its own. */

#include "lib/io/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { QUEUE_MAX = 1024, FIELDS_MAX = 24 };

typedef struct Line {
        char *fields[FIELDS_MAX];
        unsigned n;
} Line;

/* The one log of the process. */
static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t thread;
        bool running, ending;
        Line queue[QUEUE_MAX];
        unsigned first, waiting;
        uint64_t lost;
} logger = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void line_done(Line *l) {
        for (unsigned i = 0; i < l->n; i++)
                free(l->fields[i]);
        *l = (Line){};
}

static const char *field_value(const Line *l, const char *name) {
        size_t n = strlen(name);

        for (unsigned i = 0; i < l->n; i++)
                if (strncmp(l->fields[i], name, n) == 0)
                        return l->fields[i] + n;
        return "";
}

/* "<3>message": what systemd and kernels understand as a priority on standard error; nothing on a terminal. */
static void write_to_stderr(const Line *l) {
        const char *priority = field_value(l, "PRIORITY=");

        if (isatty(STDERR_FILENO))
                fprintf(stderr, "sealwatchd: %s\n", field_value(l, "MESSAGE="));
        else
                fprintf(stderr, "<%s>%s\n", priority, field_value(l, "MESSAGE="));
}

static bool journal_is_there(void) {
        return access("/run/systemd/journal/socket", W_OK) == 0;
}

static bool write_line(const Line *l) {
        struct iovec iov[FIELDS_MAX];

        if (!journal_is_there()) {
                write_to_stderr(l);
                return true;
        }
        for (unsigned i = 0; i < l->n; i++)
                iov[i] = (struct iovec){ .iov_base = l->fields[i], .iov_len = strlen(l->fields[i]) };
        if (sd_journal_sendv(iov, (int) l->n) >= 0)
                return true;
        write_to_stderr(l);
        return false;
}

static void *run(void *unused _unused_) {
        pthread_mutex_lock(&logger.lock);
        while (logger.waiting > 0 || !logger.ending) {
                Line line;
                bool written;

                if (logger.waiting == 0) {
                        pthread_cond_wait(&logger.changed, &logger.lock);
                        continue;
                }
                line = TAKE_STRUCT(logger.queue[logger.first]);
                logger.first = (logger.first + 1) % QUEUE_MAX;
                logger.waiting--;
                pthread_mutex_unlock(&logger.lock);
                written = write_line(&line);
                line_done(&line);
                pthread_mutex_lock(&logger.lock);
                logger.lost += !written;
        }
        pthread_mutex_unlock(&logger.lock);
        return NULL;
}

int log_open(void) {
        int r = pthread_create(&logger.thread, NULL, run, NULL);

        if (r == 0)
                logger.running = true;
        return -r;
}

void log_close(void) {
        struct timespec until;

        if (!logger.running)
                return;
        pthread_mutex_lock(&logger.lock);
        logger.ending = true;
        pthread_cond_signal(&logger.changed);
        pthread_mutex_unlock(&logger.lock);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        if (pthread_timedjoin_np(logger.thread, NULL, &until) != 0)
                pthread_detach(logger.thread); /* the journal does not take it; the process ends all the same */
        logger.running = false;
}

/* Takes the line over. */
static void put_line(Line *l) {
        pthread_mutex_lock(&logger.lock);
        if (logger.running && logger.waiting < QUEUE_MAX) {
                logger.queue[(logger.first + logger.waiting++) % QUEUE_MAX] = TAKE_STRUCT(*l);
                pthread_cond_signal(&logger.changed);
        } else if (logger.running)
                logger.lost++;
        else
                write_to_stderr(l);
        pthread_mutex_unlock(&logger.lock);
        line_done(l);
}

void log_fields(const char *const *fields, unsigned n) {
        Line l = {};

        for (unsigned i = 0; i < n && i < FIELDS_MAX; i++) {
                l.fields[i] = strdup(fields[i]);
                if (!l.fields[i])
                        break;
                l.n++;
        }
        put_line(&l);
}

static void log_text(int level, const char *text) {
        _cleanup_free_ char *message = NULL;
        char priority[sizeof("PRIORITY=") + 3];
        const char *fields[] = { NULL, priority, "SYSLOG_IDENTIFIER=sealwatchd", "SYSLOG_FACILITY=3" };

        if (asprintf(&message, "MESSAGE=%s", text) < 0)
                return;
        snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
        fields[0] = message;
        log_fields(fields, ELEMENTSOF(fields));
}

void log_message(int level, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r >= 0)
                log_text(level, text);
}

int log_errno(int level, int error, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        error = error < 0 ? -error : error;
        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r >= 0)
                log_message(level, "%s: %s", text, strerrordesc_np(error) ?: "unknown error");
        return -error;
}

uint64_t log_take_lost(void) {
        uint64_t lost;

        pthread_mutex_lock(&logger.lock);
        lost = logger.lost;
        logger.lost = 0;
        pthread_mutex_unlock(&logger.lock);
        return lost;
}
