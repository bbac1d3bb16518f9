/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A thread that owns one connection and runs the jobs of some classes. */

#include "daemon/tpm/connection.h"
#include "daemon/tpm/queue.h"

/* What the workers of a Tpm share besides the queue; it lives as long as the longest of them. */
typedef struct Shared {
        Queue *queue;
        TpmTransport transport;
        usec_t command_deadline, linger;
        Life life;
        pthread_mutex_t lock; /* of `references` */
        unsigned references;
} Shared;

/* linger and command_deadline as in TpmOptions. The transport is taken over on success. */
int shared_new(const TpmTransport *transport, usec_t command_deadline, usec_t linger, Shared **ret);
Shared *shared_unref(Shared *s);
DEFINE_CLEANUP(Shared *, shared_unref)

/* Starts a thread for jobs of the classes, which holds a reference of its own. 0 or a negative errno. */
int worker_start(Shared *s, ClassSet classes, const char *name, pthread_t *ret);
