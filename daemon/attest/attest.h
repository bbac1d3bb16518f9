/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Gathering evidence for one nonce: a report of the processor, a quote of the TPM by a key that the report binds, and what
 * endorses the report. A thread of its own does it, one request after the other: it asks the kernel, the TPM's queue (at
 * the lowest class), the cache of endorsements and the fetch helper, and may wait for any of them. The caller's thread
 * hands requests in and is called back when it dispatches; it never waits.
 *
 * What is gathered is bytes as they came. Nothing in here is a verdict: appraisal is lib/'s. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/evidence/evidence.h"
#include "lib/snp/report.h"
#include "lib/tpm/public.h"

/* Providers by name (lib/evidence/evidence.h); "auto" is the first of configfs-tsm, sev-guest and azure that is there. The
 * simulator taints everything and is there only when it is asked for; "none" quotes without any report. */
#define ATTEST_PROVIDER_AUTO _EVIDENCE_PROVIDER_INVALID

/* Of a configuration's word; false when it is none. */
bool attest_provider_from_name(const char *name, EvidenceProvider *ret);

/* Why there is no evidence. None of them says that anything is trusted. */
typedef enum AttestFailure {
        ATTEST_GATHERED,    /* there is */
        ATTEST_NO_PROVIDER, /* "no-provider": this machine has no source of reports */
        ATTEST_PROVIDER_BUSY, /* "provider-busy": throttled by the host or disturbed by others, for as long as we tried */
        ATTEST_PROVIDER_DEAD,   /* "provider-dead": no report any more until the next boot (the guest's key is gone) */
        ATTEST_PROVIDER_FAILED, /* "provider-failed": any other error of it; see `why` */
        ATTEST_STALE_REPORT, /* "stale-report": the paravisor does not take up our nonce, however often it is asked */
        ATTEST_TPM_LOST,     /* "tpm-lost": it is not there, broke off, or was reset */
        ATTEST_TPM_BUSY,     /* "tpm-busy": no answer in time, or registers that move all the time */
        ATTEST_TPM_REFUSED,  /* "tpm-refused": any other error of it; see `why` */
        ATTEST_NO_AK,        /* "no-ak": the platform's key is not where it belongs, or ours cannot be made */
        ATTEST_AK_CHANGED,   /* "ak-changed": the quote came from another key than the report was asked for */
        ATTEST_CANCELLED,    /* "cancelled": the daemon ends */
        ATTEST_INTERNAL,     /* "internal": out of memory, crypto library */
        _ATTEST_FAILURE_MAX,
} AttestFailure;

const char *attest_failure_name(AttestFailure f);

/* Where the attestation key comes from: `ak-origin` says whether that is reason to believe in it. */
typedef enum AkOrigin {
        AK_ORIGIN_NONE,
        AK_ORIGIN_AZURE,    /* "azure-hcl": persistent at 0x81000003, named by the paravisor's claims */
        AK_ORIGIN_TEMPLATE, /* "gce-template": made from the template in the vTPM's NV memory, with its certificate */
        AK_ORIGIN_OWN,      /* "own": a primary key of the endorsement hierarchy, which root can replace */
        _AK_ORIGIN_MAX,
} AkOrigin;

const char *ak_origin_name(AkOrigin o);

/* Who runs the TPM: property TpmTrust. */
typedef enum TpmTrust {
        TPM_TRUST_HOST, /* "host": outside of the guest's trust, as far as can be shown */
        TPM_TRUST_TEE, /* "tee": a paravisor, or an SVSM whose manifest names its endorsement key, in the guest's trust */
        TPM_TRUST_SOFTWARE, /* "software": a software TPM of this machine, which is none */
        _TPM_TRUST_MAX,
} TpmTrust;

const char *tpm_trust_name(TpmTrust t);

enum {
        ATTEST_WAITING_MAX = 16, /* requests that wait */
        ATTEST_WHY_MAX = 200,
};

typedef struct AttestKey {
        AkOrigin origin;
        Buffer public;      /* TPMT_PUBLIC */
        TpmName name;       /* its Name, as the TPM computed it */
        Buffer certificate; /* as it is in the vTPM (zeros may follow); size 0: none */
        bool persistent;
} AttestKey;

typedef struct AttestQuote {
        Buffer attest;    /* TPMS_ATTEST; its extraData is the nonce */
        Buffer signature; /* TPMT_SIGNATURE */
        PcrValues pcrs;   /* those that were quoted, of one moment: they make the quote's digest. Others are zero */
        PcrSet selected;
        uint64_t clock; /* of the quote, in ms */
        uint32_t reset_count, restart_count;
        bool safe;
} AttestQuote;

