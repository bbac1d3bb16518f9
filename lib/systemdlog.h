/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd's log of what it extends in user space, /run/log/systemd/tpm2-measure.log (systemd 255, src/shared/tpm2-util.c): a
 * JSON text sequence (RFC 7464), each record 0x1e, one object, and a line feed:
 *
 *   {"pcr":11,"digests":[{"hashAlg":"sha256","digest":"<hex>"},…],"content_type":"systemd","content":{…}}
 *
 * A record of an NV index has "nv_index" instead of "pcr". systemd extends first and writes then, so the end of the log can
 * be behind the registers for a moment. */

#include "lib/logresult.h"
#include "lib/pcr.h"

enum { SYSTEMD_RECORD_MAX = 64 * 1024 }; /* bytes of one record */

typedef struct SystemdRecord {
        int pcr;             /* -1: an NV index, which no register of ours is about */
        BankDigests digests; /* of the algorithms that are known here */
} SystemdRecord;

/* The record at *at, which is moved behind it when the result is LOG_ENTRY. LOG_BAD with a static sentence; LOG_TRUNCATED: the
 * end is being written. */
LogResult systemd_record_next(const char *text, size_t n, size_t *at, SystemdRecord *ret, const char **reterr_why);
