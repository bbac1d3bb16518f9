/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hash table of fixed-size entries in one array: open addressing, linear probing, no allocation per entry. The
 * event log's dedup keys, the digest cache and the gate's answers live in such tables by the ten thousand, and
 * what each costs in memory is a promise (tests/bench). The node tables of libc and OpenSSL cost 64 bytes and a
 * malloc more per entry.
 *
 * An entry starts with its key. The key's bytes are hashed with a seed, so that whoever chooses inode numbers or
 * file contents cannot build collisions. */

#include <stddef.h>
#include <stdint.h>

typedef struct Table Table;

/* entry_size: bytes per entry, the key being its first key_size bytes. max: how many entries it may hold.
 * seed: 16 random bytes. Returns 0 or -ENOMEM. */
int table_new(size_t key_size, size_t entry_size, size_t max, const uint8_t seed[16], Table **ret);
Table *table_free(Table *t);

/* The entry with that key, or NULL. Valid until the next change of the table. */
void *table_get(const Table *t, const void *key);

/* A new zeroed entry (but for its key) or the one that is there. *ret is valid until the next change. Returns 1
 * when it is new, 0 when it was there, -ENOSPC when the table is full, -ENOMEM. */
int table_put(Table *t, const void *key, void **ret);

/* Returns 1 when an entry was removed, 0 when there was none. */
int table_remove(Table *t, const void *key);
void table_clear(Table *t);
size_t table_size(const Table *t);

/* Walks: *position starts at 0; NULL at the end. After removing the entry just returned, the walk
 * starts again from 0, or goes back by one: removal closes the gap with entries from behind it. */
void *table_next(const Table *t, size_t *position);
