/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A swtpm of the test's own in a temporary directory, a Tpm on it, and tpm2-tools as the independent judge. */

#include <sys/types.h>

#include "daemon/tpm/software.h"
#include "daemon/tpm/tpm.h"

#define PATIENCE (60 * USEC_PER_SEC)

typedef struct Swtpm {
        char dir[64];
        char *conf; /* for TpmOptions.device */
} Swtpm;

Swtpm swtpm_new(void);
void swtpm_done(Swtpm *s); /* kills it, removes the directory */
#define _swtpm_ __attribute__((__cleanup__(swtpm_done)))

/* cmocka leaves a failed test with a longjmp(), past its cleanups. */
int swtpm_teardown(void **state);

pid_t swtpm_pid(const Swtpm *s);
void swtpm_kill(const Swtpm *s);    /* SIGKILL: its registers are gone */
void swtpm_restart(const Swtpm *s); /* on the same socket */

Tpm *tpm_on(const Swtpm *s);
#define _tpm_ __attribute__((__cleanup__(tpm_freep)))

TpmResult *call(Tpm *t, TpmJob *job);
TpmResult *next_result(Tpm *t); /* waits for it */
TpmExtend extend_of(BankSet banks, uint32_t pcr, const char *text);
TpmJob *extend_job(TpmClass class, const TpmExtend *extend);

/* What STATE says, which must be fine. */
TpmState state_of(Tpm *t);

/* Runs a shell command in the directory, with tpm2-tools set up for the swtpm. Gives its exit status. */
int shell(const Swtpm *s, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

/* As tpm2_pcrread shows it. */
void judge_pcr(const Swtpm *s, HashAlg alg, uint32_t pcr, char ret[2 * DIGEST_MAX + 1]);

/* A file in the directory; how many bytes it has. */
size_t slurp(const Swtpm *s, const char *name, void *ret, size_t room);
