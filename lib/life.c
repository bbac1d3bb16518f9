/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life file. */

#include "lib/life.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/base/macro.h"

static const char head[] = "sealwatch-life 1 ";

size_t life_format(const Life *l, char ret[LIFE_TEXT_MAX]) {
        return (size_t) snprintf(ret, LIFE_TEXT_MAX, "%s%s %" PRIu64 "\n", head, l->name, l->watermark);
}

int life_parse(const char *text, size_t n, Life *ret) {
        char copy[LIFE_TEXT_MAX] = "", again[LIFE_TEXT_MAX];
        Life l = {};
        size_t name;

        if (n >= sizeof(copy) || n <= strlen(head) || !startswith(text, head))
                return -EINVAL;
        snprintf(copy, sizeof(copy), "%.*s", (int) (n - strlen(head)), text + strlen(head));
        name = strspn(copy, "0123456789abcdef-");
        if (name == 0 || name > LIFE_NAME_MAX || copy[name] != ' ')
                return -EINVAL;
        memcpy(l.name, copy, name);
        l.watermark = strtoull(copy + name + 1, NULL, 10);
        if (life_format(&l, again) != n || memcmp(again, text, n) != 0) /* one form only */
                return -EINVAL;
        *ret = l;
        return 0;
}

int life_name(uint64_t reset_count, const void *srk_name, size_t srk_name_size, char ret[LIFE_NAME_MAX + 1]) {
        uint8_t digest[SHA256_SIZE];
        char hex[2 * 8 + 1];
        int r;

        r = sha256(srk_name, srk_name_size, digest);
        if (r < 0)
                return r;
        snprintf(ret, LIFE_NAME_MAX + 1, "%" PRIu64 "-%s", reset_count, hex_encode(digest, 8, hex));
        return 0;
}
