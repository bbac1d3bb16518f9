/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of [Firmware] and [Log]. */

#include "policy/appraisal-log.h"

#include <errno.h>

#include "lib/digestlist.h"

const char *setting_digest_list(const Setting *s _unused_, const char **at, void *member) {
        static const char expected[] = "digests of 40, 64, 96 or 128 hexadecimal digits, 4096 at most";
        const char *p = *at, *word;
        DigestList *l = member;
        size_t n;

        digest_list_done(l);
        while ((n = next_word(&p, &word)) > 0) {
                int r = digest_list_add(l, word, n);

                *at = word;
                if (r < 0)
                        return r == -ENOMEM ? "more memory" : expected;
        }
        return l->size > 0 ? NULL : expected;
}
