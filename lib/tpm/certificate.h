/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The certificate of an attestation key: somebody outside of the machine says that the key lives in a TPM. */

#include "lib/check.h"
#include "lib/tpm/key.h"
#include "lib/tpm/requirements.h"

enum { AK_CERTIFICATES_MAX = 256 * 1024 };

/* Judges a file with the key's certificate and those that lead to a pinned one, in any order, PEM or DER (zeros may follow:
 * NV indexes have them). Adds ak-certificate: pass where a chain of valid certificates leads to a pinned one, not applicable
 * where none is pinned, else fail. *ret is that result. Returns 0, or -ENOMEM, after which nothing is decided. */
int ak_certificate_appraise(Bytes file, const TpmKey *key, const TpmRequirements *q, int64_t at, CheckList *checks,
                            CheckResult *ret);
