/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of [Firmware] and [Log] that are no plain scalars. */

#include "policy/settings.h"

const char *setting_digest_list(const Setting *s, const char **at, void *member); /* DigestList: hexadecimal */
