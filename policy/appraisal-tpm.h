/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of [Tpm] that are no plain scalars. */

#include "policy/settings.h"

const char *setting_tpm_names(const Setting *s, const char **at, void *member);   /* char *: Names in hexadecimal */
const char *setting_tpm_digests(const Setting *s, const char **at, void *member); /* char *: SHA-256 in hexadecimal */
const char *setting_tpm_ids(const Setting *s, const char **at, void *member);     /* char *: UUIDs */
const char *setting_tpm_pcrs(const Setting *s, const char **at, void *member);    /* PcrSet */
