/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Slots: an array, a list per state, and tokens that say which use of a slot they mean. */

#include "daemon/sensor/fanotify/slots.h"

#include <errno.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

typedef struct SlotList {
        Slot *first, *last;
        size_t size;
} SlotList;

struct Slots {
        SlotList lists[_SLOT_MAX];
        size_t max, touched; /* from there on the array was never used, and costs no memory yet */
        Slot items[];
};

static void list_add(SlotList *l, Slot *slot) {
        slot->next = NULL;
        slot->previous = l->last;
        *(l->last ? &l->last->next : &l->first) = slot;
        l->last = slot;
        l->size++;
}

static void list_remove(SlotList *l, Slot *slot) {
        *(slot->previous ? &slot->previous->next : &l->first) = slot->next;
        *(slot->next ? &slot->next->previous : &l->last) = slot->previous;
        l->size--;
}

int slots_new(size_t max, Slots **ret) {
        Slots *s = calloc(1, sizeof(Slots) + max * sizeof(Slot));

        if (!s)
                return -ENOMEM;
        s->max = max;
        *ret = s;
        return 0;
}

Slots *slots_free(Slots *s) {
        free(s);
        return NULL;
}

Slot *slot_new(Slots *s, SlotState state) {
        Slot *slot = s->lists[SLOT_FREE].first;
        uint32_t index, generation;

        if (slot)
                list_remove(&s->lists[SLOT_FREE], slot);
        else if (s->touched < s->max)
                slot = &s->items[s->touched++];
        else
                return NULL;
        index = (uint32_t) (slot - s->items);
        generation = slot->generation + 1;
        *slot = (Slot){ .state = state, .index = index, .generation = generation, .fd = -1 };
        list_add(&s->lists[state], slot);
        return slot;
}

void slot_move(Slots *s, Slot *slot, SlotState state) {
        list_remove(&s->lists[slot->state], slot);
        slot->state = state;
        list_add(&s->lists[state], slot);
}

uint64_t slot_token(const Slot *slot) {
        return (uint64_t) slot->generation << 32 | slot->index;
}

Slot *slot_of_token(Slots *s, uint64_t token) {
        uint32_t index = (uint32_t) token, generation = (uint32_t) (token >> 32);
        Slot *slot = index < s->touched ? &s->items[index] : NULL;

        return slot && slot->state != SLOT_FREE && slot->generation == generation ? slot : NULL;
}

Slot *slots_first(const Slots *s, SlotState state) {
        return s->lists[state].first;
}

size_t slots_count(const Slots *s, SlotState state) {
        return s->lists[state].size;
}

size_t slots_left(const Slots *s) {
        return s->max - s->touched + s->lists[SLOT_FREE].size;
}
