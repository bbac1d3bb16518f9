/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Each kind of job, run to its end on a connection. They fill in the job's result as far as they get. */

#include "daemon/tpm/connection.h"
#include "daemon/tpm/job-internal.h"

/* Extends what is left of the job's items. With TPM_RESET and TPM_MISSING_BANK a LOCK job may be complete all the
 * same: see extend_is_complete(). */
TpmError extend_run(Connection *c, TpmJob *job);

TpmError read_run(Connection *c, TpmResult *result);
TpmError state_run(Connection *c, TpmResult *result);
TpmError seal_run(Connection *c, const TpmJob *job, TpmResult *result);

TpmError nv_read_run(Connection *c, const TpmJob *job, TpmResult *result);
TpmError nv_write_run(Connection *c, const TpmJob *job);
TpmError ak_run(Connection *c, const TpmJob *job, TpmResult *result);
TpmError quote_run(Connection *c, const TpmJob *job, TpmResult *result);

/* Gives what came of the cap. */
TpmError harvest_run(Connection *c, TpmJob *job, TpmResult *result);
