/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requirements of a vTPM. */

#include "lib/tpm/requirements.h"

#include <stdlib.h>
#include <string.h>

#include "lib/unitfile.h"

void tpm_requirements_done(TpmRequirements *q) {
        free(q->ak_names);
        free(q->ak_roots);
        free(q->vm_ids);
        *q = (TpmRequirements){};
}

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

static bool is_word(const char *word, size_t n, const char *text) {
        if (strlen(text) != n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (lower(word[i]) != lower(text[i]))
                        return false;
        return true;
}

bool tpm_requirements_have(const char *words, const char *text) {
        const char *word;
        size_t n;

        while ((n = next_word(&words, &word)) > 0)
                if (is_word(word, n, text))
                        return true;
        return false;
}
