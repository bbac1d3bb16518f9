/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has endorsements, and in which form they come. */

#include "lib/base/bytes.h"
#include "lib/base/macro.h"
#include "lib/snp/fetch.h"

typedef struct Sources {
        const char *amd;   /* [https://kdsintf.amd.com], without a slash at its end */
        const char *azure; /* [http://169.254.169.254] */
        usec_t timeout;    /* of each transfer */
} Sources;

typedef struct Found {
        Buffer parts[_FETCH_PART_MAX];
        FetchStatus status;
        char text[FETCH_TEXT_MAX + 1];
} Found;

void found_done(Found *f);

/* Gets what is asked for. A list of revoked authorities may be missing beside other parts. */
void sources_ask(const Sources *s, const FetchRequest *request, Found *ret);
