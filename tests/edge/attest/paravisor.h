/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A paravisor in front of a real (software) TPM: between the client and the TPM it sees reads of NV index 0x01400001, and
 * writes a new report there first, with what index 0x01400002 holds, as OpenVMM's tpm_device does: at offset 0, at most every
 * two seconds. Time is the test's. What it shall do wrong is set before a request. */

#include "daemon/tpm/transport.h"
#include "lib/base/bytes.h"
#include "lib/base/macro.h"
#include "lib/tpm/public.h"

enum { PARAVISOR_REPORT = 0x01400001, PARAVISOR_USER_DATA = 0x01400002 };

#define PARAVISOR_PERIOD (2 * USEC_PER_SEC)

typedef struct Paravisor {
        TpmTransport inner, outer;
        Buffer modulus; /* of the attestation key, for the claims */
        usec_t now, last;

        bool off;          /* it makes no reports any more */
        bool no_user_data; /* an old one */
        unsigned late;     /* so many refreshes still see the user data of before */
        unsigned torn;     /* so many times another client reads from offset 0 in the middle of our read */
        unsigned foreign;  /* before so many refreshes somebody else writes user data */
        Buffer garbage;    /* instead of a blob */

        unsigned reads, refreshes; /* from offset 0 */
        uint8_t taken[64];         /* the user data of the last report but `late` */
        size_t size;               /* of the index */
} Paravisor;

/* Over the socket of a swtpm, where the indexes and the key are. It must stay where it is while the transport is in use. */
void paravisor_init(Paravisor *p, const char *conf);
void paravisor_done(Paravisor *p);
