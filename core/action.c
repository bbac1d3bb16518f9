/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of actions. */

#include "core/action.h"

#include "lib/base/alloc.h"

void action_list_done(ActionList *l) {
        for (size_t i = 0; i < l->size; i++) {
                Action *a = &l->items[i];

                if (a->type == ACTION_ALERT)
                        free(a->alert.json);
                else if (a->type == ACTION_RELEASE || a->type == ACTION_REFUSE)
                        free(a->release.name);
        }
        free(l->items);
        *l = (ActionList){};
}

int action_reserve(ActionList *l, size_t n) {
        return GREEDY_REALLOC(l->items, l->allocated, l->size + n);
}

Action *action_add(ActionList *l, ActionType type) {
        if (GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0)
                return NULL;
        l->items[l->size] = (Action){ .type = type };
        return &l->items[l->size++];
}
