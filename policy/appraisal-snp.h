/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of [Snp] that are no plain scalars. */

#include "policy/settings.h"

const char *setting_vmpls(const Setting *s, const char **at, void *member);   /* uint64_t: 1 << level */
const char *setting_mask(const Setting *s, const char **at, void *member);    /* uint64_t, "0x…" */
const char *setting_version(const Setting *s, const char **at, void *member); /* uint64_t, max + 1 bytes by dots */

/* Members of SnpRequirements: SnpTcb with its product's bit in floors or launch_floors, SnpValues. Setting.min is the
 * product or the field. */
const char *setting_floor(const Setting *s, const char **at, void *member);
const char *setting_launch_floor(const Setting *s, const char **at, void *member);
const char *setting_values(const Setting *s, const char **at, void *member);
