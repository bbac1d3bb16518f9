/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small macros that every layer uses. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define _unused_ __attribute__((__unused__))
#define _printf_(format, first) __attribute__((__format__(__printf__, format, first)))

/* Microseconds. CLOCK_BOOTTIME where a difference is meant, CLOCK_REALTIME where a date is. */
typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_PER_SEC ((usec_t) 1000000)
#define NSEC_PER_USEC ((uint64_t) 1000)
#define USEC_INFINITY UINT64_MAX

static inline int streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* NULL-safe: "" for NULL. */
static inline const char *strempty(const char *s) {
        return s ? s : "";
}

static inline int startswith(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}
