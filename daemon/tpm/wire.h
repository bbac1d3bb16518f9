/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The TCTI (TCG TSS 2.0 TCTI specification 1.0) that ESYS talks to: a transport with a deadline. It passes on no
 * response whose header is not exactly what TPM 2.0 part 1, 18 says. */

#include <tss2/tss2_tcti.h>

#include "daemon/tpm/transport.h"

/* Besides these: TSS2_TCTI_RC_NO_CONNECTION, the TPM has certainly not got the command; TSS2_TCTI_RC_IO_ERROR, it may
 * have; TSS2_TCTI_RC_MALFORMED_RESPONSE. */
#define WIRE_RC_LATE                                                                                                  \
        ((TSS2_RC) (TSS2_TCTI_RC_LAYER | TSS2_LAYER_IMPLEMENTATION_SPECIFIC_OFFSET | 1)) /* no answer yet */

typedef struct Wire Wire;

/* deadline: for one command. The transport is borrowed. 0 or a negative errno, those of its open() among them. */
int wire_new(const TpmTransport *transport, usec_t deadline, Wire **ret);
Wire *wire_free(Wire *w);

TSS2_TCTI_CONTEXT *wire_tcti(Wire *w);

/* Bytes behind the header of the last response, to be compared with what was made of it. */
size_t wire_parameter_size(const Wire *w);

/* A command was sent and its response has not come. */
bool wire_is_late(const Wire *w);

/* Waits, for another deadline, for a late response and throws it away. False when it still did not come. */
bool wire_settle(Wire *w);
