/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One GET over libcurl: no redirection, no other protocol than the URL's, a limit of size and of time. */

#include "lib/base/bytes.h"
#include "lib/base/macro.h"
#include "lib/snp/fetch.h"

typedef struct HttpGet {
        const char *url;    /* http or https */
        const char *header; /* "Name: value"; NULL: none */
        bool direct;        /* by no proxy: it is an address of this machine's host */
        size_t max;         /* bytes of the body */
        usec_t timeout;
} HttpGet;

/* Once, while there is only one thread. False when the library cannot be set up. */
bool http_init(void);

/* Appends the body. FETCH_OK, or why not in `text`. */
FetchStatus http_get(const HttpGet *g, Buffer *ret, char text[FETCH_TEXT_MAX + 1]);
