/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why is a key believed to live in a TPM, and to sign nothing but what the TPM says? */

#include "lib/check.h"
#include "lib/tpm/key.h"
#include "lib/tpm/public.h"
#include "lib/tpm/requirements.h"

typedef struct AkOrigin {
        const TpmKey *key;   /* NULL: there is none, and `problem` says why nothing of it is looked at */
        const TpmName *name; /* of that key */
        const char *problem;
        Bytes certificates; /* as ak_certificate_appraise() takes them; empty: none */
        const TpmRequirements *requirements;
        int64_t at;            /* seconds since 1970, when certificates shall be valid */
        const char *unvouched; /* who names the key where nothing that is pinned does */
} AkOrigin;

/* Adds ak-certificate and ak-origin: passed by a pinned Name, or by a certificate of a pinned authority where no Name is
 * pinned; not applicable where neither is pinned and RequireAkOrigin= is not set; else failed. Returns 0, or -ENOMEM, after
 * which nothing is decided. */
int ak_appraise_origin(const AkOrigin *o, CheckList *checks);
