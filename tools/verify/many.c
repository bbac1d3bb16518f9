/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A ring of lines: the main thread reads into it, threads judge, and whoever ends the oldest one prints.
 *
 * No line is taken that has no room, so memory is bounded by the ring, however fast lines come. */

#include "tools/verify/many.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/io/fd.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"

enum { LINES_PER_THREAD = 4, LINE_FIRST = 4096 };

typedef struct Line {
        char *text;
        size_t size, allocated;
        uint8_t nonce[EVIDENCE_NONCE_MAX];
        Bytes asked;
        const char *problem; /* static: why there is nothing to judge */
        CheckList checks;
        int error;
        bool judged;
} Line;

typedef struct Ring {
        const Many *many;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        Line *lines;
        size_t size;
        uint64_t read, taken, printed; /* numbers of lines */
        bool ended, failed;
        int code;
} Ring;

static Line *line_at(Ring *r, uint64_t number) {
        return &r->lines[number % r->size];
}

static void judge_line(const Ring *r, Line *l) {
        if (l->problem)
                check_add(&l->checks, "evidence-structure", CHECK_FAIL, "%s", l->problem);
        else
                l->error = judge_document(r->many->judging, l->text, l->size, l->asked, &l->checks);
}

static int worse(int a, int b) {
        static const int order[] = { [EXIT_PASS] = 0, [EXIT_UNDECIDED] = 1, [EXIT_FAIL] = 2 };

        return order[a] >= order[b] ? a : b;
}

/* The lock is held. */
static void print_judged(Ring *r) {
        while (r->printed < r->taken && line_at(r, r->printed)->judged) {
                Line *l = line_at(r, r->printed++);

                r->code = worse(r->code, show_line(&l->checks, r->printed, l->error, r->many->json));
                r->failed = r->failed || ferror(stdout);
                check_list_done(&l->checks);
                l->judged = false;
        }
        pthread_cond_broadcast(&r->changed);
}

static void *work(void *userdata) {
        Ring *r = userdata;

        pthread_mutex_lock(&r->lock);
        for (;;) {
                Line *l;

                while (r->taken == r->read && !r->ended)
                        pthread_cond_wait(&r->changed, &r->lock);
                if (r->taken == r->read)
                        break;
                l = line_at(r, r->taken++);
                pthread_mutex_unlock(&r->lock);
                judge_line(r, l);
                pthread_mutex_lock(&r->lock);
                l->judged = true;
                print_judged(r);
        }
        pthread_mutex_unlock(&r->lock);
        return NULL;
}

/* Room for one byte more. */
static int grow(char **text, size_t *allocated, size_t size, size_t max) {
        size_t n = MIN(MAX(2 * *allocated, (size_t) LINE_FIRST), max);
        char *more;

        if (size < *allocated)
                return 0;
        more = realloc(*text, n);
        if (!more)
                return -ENOMEM;
        *text = more;
        *allocated = n;
        return 0;
}

/* The next line without its end. Of one that is longer than max only so much is kept, and *ret_size is max + 1. 1, 0 at the end
 * of the file, or a negative errno. */
static int read_line(FILE *f, size_t max, char **text, size_t *allocated, size_t *ret_size) {
        size_t n = 0;
        int c;

        if (grow(text, allocated, 0, max) < 0) /* an empty line is somewhere, too */
                return -ENOMEM;
        errno = 0;
        while ((c = getc_unlocked(f)) != EOF && c != '\n') {
                if (n < max) {
                        if (grow(text, allocated, n, max) < 0)
                                return -ENOMEM;
                        (*text)[n] = (char) c;
                }
                n = MIN(n + 1, max + 1);
        }
        if (c == EOF && ferror(f))
                return -(errno ?: EIO);
        *ret_size = n;
        return c != EOF || n > 0;
}

/* 1, 0 at the end of the file, or a negative errno. */
static int read_nonce(FILE *f, Line *l) {
        _cleanup_free_ char *text = NULL;
        size_t allocated = 0, n = 0;
        int r = read_line(f, (size_t) 2 * EVIDENCE_NONCE_MAX, &text, &allocated, &n);

        l->asked = (Bytes){};
        if (r < 0)
                return r;
        if (r == 0)
                l->problem = "there is no nonce for it";
        else if (n % 2 != 0 || n / 2 < EVIDENCE_NONCE_MIN || n / 2 > sizeof(l->nonce) ||
                 hex_decode(text, n / 2, l->nonce) < 0)
                l->problem = "its nonce is not 8 to 64 bytes in hexadecimal";
        else
                l->asked = (Bytes){ l->nonce, n / 2 };
        return r;
}

