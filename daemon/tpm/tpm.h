/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The TPM. A thread of its own speaks with it, one command at a time; the caller's thread hands in jobs and takes out
 * results, and never waits for the TPM unless it asks to (tpm_call()). All functions but
 * tpm_call_aside() are for one thread.
 *
 * On a device with a resource manager of the kernel a second thread runs the jobs of TPM_CLASS_LOCK on a descriptor of
 * its own, so that no long command is in their way. Everywhere else there is one client at a time: the connection is
 * held only while there are jobs, so that other programs reach the TPM as well. */

#include "daemon/tpm/job.h"
#include "lib/base/macro.h"

typedef struct Tpm Tpm;
typedef struct TpmTransport TpmTransport;

/* Zero means the default. */
typedef struct TpmOptions {
        const char *device;            /* "auto" (default): /dev/tpmrm0, or any other /dev/tpmrm* when it is not there;
                                        * "device:/path"; "swtpm:/path/of/socket" */
        usec_t command_deadline;       /* for one TPM command, busy answers and their repetitions included; 5 s */
        usec_t linger;                 /* without a resource manager: how long an idle connection is kept (and after
                                        * four times as long a busy one is given up for a moment); 5 ms */
        const TpmTransport *transport; /* instead of `device`, for tests (daemon/tpm/transport.h) */
} TpmOptions;

/* tpm2-tss writes diagnostics of its own to standard error unless TSS2_LOG is set. Sets it to be silent, and so is to
 * be called while there is only one thread. */
void tpm_silence_library(void);

/* Starts the threads. It does not wait for the TPM; one that is not there is found out by the first job. 0 or a
 * negative errno; -EINVAL and -ENAMETOOLONG with a static sentence about options->device. */
int tpm_new(const TpmOptions *options, Tpm **ret, const char **reterr_why);

/* Runs the LOCK jobs that wait, drops the others and what is owed, and ends the threads. A thread that hangs in the
 * TPM is left behind after a second more than the deadline of a command; it frees what it holds when it gets free. */
Tpm *tpm_free(Tpm *t);
DEFINE_CLEANUP(Tpm *, tpm_free)

/* Queues a job, taken over on success. *ret_id (may be NULL) is in its results. 0, or -ENOBUFS when thousands of jobs
 * wait (never for LOCK). */
int tpm_submit(Tpm *t, TpmJob *job, uint64_t *ret_id);

/* Readable while results wait. Owned by t. */
int tpm_fd(const Tpm *t);

/* The next result, owned by the caller; NULL: none waits. */
TpmResult *tpm_next_result(Tpm *t);

/* Submits a job (taken over in any case) and waits for its result; other results wait in their queue. 0, -ETIMEDOUT
 * (the job goes on, its result comes later), or as tpm_submit(). */
int tpm_call(Tpm *t, TpmJob *job, usec_t timeout, TpmResult **ret);

/* The same for any other thread, however long it takes: its result shows nowhere else. Such calls must have returned before
 * tpm_free(). 0, -ENOBUFS, or -ECANCELED. */
int tpm_call_aside(Tpm *t, TpmJob *job, TpmResult **ret);
