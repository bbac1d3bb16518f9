/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A TPM in memory behind a TpmTransport: registers, clock, capabilities and one storage root key are real, everything
 * else is answered with TPM_RC_COMMAND_CODE. It fails on demand, in every way that a TPM can. */

#include <tss2/tss2_tpm2_types.h>

#include "daemon/tpm/transport.h"
#include "lib/pcr.h"

typedef struct FakeTpm FakeTpm;

typedef enum FakeFault {
        FAKE_RC,           /* answers with the response code `argument`, and does nothing */
        FAKE_SEND_FAILS,   /* the command does not get through; the link is dead */
        FAKE_LOST_BEFORE,  /* it gets through, is not carried out, and the link dies */
        FAKE_LOST_AFTER,   /* it is carried out, and the link dies */
        FAKE_LATE,         /* it is carried out, but the answer is not there for `argument` calls of receive */
        FAKE_RESET_BEFORE, /* the TPM is reset, its links die, then as FAKE_LOST_BEFORE */
        FAKE_SHORT,        /* carried out; the answer ends after `argument` bytes */
        FAKE_CUT,          /* as FAKE_SHORT, and its header says that this is all */
        FAKE_TAG,          /* carried out; the answer's tag is `argument` */
        FAKE_SIZE,         /* carried out; the header says `argument` bytes */
        FAKE_CODE,         /* carried out; the answer has the code `argument`, and what a success has */
        FAKE_RANDOM,       /* carried out; `argument` seeds bytes that come instead of the answer */
} FakeFault;

FakeTpm *fake_new(BankSet banks, bool resource_manager);
void fake_free(FakeTpm *f);

/* For TpmOptions.transport; borrowed from f. */
const TpmTransport *fake_transport(FakeTpm *f);

/* The next `times` commands with that code (0: any), after `skip` others with it, fail so. Several injections for the
 * same command apply in their order. */
void fake_inject(FakeTpm *f, uint32_t code, unsigned skip, FakeFault fault, unsigned times, uint32_t argument);

/* The next command with that code waits, before it is carried out, until fake_release(). */
void fake_hold(FakeTpm *f, uint32_t code);
void fake_wait_held(FakeTpm *f);
void fake_release(FakeTpm *f);

void fake_set_absent(FakeTpm *f, bool absent); /* no device: cannot be opened, links are dead */

/* resetCount one higher, registers zero; links die unless they are kept, as when swtpm is reset by its control
 * channel. */
void fake_reset(FakeTpm *f, bool keep_links);
void fake_set_taken(FakeTpm *f, unsigned times); /* the next opens find it in use by another */
void fake_set_banks(FakeTpm *f, BankSet banks);
void fake_leave_object(FakeTpm *f, TPM2_HANDLE handle); /* loaded by a client that died */
unsigned fake_objects(FakeTpm *f);

/* Extends a register, as another client would. */
void fake_extend(FakeTpm *f, uint32_t pcr, const BankDigests *digest);
/* Does so before each of the next n PCR_Read commands. */
void fake_disturb_reads(FakeTpm *f, uint32_t pcr, unsigned n);

BankDigests fake_pcr(FakeTpm *f, uint32_t pcr);
unsigned fake_opened(FakeTpm *f); /* how often it was */
unsigned fake_links(FakeTpm *f);  /* open now */

/* The commands that were carried out so far, each as one letter: R PCR_Read, C GetCapability, T ReadClock, P
 * ReadPublic, F FlushContext, ? others; and for a PCR_Extend 'a' + the register. Valid until the next call. */
const char *fake_log(FakeTpm *f);
void fake_clear_log(FakeTpm *f);
