/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the TPM is asked for, and what came of it. Both are plain values: whoever builds a job owns it until
 * tpm_submit() takes it over; a result belongs to whoever took it with tpm_next_result() or tpm_call(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/pcr.h"
#include "lib/sealed.h"
#include "lib/tpm/public.h"

typedef enum TpmOutcome {
        TPM_OK,
        TPM_BUSY,         /* RETRY, YIELDED or TESTING for the whole deadline, or no answer within it */
        TPM_LOST,         /* no device, connection refused, broken off in the middle, or in failure mode */
        TPM_RESET,        /* its counters or a register are not those of the TPM life we measure into */
        TPM_LOCKOUT,      /* dictionary attack lockout */
        TPM_MISSING_BANK, /* a bank that must be extended is not allocated */
        TPM_GARBAGE,      /* it answered something that is no TPM response */
        TPM_REFUSED,      /* any other error of the TPM: see rc */
        TPM_POLICY,       /* the PCRs do not have the values to which the object is sealed */
        TPM_WRONG_TPM,    /* its storage root key is not the one to which the blob is pinned */
        TPM_FAILED,       /* we could not: out of memory, crypto library */
        _TPM_OUTCOME_MAX,
} TpmOutcome;

/* "ok", "busy", "lost", ...; static. */
const char *tpm_outcome_name(TpmOutcome outcome);

/* How urgent a job is. Before each TPM command the worker looks whether something more urgent waits. */
typedef enum TpmClass {
        TPM_CLASS_LOCK, /* the lock plan: never given up, see TpmResult.owed */
        TPM_CLASS_EXTEND,
        TPM_CLASS_REST,
        _TPM_CLASS_MAX,
} TpmClass;

typedef enum TpmJobType {
        TPM_JOB_NONE,     /* a result that nobody asked for: the worker noticed a reset */
        TPM_JOB_STATE,    /* all registers, counters and the SRK Name; from then on this is the TPM life we know */
        TPM_JOB_READ,     /* all registers and counters */
        TPM_JOB_EXTEND,   /* extends, one after the other */
        TPM_JOB_SEAL,     /* seals a key to a policy digest */
        TPM_JOB_HARVEST,  /* unseals keys, then extends the cap */
        TPM_JOB_AK,       /* finds or makes the attestation key */
        TPM_JOB_QUOTE,    /* quotes registers with it */
        TPM_JOB_NV_READ,  /* reads an index of the NV memory */
        TPM_JOB_NV_WRITE, /* writes one */
        _TPM_JOB_MAX,
} TpmJobType;

/* One TPM2_PCR_Extend, in all banks of `digest` at once. */
typedef struct TpmExtend {
        uint32_t pcr;
        BankDigests digest;
        bool has_before;
        BankDigests before; /* what the register holds before it, in the same banks */
        bool uncertain;     /* an earlier job with it may have taken effect (TpmResult.extend.uncertain): look first */
} TpmExtend;

typedef struct TpmJob TpmJob;

/* All return NULL when out of memory. */
TpmJob *tpm_job_state(void);
TpmJob *tpm_job_read(void);

/* class: TPM_CLASS_LOCK or TPM_CLASS_EXTEND. When it is not known whether an extend took effect (the connection broke
 * after the command was sent) and `before` is given, the register is read and decides. Without `before`, LOCK extends
 * again (once more is better than never) and EXTEND reports TPM_LOST. */
TpmJob *tpm_job_extend(TpmClass class);

/* Seals `key` under the storage root key, to be opened by a PolicyPCR session with that policy digest alone. After any
 * outcome but TPM_OK the key must not be used for anything: try again with another one. */
TpmJob *tpm_job_seal(const uint8_t policy[SHA256_SIZE], const uint8_t key[SEALED_KEY_SIZE]);

/* The cap is always extended, as the last command and whatever failed before it; when that fails it is owed. NULL also
 * for a cap that tpm_job_add_extend() would refuse. */
TpmJob *tpm_job_harvest(const TpmExtend *cap);

/* Which attestation key. */
typedef enum TpmAkChoice {
        TPM_AK_GUEST, /* the one of a template in NV memory (as GCE has it), else a restricted signing key of our own: the
                       * primary key of the endorsement hierarchy that an ECC P-256 template makes, the same each time.
                       * Either is made persistent where the owner's authorization allows it */
        TPM_AK_AZURE, /* what the paravisor made persistent, or TPM_REFUSED with TPM2_RC_HANDLE */
} TpmAkChoice;

/* TPM handles (TCG Registry of Reserved TPM 2.0 Handles and Localities: endorsement keys are from 0x81010000 on), and NV
 * indexes of GCE's vTPM (google/go-tpm-tools, client/handles.go). */
enum {
        TPM_AK_HANDLE_AZURE = 0x81000003,
        TPM_AK_HANDLE_OWN = 0x8101a77e,
        TPM_AK_HANDLE_TEMPLATE = 0x8101a77f,
        TPM_NV_GCE_RSA_CERTIFICATE = 0x01c10000,
        TPM_NV_GCE_RSA_TEMPLATE = 0x01c10001,
        TPM_NV_GCE_ECC_CERTIFICATE = 0x01c10002,
        TPM_NV_GCE_ECC_TEMPLATE = 0x01c10003,
        TPM_NV_AZURE_AK_CERTIFICATE = 0x01c101d0,
};

enum { TPM_QUOTE_DATA_MAX = 64, TPM_NV_WRITE_MAX = 1024 };

TpmJob *tpm_job_ak(TpmAkChoice choice);

/* Quotes registers of the preferred bank with n bytes (at most TPM_QUOTE_DATA_MAX) of qualifying data. TPM_BUSY when the
 * registers move all the time, so that no values match. */
TpmJob *tpm_job_quote(TpmAkChoice choice, const void *data, size_t n, PcrSet pcrs);

/* Reads a whole index from offset 0 on, by the owner's authorization or the index's own, both empty. */
TpmJob *tpm_job_nv_read(uint32_t index);

/* Writes n bytes (at most TPM_NV_WRITE_MAX) to an index. One that is not there, or of another size, is defined for the owner
 * first. */
TpmJob *tpm_job_nv_write(uint32_t index, const void *data, size_t n);

TpmJob *tpm_job_free(TpmJob *job); /* wipes keys */
DEFINE_CLEANUP(TpmJob *, tpm_job_free)

/* Adds an extend to a job of tpm_job_extend(). 0, -ENOMEM, -EINVAL for a register that a TPM has not, for no bank, and
 * for other banks in `before`. */
int tpm_job_add_extend(TpmJob *job, const TpmExtend *extend);

/* What is extended before everything else when the TPM turns out to have been reset: once for each reset. A LOCK job
 * then goes on, an EXTEND job ends there, since its records belong to another TPM life; both say TPM_RESET. */
int tpm_job_cap_if_reset(TpmJob *job, const TpmExtend *cap);

/* Adds a blob to a job of tpm_job_harvest(); copies what it needs. 0, -EINVAL, -ENOMEM. */
int tpm_job_add_sealed(TpmJob *job, const Sealed *sealed);

typedef struct TpmCounters {
        uint32_t reset, restart; /* resetCount and restartCount of TPMS_CLOCK_INFO */
} TpmCounters;

typedef struct TpmState {
        PcrValues pcrs; /* in the banks that have all 24 PCRs; all of one moment, as pcrUpdateCounter tells */
        TpmCounters counters;
        uint64_t clock;   /* milliseconds that this TPM was powered */
        TpmName srk_name; /* TPM_JOB_STATE only */
} TpmState;

typedef struct TpmHarvested {
        TpmOutcome outcome;
        uint32_t rc;
        uint8_t key[SEALED_KEY_SIZE]; /* TPM_OK */
} TpmHarvested;

typedef struct TpmBytes {
        uint8_t *data; /* owned */
        size_t size;
} TpmBytes;

typedef enum TpmAkOrigin {
        TPM_AK_ORIGIN_AZURE,
        TPM_AK_ORIGIN_TEMPLATE,
        TPM_AK_ORIGIN_OWN,
} TpmAkOrigin;

typedef struct TpmAk {
        TpmAkOrigin origin;
        bool persistent;
        TpmBytes public; /* TPMT_PUBLIC */
        TpmName name;
        TpmBytes certificate; /* as in NV memory; size 0: there is none */
} TpmAk;

typedef struct TpmQuote {
        TpmBytes attest, signature; /* TPMS_ATTEST, TPMT_SIGNATURE */
        TpmName signer;
        PcrSet pcrs;
        PcrValues values; /* of those registers, in the one bank that was quoted: the quote's digest is theirs */
        uint64_t clock;
        TpmCounters counters;
        bool safe;
} TpmQuote;

TpmAk *tpm_ak_free(TpmAk *ak);
TpmQuote *tpm_quote_free(TpmQuote *quote);

typedef struct TpmResult {
        uint64_t id; /* what tpm_submit() gave out; 0 for TPM_JOB_NONE */
        TpmJobType type;
        TpmOutcome outcome; /* of a harvest: that of the cap; the items have their own */
        uint32_t rc;        /* TSS2_RC behind the outcome, 0: none */
        char detail[160];   /* a sentence for people; empty when TPM_OK */
        bool owed;          /* what is missing will be extended when the TPM can; a second result under the same id,
                             * of TPM_JOB_EXTEND, says when it is done */
        union {
                TpmState *state; /* TPM_JOB_STATE, TPM_JOB_READ; NULL unless TPM_OK */
                struct {
                        size_t done;    /* so many of the job's extends are in, in their order */
                        bool uncertain; /* the one behind them may be */
                } extend;
                struct {
                        TpmBytes public, private; /* TPM2B_PUBLIC, TPM2B_PRIVATE, marshalled */
                        TpmName srk_name;
                } seal;
                struct {
                        TpmHarvested *items; /* as they were added */
                        size_t n;
                        bool capped;
                } harvest;
                TpmAk *ak; /* NULL unless TPM_OK, as the next one */
                TpmQuote *quote;
                TpmBytes nv; /* what was read */
        };
} TpmResult;

TpmResult *tpm_result_free(TpmResult *result); /* wipes keys */
DEFINE_CLEANUP(TpmResult *, tpm_result_free)
