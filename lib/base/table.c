/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Open addressing with linear probing and backward-shift deletion: no tombstones, so a table that lives for
 * months does not decay. */

#include "lib/base/table.h"

#include <stdbool.h>

#include "lib/base/alloc.h"
#include "lib/base/siphash.h"

enum { FIRST_ROOM = 64 };

struct Table {
        size_t key_size, entry_size, max;
        size_t room, size; /* room is a power of two or 0 */
        uint8_t seed[16];
        uint8_t *entries; /* room * entry_size */
        uint8_t *used;    /* room bytes: 0 or 1 */
};

int table_new(size_t key_size, size_t entry_size, size_t max, const uint8_t seed[16], Table **ret) {
        Table *t;

        assert(key_size > 0 && entry_size >= key_size);
        t = new0(Table, 1);
        if (!t)
                return -ENOMEM;
        t->key_size = key_size;
        t->entry_size = entry_size;
        t->max = max;
        memcpy(t->seed, seed, sizeof(t->seed));
        *ret = t;
        return 0;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        free(t->entries);
        free(t->used);
        free(t);
        return NULL;
}

static uint8_t *entry_at(const Table *t, size_t slot) {
        return t->entries + slot * t->entry_size;
}

static size_t home_slot(const Table *t, const void *key) {
        return siphash24(key, t->key_size, t->seed) & (t->room - 1);
}

/* The slot of the key, or the empty slot where it would go. There is always an empty one. */
static size_t find_slot(const Table *t, const void *key) {
        size_t slot = home_slot(t, key);

        while (t->used[slot] && memcmp(entry_at(t, slot), key, t->key_size) != 0)
                slot = (slot + 1) & (t->room - 1);
        return slot;
}

void *table_get(const Table *t, const void *key) {
        size_t slot;

        if (t->room == 0)
                return NULL;
        slot = find_slot(t, key);
        return t->used[slot] ? entry_at(t, slot) : NULL;
}

static int grow(Table *t) {
        Table bigger = *t;

        bigger.room = t->room > 0 ? t->room * 2 : FIRST_ROOM;
        bigger.entries = reallocarray(NULL, bigger.room, t->entry_size);
        bigger.used = calloc(bigger.room, 1);
        if (!bigger.entries || !bigger.used) {
                free(bigger.entries);
                free(bigger.used);
                return -ENOMEM;
        }
        for (size_t i = 0; i < t->room; i++)
                if (t->used[i]) {
                        size_t slot = find_slot(&bigger, entry_at(t, i));
                        memcpy(entry_at(&bigger, slot), entry_at(t, i), t->entry_size);
                        bigger.used[slot] = 1;
                }
        free(t->entries);
        free(t->used);
        *t = bigger;
        return 0;
}

int table_put(Table *t, const void *key, void **ret) {
        void *entry = table_get(t, key);
        size_t slot;

        if (entry) {
                *ret = entry;
                return 0;
        }
        if (t->size >= t->max)
                return -ENOSPC;
        if ((t->size + 1) * 4 > t->room * 3) { /* at most three quarters full */
                int r = grow(t);
                if (r < 0)
                        return r;
        }
        slot = find_slot(t, key);
        t->used[slot] = 1;
        t->size++;
        memset(entry_at(t, slot), 0, t->entry_size);
        memcpy(entry_at(t, slot), key, t->key_size);
        *ret = entry_at(t, slot);
        return 1;
}

int table_remove(Table *t, const void *key) {
        size_t hole, slot;

        if (!table_get(t, key))
                return 0;
        hole = find_slot(t, key);
        for (slot = (hole + 1) & (t->room - 1); t->used[slot]; slot = (slot + 1) & (t->room - 1)) {
                size_t home = home_slot(t, entry_at(t, slot));

                /* Move an entry back only if its home is not between the hole and itself. */
                if (((slot - home) & (t->room - 1)) < ((slot - hole) & (t->room - 1)))
                        continue;
                memcpy(entry_at(t, hole), entry_at(t, slot), t->entry_size);
                hole = slot;
        }
        t->used[hole] = 0;
        t->size--;
        return 1;
}

void table_clear(Table *t) {
        free(t->entries);
        free(t->used);
        t->entries = t->used = NULL;
        t->room = t->size = 0;
}

size_t table_size(const Table *t) {
        return t->size;
}

void *table_next(const Table *t, size_t *position) {
        while (*position < t->room) {
                size_t slot = (*position)++;
                if (t->used[slot])
                        return entry_at(t, slot);
        }
        return NULL;
}
