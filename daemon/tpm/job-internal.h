/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a job holds while it is under way. */

#include "daemon/tpm/job.h"

typedef struct SealedItem {
        uint8_t *srk_name, *public, *private;
        size_t srk_name_size, public_size, private_size;
        HashAlg bank;
        PcrSet pcrs;
        bool decided; /* its TpmHarvested holds what came of it */
} SealedItem;

/* A result in the queue. */
typedef struct Answer {
        TpmResult result; /* first: tpm_result_free() frees the whole */
        bool aside;       /* for the thread that waits for it, and nobody else */
        struct Answer *next;
} Answer;

Answer *answer_new(TpmJobType type); /* NULL when out of memory */

struct TpmJob {
        TpmJob *next; /* in a queue */
        uint64_t id;
        TpmJobType type;
        TpmClass class;

        /* Made when the job is, so that no answer is ever lost for want of memory. */
        Answer *answer;
        Answer *later; /* the second one, of jobs that may be owed */

        union {
                struct {
                        TpmExtend *items;
                        size_t n, allocated;
                        size_t done;
                        bool has_cap;
                        TpmExtend cap; /* if the TPM was reset */
                        bool owed;     /* the first result has been given */
                        bool foreign;  /* a register held neither the value before nor the one after */
                } extend;
                struct {
                        uint8_t policy[SHA256_SIZE], key[SEALED_KEY_SIZE];
                } seal;
                struct {
                        SealedItem *items;
                        size_t n, allocated;
                        TpmJob *cap; /* a LOCK job of its own */
                } harvest;
                struct {
                        TpmAkChoice choice;
                        uint8_t data[TPM_QUOTE_DATA_MAX];
                        size_t size;
                        PcrSet pcrs;
                } attest; /* AK, QUOTE */
                struct {
                        uint32_t index;
                        uint8_t *data; /* to be written */
                        size_t size;
                } nv;
        };
};

/* All extends are in. */
static inline bool extend_is_complete(const TpmJob *job) {
        return job->extend.done == job->extend.n;
}
