/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An attester with a TPM that is made of the simulator's keys, and a processor's reports and endorsements to give it. */

#include "daemon/attest/attest.h"
#include "lib/check.h"
#include "lib/sim/quote.h"
#include "lib/sim/report.h"
#include "tests/test.h"

#define NONCE "0123456789abcdef"

/* Of which a verifier wants to be quoted, if nobody tells it otherwise. */
#define RIG_PCRS (0xffU | 1U << 10 | 1U << 12 | 1U << 13)

/* A TPM with one key. What it shall say instead is set before a request. */
typedef struct RigTpm {
        SimKey key, other;
        PcrValues pcrs;
        int ak_error, quote_error; /* negative errnos */
        bool swap;                 /* the quote is by the other key */
        unsigned quotes;
        AttestTpm ops;
} RigTpm;

void rig_tpm_init(RigTpm *t);
void rig_tpm_done(RigTpm *t);

/* The processor of a report; made once, since its keys take seconds. */
typedef struct RigChip {
        SimPki pki;
        SnpReport report; /* not signed yet; data of no nonce */
        Buffer vek, ask, ark, crl;
} RigChip;

const RigChip *rig_chip(void);

/* A signed report with that data. */
SnpReport rig_report(const uint8_t report_data[SNP_REPORT_DATA_SIZE]);

/* Appends a certificate table with these parts; NULL leaves one out. */
void rig_table(const Buffer *vcek, const Buffer *ask, const Buffer *ark, const Buffer *crl, Buffer *ret);

/* A double of /dev/sev-guest behind AttesterOptions.ioctl: one for the process. It gives signed reports, or each of its errors
 * once before that. */
typedef struct RigDevice {
        struct {
                int error; /* errno */
                uint32_t firmware, vmm;
        } errors[8];
        size_t n_errors, used;
        bool no_room;    /* the table has more bytes than any caller has room for */
        bool is_dead;    /* ENOTTY for ever */
        uint32_t status; /* of the firmware, in the response */
        uint32_t size;   /* of the report, in the response */
        Buffer table;
        unsigned extended, plain; /* calls */
        uint32_t vmpl;            /* of the last one */
        char path[64];            /* a file to open */
} RigDevice;
extern RigDevice rig_device;
void rig_device_reset(const char *directory);
int rig_ioctl(int fd, unsigned long request, void *argument);

/* One request, waited for. The caller frees it. */
Gathered *rig_gather(const AttesterOptions *options);
Gathered *rig_gather_for(const AttesterOptions *options, const char *nonce);
Gathered *rig_gather_on(Attester *a);

/* Quote, key and values fit together. */
void assert_quote_is_good(const Gathered *g);

/* With the report, endorsements and nonce; blanks between the names of checks that shall fail. */
void assert_appraisal(const Gathered *g, int64_t at, const char *fails);

/* A directory in /tmp, removed with all that is in it at the end of the scope. */
typedef struct TempDir {
        char path[64];
} TempDir;
TempDir temp_dir(void);
void temp_dir_done(TempDir *d);
#define _temp_dir_ __attribute__((__cleanup__(temp_dir_done)))
