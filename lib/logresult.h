/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What reading the next entry of a log comes to. Logs may be larger than memory: their readers take the bytes in pieces.
 * Where the bytes end inside an entry, the caller keeps those from the reader's offset on, puts more behind them, and
 * hands both in again. */

typedef enum LogResult {
        LOG_ENTRY,     /* *ret is the next entry */
        LOG_END,       /* the bytes end where an entry ends */
        LOG_TRUNCATED, /* they end inside an entry, or inside a pair that belongs together */
        LOG_BAD,       /* a rule is broken at the reader's offset */
        LOG_FAILED,    /* out of memory or no crypto: undecided */
} LogResult;
