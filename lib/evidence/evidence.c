/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Evidence in memory. */

#include "lib/evidence/evidence.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/escape.h"
#include "lib/evidence/evidence-internal.h"

const char *const evidence_provider_names[] = {
        [EVIDENCE_PROVIDER_NONE] = "none",           [EVIDENCE_PROVIDER_CONFIGFS] = "configfs-tsm",
        [EVIDENCE_PROVIDER_SEV_GUEST] = "sev-guest", [EVIDENCE_PROVIDER_AZURE] = "azure",
        [EVIDENCE_PROVIDER_SIMULATOR] = "simulator", NULL,
};
static_assert(ELEMENTSOF(evidence_provider_names) == _EVIDENCE_PROVIDER_MAX + 1, "a name per provider");

static void texts_done(EvidenceTexts *l) {
        for (size_t i = 0; i < l->size; i++) {
                free(l->items[i].name);
                free(l->items[i].value);
        }
        free(l->items);
        *l = (EvidenceTexts){};
}

void evidence_done(Evidence *e) {
        for (EvidencePart part = 0; part < _EVIDENCE_PART_MAX; part++)
                buffer_done(&e->parts[part]);
        free(e->mode);
        free(e->state);
        texts_done(&e->references);
        texts_done(&e->levels);
        texts_done(&e->taints);
        *e = (Evidence){};
}

bool evidence_text_is_good(const char *text) {
        size_t n = strlen(text);

        return n <= EVIDENCE_TEXT_MAX && escape_is_canonical(text, n);
}

int evidence_texts_add(EvidenceTexts *l, const char *name, const char *value) {
        _cleanup_free_ char *name_copy = NULL, *value_copy = NULL;

        if (!evidence_text_is_good(value) || (name && !evidence_text_is_good(name)))
                return -EINVAL;
        if (l->size == EVIDENCE_TEXTS_MAX)
                return -E2BIG;
        for (size_t i = 0; name && i < l->size; i++)
                if (streq(l->items[i].name, name))
                        return -EEXIST;
        if (free_and_strdup(&name_copy, name) < 0 || free_and_strdup(&value_copy, value) < 0 ||
            GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0)
                return -ENOMEM;
        l->items[l->size++] = (struct EvidenceText){ TAKE_PTR(name_copy), TAKE_PTR(value_copy) };
        return 0;
}
