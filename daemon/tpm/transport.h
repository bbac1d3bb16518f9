/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How bytes get to a TPM and back. Two are built in: a character device of the kernel, and the socket of a swtpm.
 *
 * The TCTI libraries of tpm2-tss (3.2, later ones alike) do the same, but the one for swtpm waits for ever and
 * connects anew for each command (so that another client's commands, and a restart of swtpm, come in between ours
 * unseen), neither marks its descriptor close-on-exec, and neither says whether a failed command had been sent. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/macro.h"

enum { TPM_MESSAGE_MAX = 4096 }; /* bytes of a command or response */

typedef struct TpmTransport TpmTransport;
typedef struct TpmLink TpmLink; /* an open connection, of whatever kind the transport makes it */

/* Functions may be called from several threads, but those of one link from one only. */
struct TpmTransport {
        void *userdata;

        /* The TPM has a resource manager: it takes several clients at once, and cleans up after each. */
        bool resource_manager;

        /* 0 or a negative errno; -EAGAIN and -EBUSY: somebody else has it, try again. */
        int (*open)(void *userdata, TpmLink **ret);

        /* Sends a whole command. 0; on a negative errno the TPM has certainly not got it. */
        int (*send)(TpmLink *link, const uint8_t *command, size_t n);

        /* Waits for the whole response and puts it at `response`, which has room for TPM_MESSAGE_MAX bytes. Returns
         * its size, -ETIMEDOUT (call again with the same buffer), -EMSGSIZE (what comes is no response), or another
         * negative errno: the link is dead. */
        ssize_t (*receive)(TpmLink *link, uint8_t *response, usec_t timeout);

        /* Takes NULL. */
        void (*close)(TpmLink *link);

        void (*free)(void *userdata); /* may be NULL */
};

/* The built-in transport that TpmOptions.device names. Undo with transport_done(). */
int transport_from_conf(const char *conf, TpmTransport *ret, const char **reterr_why);
void transport_done(TpmTransport *t);