static Line *wait_for_room(Ring *r) {
        pthread_mutex_lock(&r->lock);
        while (r->read - r->printed == r->size)
                pthread_cond_wait(&r->changed, &r->lock);
        pthread_mutex_unlock(&r->lock);
        return line_at(r, r->read);
}

static void hand_over(Ring *r, bool end) {
        pthread_mutex_lock(&r->lock);
        if (end)
                r->ended = true;
        else
                r->read++;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
}

/* A document and its nonce, or one of them where the other is missing: who was asked and does not answer has not passed. 1, 0
 * at the end of both files, or a negative errno. */
static int read_next(FILE *f, FILE *nonces, Line *l) {
        int r = read_line(f, EVIDENCE_SIZE_MAX, &l->text, &l->allocated, &l->size), asked = 0;

        if (r >= 0 && nonces)
                asked = read_nonce(nonces, l);
        if (r < 0 || asked < 0)
                return r < 0 ? r : -EIO;
        if (r == 0)
                l->problem = "there is no document for its nonce";
        else if (l->size > EVIDENCE_SIZE_MAX)
                l->problem = "more than 1 GiB";
        return r > 0 || asked > 0;
}

static int read_all_lines(Ring *ring, FILE *f, FILE *nonces) {
        int r;

        for (;;) {
                Line *l = wait_for_room(ring);

                l->problem = NULL;
                l->error = 0;
                l->asked = ring->many->nonce;
                r = read_next(f, nonces, l);
                if (r <= 0)
                        break;
                hand_over(ring, false);
        }
        hand_over(ring, true);
        return r;
}

static int run(Ring *ring, FILE *f, FILE *nonces) {
        _cleanup_free_ pthread_t *threads = new0(pthread_t, ring->many->threads);
        unsigned started = 0;
        int r = 0;

        if (!threads)
                return -ENOMEM;
        while (started < ring->many->threads && pthread_create(&threads[started], NULL, work, ring) == 0)
                started++;
        if (started == 0)
                return -EAGAIN;
        r = read_all_lines(ring, f, nonces);
        for (unsigned i = 0; i < started; i++)
                pthread_join(threads[i], NULL);
        return r;
}

static int open_lines(const char *path, bool json, FILE **ret) {
        _cleanup_close_ int fd = -1;
        int r = path ? input_open(path, json, &fd) : 0;

        if (r != 0 || !path)
                return r;
        *ret = fdopen(fd, "r");
        if (!*ret)
                return show_undecided(json, "cannot read %s: %s", path, strerror(errno));
        (void) TAKE_FD(fd);
        return 0;
}

static void ring_done(Ring *r) {
        for (size_t i = 0; i < r->size; i++) {
                free(r->lines[i].text);
                check_list_done(&r->lines[i].checks);
        }
        free(r->lines);
        pthread_cond_destroy(&r->changed);
        pthread_mutex_destroy(&r->lock);
}

int many_judge(const Many *m) {
        _cleanup_(ring_done) Ring ring = {
                .many = m, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .code = EXIT_PASS
        };
        _cleanup_(fclosep) FILE *f = NULL, *nonces = NULL;
        int r = open_lines(m->path, m->json, &f);

        if (r == 0)
                r = open_lines(m->nonces_path, m->json, &nonces);
        if (r != 0)
                return r;
        ring.lines = new0(Line, (size_t) m->threads * LINES_PER_THREAD);
        if (!ring.lines)
                return show_undecided(m->json, "out of memory");
        ring.size = (size_t) m->threads * LINES_PER_THREAD;
        r = run(&ring, f, nonces);
        if (r < 0)
                return show_undecided(m->json, "cannot read %s: %s", m->path, strerror(-r));
        if (ring.read == 0)
                return show_undecided(m->json, "%s has no line", m->path);
        return fflush(stdout) == 0 && !ring.failed ? ring.code : EXIT_UNDECIDED;
}
