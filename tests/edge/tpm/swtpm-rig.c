/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests with a real software TPM share. */

#include "swtpm-rig.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka-all.h"

static void start(Swtpm *s) {
        const char *why = "";

        free(s->conf);
        s->conf = NULL;
        if (software_tpm_start(s->dir, &s->conf, &why) < 0)
                fail_msg("%s", why);
}

enum { RUNNING_MAX = 4 };
static Swtpm running[RUNNING_MAX];

Swtpm swtpm_new(void) {
        Swtpm s = { .dir = "/tmp/sealwatch-tpm-XXXXXX" };

        assert_non_null(mkdtemp(s.dir));
        start(&s);
        for (int i = 0; i < RUNNING_MAX; i++)
                if (!running[i].conf) {
                        running[i] = s;
                        break;
                }
        return s;
}

pid_t swtpm_pid(const Swtpm *s) {
        char text[32] = "";

        assert_true(slurp(s, "swtpm.pid", text, sizeof(text) - 1) > 0);
        return (pid_t) atoi(text);
}

void swtpm_kill(const Swtpm *s) {
        pid_t pid = swtpm_pid(s);

        assert_true(pid > 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
                usleep(10000);
        assert_int_equal(shell(s, "rm -f swtpm.pid"), 0);
}

void swtpm_restart(const Swtpm *s) {
        Swtpm copy = *s;

        copy.conf = NULL;
        start(&copy);
        assert_string_equal(copy.conf, s->conf);
        free(copy.conf);
}

void swtpm_done(Swtpm *s) {
        for (int i = 0; i < RUNNING_MAX; i++)
                if (running[i].conf == s->conf)
                        running[i].conf = NULL;
        if (shell(s, "test -e swtpm.pid") == 0)
                (void) kill(swtpm_pid(s), SIGKILL);
        (void) shell(s, "rm -rf %s", s->dir);
        free(s->conf);
}

int swtpm_teardown(void **state _unused_) {
        for (int i = 0; i < RUNNING_MAX; i++)
                if (running[i].conf) {
                        Swtpm left = running[i];

                        swtpm_done(&left);
                }
        return 0;
}

Tpm *tpm_on(const Swtpm *s) {
        const char *why = "";
        Tpm *t;

        if (tpm_new(&(TpmOptions){ .device = s->conf }, &t, &why) < 0)
                fail_msg("%s", why);
        return t;
}

TpmResult *call(Tpm *t, TpmJob *job) {
        TpmResult *result = NULL;

        assert_non_null(job);
        assert_int_equal(tpm_call(t, job, PATIENCE, &result), 0);
        return result;
}

TpmResult *next_result(Tpm *t) {
        struct pollfd p = { .fd = tpm_fd(t), .events = POLLIN };

        assert_int_equal(poll(&p, 1, (int) (PATIENCE / USEC_PER_MSEC)), 1);
        return tpm_next_result(t);
}

TpmExtend extend_of(BankSet banks, uint32_t pcr, const char *text) {
        TpmExtend e = { .pcr = pcr };

        assert_int_equal(bank_digests_hash(banks, text, strlen(text), &e.digest), 0);
        return e;
}

TpmJob *extend_job(TpmClass class, const TpmExtend *extend) {
        TpmJob *job = tpm_job_extend(class);

        assert_non_null(job);
        assert_int_equal(tpm_job_add_extend(job, extend), 0);
        return job;
}

TpmState state_of(Tpm *t) {
        TpmResult *result = call(t, tpm_job_state());
        TpmState state;

        assert_string_equal(result->detail, "");
        assert_int_equal(result->outcome, TPM_OK);
        state = *result->state;
        tpm_result_free(result);
        return state;
}

int shell(const Swtpm *s, const char *format, ...) {
        char command[4096], line[8192];
        va_list ap;
        int status;

        va_start(ap, format);
        assert_true(vsnprintf(command, sizeof(command), format, ap) < (int) sizeof(command));
        va_end(ap);
        snprintf(line, sizeof(line),
                 "cd %s && export TPM2TOOLS_TCTI=swtpm:path=%s/swtpm.sock && exec 2>>log && { %s; }", s->dir, s->dir,
                 command);
        status = system(line);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

size_t slurp(const Swtpm *s, const char *name, void *ret, size_t room) {
        char path[128];
        size_t n;
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", s->dir, name);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(ret, 1, room, f);
        fclose(f);
        return n;
}

void judge_pcr(const Swtpm *s, HashAlg alg, uint32_t pcr, char ret[2 * DIGEST_MAX + 1]) {
        uint8_t value[DIGEST_MAX + 1];

        assert_int_equal(shell(s, "tpm2_pcrread -Q -o value %s:%u", hash_name(alg), pcr), 0);
        assert_int_equal(slurp(s, "value", value, sizeof(value)), hash_size(alg));
        for (size_t i = 0; i < hash_size(alg); i++)
                snprintf(ret + 2 * i, 3, "%02x", value[i]);
}
