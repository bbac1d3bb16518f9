/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A transport that looks over our shoulder: keeps every byte, and extends a register where it hurts. */

#include "daemon/tpm/transport.h"
#include "lib/base/bytes.h"

typedef struct Sniffer {
        TpmTransport inner, outer;
        Buffer seen;
        uint32_t meddle_at;  /* the command, TPM2_CC_Unseal at first, of which */
        unsigned meddlings;  /* so many of the next ones have PCR 10 extended before them */
        unsigned breaks;     /* so many of the next Unseal commands end the connection */
        unsigned unseals;    /* seen */
        uint32_t codes[256]; /* of the commands that were sent, in their order */
        size_t n_codes;
        void (*on_command)(void *userdata, uint32_t code); /* NULL, or called before each is sent */
        void *userdata;
} Sniffer;

/* Over the socket of a swtpm. The sniffer must stay where it is while the transport is in use. */
void sniffer_init(Sniffer *s, const char *conf);
void sniffer_done(Sniffer *s);
