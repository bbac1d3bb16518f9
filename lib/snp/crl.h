/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Revocation lists (RFC 5280, section 5). Only authorities are ever listed: there is no list of VCEKs or VLEKs, they are
 * superseded by new security versions. */

#include "lib/snp/endorsements.h"

/* Looks the authorities of a verified chain up in its verified lists, as of the time `at` (seconds since 1970). NULL, or a
 * static sentence about what does not hold; at least one list must be about the authority below the root. *ret_until: until
 * when the lists say so. */
const char *snp_crl_misfit(const SnpEndorsements *e, int64_t at, int64_t *ret_until);
