/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The runtime claims of Azure's paravisor: JSON that names the keys of the vTPM, the configuration of the machine and, where
 * the guest wrote some, its own 64 bytes. Unknown names are left alone; two of the same are not, since readers differ in
 * which of them they take. */

#include <jansson.h>
#include <stdbool.h>

#include "lib/tpm/ids.h"

enum { HCL_USER_DATA_SIZE = 64 };

typedef struct HclClaims {
        json_t *json;             /* owned */
        Buffer modulus, exponent; /* of the key HCLAkPub */
        const char *vm_id;        /* vm-configuration.vmUniqueId, into json; NULL: not stated */
        bool has_user_data;       /* stated (old paravisors do not), perhaps as zeros */
        uint8_t user_data[HCL_USER_DATA_SIZE];
} HclClaims;

void hcl_claims_done(HclClaims *c);

/* 0; -EINVAL with a static sentence; -ENOMEM. */
int hcl_claims_parse(const void *text, size_t n, HclClaims *ret, const char **reterr_why);
