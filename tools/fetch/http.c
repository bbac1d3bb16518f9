/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/fetch/http.h"

#include <curl/curl.h>
#include <stdio.h>

#include "lib/base/cleanup.h"

enum { REDIRECT_FIRST = 300, REDIRECT_LAST = 399, TOO_MANY_REQUESTS = 429, UNAVAILABLE = 503 };

typedef struct curl_slist *Headers;

DEFINE_CLEANUP(CURL *, curl_easy_cleanup)
DEFINE_CLEANUP(Headers, curl_slist_free_all)

/* What is written to, and how much of it may be. */
typedef struct Body {
        Buffer *buffer;
        size_t start, max;
        bool too_large;
} Body;

bool http_init(void) {
        return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* To take less than was given is to end the transfer. */
static size_t take(char *data, size_t size, size_t n, void *userdata) {
        Body *b = userdata;

        b->too_large = b->buffer->size - b->start + size * n > b->max;
        if (b->too_large)
                return 0;
        buffer_bytes(b->buffer, data, size * n);
        return b->buffer->failed ? 0 : size * n;
}

static bool set_up(CURL *curl, const HttpGet *g, Headers headers, Body *body) {
        const char *protocol = startswith(g->url, "https:") ? "https" : "http";

        return curl_easy_setopt(curl, CURLOPT_URL, g->url) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocol) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) (g->timeout / USEC_PER_MSEC)) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) g->max) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) == CURLE_OK &&
               (!g->direct || curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK) &&
               curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK;
}

/* Words of ours, so that whoever answers cannot make any. */
static FetchStatus judge(CURLcode code, long status, const Body *b, char text[FETCH_TEXT_MAX + 1]) {
        if (code == CURLE_FILESIZE_EXCEEDED || (code == CURLE_WRITE_ERROR && b->too_large)) {
                snprintf(text, FETCH_TEXT_MAX + 1, "more than %zu bytes", b->max);
                return FETCH_BAD;
        }
        if (code == CURLE_OUT_OF_MEMORY || b->buffer->failed) {
                snprintf(text, FETCH_TEXT_MAX + 1, "out of memory");
                return FETCH_FAILED;
        }
        if (code != CURLE_OK) {
                snprintf(text, FETCH_TEXT_MAX + 1, "%s", curl_easy_strerror(code));
                return FETCH_UNREACHABLE;
        }
        snprintf(text, FETCH_TEXT_MAX + 1, "HTTP status %ld", status);
        if (status == TOO_MANY_REQUESTS || status == UNAVAILABLE)
                return FETCH_BUSY;
        if (status >= REDIRECT_FIRST && status <= REDIRECT_LAST)
                snprintf(text, FETCH_TEXT_MAX + 1, "HTTP status %ld: it leads somewhere else", status);
        return status == 200 && b->buffer->size > b->start ? FETCH_OK : FETCH_REFUSED;
}

FetchStatus http_get(const HttpGet *g, Buffer *ret, char text[FETCH_TEXT_MAX + 1]) {
        _cleanup_(curl_easy_cleanupp) CURL *curl = curl_easy_init();
        _cleanup_(curl_slist_free_allp) Headers headers = g->header ? curl_slist_append(NULL, g->header) : NULL;
        Body body = { .buffer = ret, .start = ret->size, .max = g->max };
        FetchStatus s;
        long status = 0;
        CURLcode code;

        if (!curl || (g->header && !headers) || !set_up(curl, g, headers, &body)) {
                snprintf(text, FETCH_TEXT_MAX + 1, "cannot set up a transfer");
                return FETCH_FAILED;
        }
        code = curl_easy_perform(curl);
        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        s = judge(code, status, &body, text);
        if (s != FETCH_OK)
                buffer_done(ret);
        return s;
}