typedef struct Gathered {
        AttestFailure failure;
        char why[ATTEST_WHY_MAX];  /* a sentence for people, of plain ASCII; empty when gathered */
        EvidenceProvider provider; /* the one that was asked */
        bool simulated;            /* taints status, log and evidence */
        TpmTrust tpm_trust;

        Buffer nonce;

        /* ak_report_data() of nonce and AK Name: what the report, or on Azure the user data in the claims, must have. */
        uint8_t report_data[SNP_REPORT_DATA_SIZE];
        Buffer report;       /* ATTESTATION_REPORT, 1184 bytes; on Azure it is in the blob, too */
        Buffer hcl;          /* Azure: the blob with report and claims, without trailing zeros of the index */
        Buffer manifest;     /* SVSM: then the report's data is svsm_report_data(report_data, manifest) */
        Buffer certificates; /* the host's certificate table, as it came */

        AttestKey ak;
        AttestQuote quote;

        /* Endorsements that verify up to AMD's root (or the simulator's) and are of the chip and TCB of the report. Missing
         * ones are no failure of gathering. */
        Buffer vek, chain, crl;  /* DER or PEM */
        const char *endorsed_by; /* static: "table", "cache", "azure", "amd", "simulator"; NULL: none was found */
        char endorsement_problem[ATTEST_WHY_MAX]; /* why none was found */
} Gathered;

Gathered *gathered_free(Gathered *g);
DEFINE_CLEANUP(Gathered *, gathered_free)

/* Moves what was gathered to the document: provider, nonce, quote, its key and registers, report, endorsements; and the taint
 * "simulator". 0, -ENOMEM. */
int gathered_move(Gathered *g, Evidence *ret);

/* Errors of these: 0; -ENOENT, there is no such key or index; -EBUSY; -ENODEV, the TPM is lost or was reset; -ECANCELED;
 * -ENOMEM; -EIO and others, it refused. `why` has room for ATTEST_WHY_MAX bytes. Called on the gathering thread, and wait. */
typedef struct AttestTpm {
        void *userdata;
        bool is_software;

        /* azure: the paravisor's key and nothing else; otherwise the one of a template in NV memory, or our own. */
        int (*find_ak)(void *userdata, bool azure, AttestKey *ret, char *why);
        int (*quote)(void *userdata, bool azure, const void *nonce, size_t n, PcrSet pcrs, AttestQuote *ret,
                     TpmName *ret_signer, char *why);

        /* The whole index in one job, from offset 0, whatever size it has. */
        int (*nv_read)(void *userdata, uint32_t index, Buffer *ret, char *why);

        /* Writes n bytes; an index that is not there, or has another size, is defined first (owner hierarchy). */
        int (*nv_write)(void *userdata, uint32_t index, const void *data, size_t n, char *why);
} AttestTpm;

/* Paths NULL and times zero mean the defaults in brackets. Everything is borrowed for as long as the attester lives. */
typedef struct AttesterOptions {
        EvidenceProvider provider; /* or ATTEST_PROVIDER_AUTO */
        const AttestTpm *tpm;
        const char *tsm_path;       /* [/sys/kernel/config/tsm/report] */
        const char *sev_guest_path; /* [/dev/sev-guest] */
        const char *cache_path;     /* [/var/lib/sealwatch/endorsements] */
        const char *fetch_path; /* socket of sealwatch-fetch [/run/sealwatch-fetch.sock]; "": never ask the network */
        const char *simulator_path; /* see daemon/attest/simulator.h; NULL: nothing is wrong there */

        /* Take endorsements that lead to the simulator's root, for tests: they taint as it does. */
        bool allow_simulated;

        /* For tests: instead of ioctl(2), and instead of sleeping. */
        int (*ioctl)(int fd, unsigned long request, void *argument);
        void (*pause)(void *userdata, usec_t time);
        void *pause_userdata;
} AttesterOptions;

typedef struct Attester Attester;

/* Starts the thread. 0 or a negative errno. */
int attester_new(const AttesterOptions *options, Attester **ret);

/* Cuts pauses short, waits for the call into kernel or TPM that is under way, and calls back what waits with
 * ATTEST_CANCELLED. */
Attester *attester_free(Attester *a);
DEFINE_CLEANUP(Attester *, attester_free)

/* Owns the result. */
typedef void (*AttestDone)(void *userdata, Gathered *gathered);

/* Queues a request with EVIDENCE_NONCE_MIN to _MAX bytes of nonce (copied), for a quote over those PCRs in the preferred bank.
 * 0; -EINVAL for another size of nonce or no PCR; -ENOBUFS when ATTEST_WAITING_MAX wait; -ENOMEM. */
int attester_gather(Attester *a, const void *nonce, size_t n, PcrSet pcrs, AttestDone done, void *userdata);

/* Readable when attester_dispatch() has something to call back. */
int attester_fd(const Attester *a);
void attester_dispatch(Attester *a);
