/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Tpm on a fake TPM, and what tests say about results. */

#include "daemon/tpm/tpm.h"
#include "fake-tpm.h"
#include "lib/base/macro.h"

/* So long a test waits before it calls something hung. */
#define PATIENCE (60 * USEC_PER_SEC)

enum { BANKS = 1 << HASH_SHA1 | 1 << HASH_SHA256 | 1 << HASH_SHA384 | 1 << HASH_SHA512 };

typedef struct Rig {
        FakeTpm *fake;
        Tpm *tpm;
} Rig;

/* The connection is kept for ever unless linger says otherwise, so that the log of commands is the same each time. */
Rig rig_new(bool resource_manager, usec_t command_deadline, usec_t linger);
void rig_done(Rig *r);
#define _rig_ __attribute__((__cleanup__(rig_done)))

/* An extend of H(text) in all banks of the fake TPM; with `before` it is what the register holds now. */
TpmExtend extend_of(Rig *r, uint32_t pcr, const char *text, bool with_before);

/* A job of one extend. */
TpmJob *extend_job(TpmClass class, const TpmExtend *extend);

void submit(Rig *r, TpmJob *job, uint64_t *ret_id);
TpmResult *call(Rig *r, TpmJob *job);
TpmResult *next_result(Rig *r); /* waits for it */

/* STATE, so that the TPM life is known; forgets the commands it took. */
void learn_life(Rig *r);

/* The register holds, from zero, the extends with these words in their order. */
void assert_register(Rig *r, uint32_t pcr, const char *words);
