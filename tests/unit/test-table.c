/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/table.h"
#include "tests/test.h"

#include <errno.h>

typedef struct Entry {
        uint32_t key, value;
} Entry;

static const uint8_t seed[16] = { 7 };

static Table *new_table(size_t max) {
        Table *t;

        assert_int_equal(table_new(sizeof(uint32_t), sizeof(Entry), max, seed, &t), 0);
        return t;
}

/* A table whose operations are obviously right. */
enum { KEYS = 700 };
typedef struct Model {
        bool there[KEYS];
        uint32_t value[KEYS];
        size_t size;
} Model;

static void compare(const Table *t, const Model *m) {
        bool seen[KEYS] = {};
        size_t position = 0, n = 0;
        Entry *e;

        assert_int_equal(table_size(t), m->size);
        while ((e = table_next(t, &position))) {
                assert_true(e->key < KEYS && m->there[e->key] && !seen[e->key]);
                assert_int_equal(e->value, m->value[e->key]);
                seen[e->key] = true;
                n++;
        }
        assert_int_equal(n, m->size);
        for (uint32_t key = 0; key < KEYS; key++) {
                e = table_get(t, &key);
                assert_int_equal(e != NULL, m->there[key]);
                if (e)
                        assert_int_equal(e->value, m->value[key]);
        }
}

static void put(Table *t, Model *m, uint32_t key, uint32_t value) {
        void *entry;
        Entry *e;
        int r = table_put(t, &key, &entry);

        if (!m->there[key] && m->size == KEYS / 2) {
                assert_int_equal(r, -ENOSPC);
                return;
        }
        assert_int_equal(r, !m->there[key]);
        e = entry;
        assert_int_equal(e->key, key);
        assert_int_equal(e->value, m->there[key] ? m->value[key] : 0); /* new ones are zeroed */
        e->value = m->value[key] = value;
        m->size += !m->there[key];
        m->there[key] = true;
}

static void as_a_naive_model(void **state _unused_) {
        Random random = random_new(2);
        Table *t = new_table(KEYS / 2);
        Model m = {};

        for (unsigned i = 0; i < 60000; i++) {
                uint32_t key = (uint32_t) random_below(&random, KEYS);
                size_t what = random_below(&random, 1000);

                if (what < 550)
                        put(t, &m, key, (uint32_t) random_next(&random));
                else if (what < 999) {
                        assert_int_equal(table_remove(t, &key), m.there[key]);
                        m.size -= m.there[key];
                        m.there[key] = false;
                } else {
                        table_clear(t);
                        m = (Model){};
                }
                if (i % 97 == 0)
                        compare(t, &m);
        }
        compare(t, &m);
        table_free(t);
}

/* The other allowed way to remove while walking: step back by one. Every entry must be seen. */
static void removing_while_walking(void **state _unused_) {
        Random random = random_new(3);

        for (unsigned round = 0; round < 300; round++) {
                size_t n = 1 + random_below(&random, 200), position = 0, visited = 0, kept = 0;
                Table *t = new_table(1000);
                bool seen[200] = {};
                Entry *e;
                void *entry;

                for (uint32_t key = 0; key < n; key++)
                        assert_int_equal(table_put(t, &key, &entry), 1);
                while ((e = table_next(t, &position))) {
                        uint32_t key = e->key;

                        visited += !seen[key];
                        seen[key] = true;
                        if (key % 3 == 0) {
                                kept++;
                                continue;
                        }
                        assert_int_equal(table_remove(t, &key), 1);
                        position--;
                }
                assert_int_equal(visited, n);
                assert_int_equal(table_size(t), (n + 2) / 3);
                assert_true(kept >= (n + 2) / 3);
                table_free(t);
        }
}

static void full_is_full(void **state _unused_) {
        Table *t = new_table(3);
        void *entry;
        uint32_t key;

        for (key = 0; key < 3; key++)
                assert_int_equal(table_put(t, &key, &entry), 1);
        assert_int_equal(table_put(t, &key, &entry), -ENOSPC);
        key = 1;
        assert_int_equal(table_put(t, &key, &entry), 0); /* one that is there still is */
        assert_int_equal(table_remove(t, &key), 1);
        assert_int_equal(table_remove(t, &key), 0);
        key = 3;
        assert_int_equal(table_put(t, &key, &entry), 1);
        table_free(t);
}

static void empty_and_none(void **state _unused_) {
        Table *t = new_table(0);
        uint32_t key = 5;
        size_t position = 0;
        void *entry;

        assert_null(table_get(t, &key));
        assert_int_equal(table_remove(t, &key), 0);
        assert_null(table_next(t, &position));
        assert_int_equal(table_put(t, &key, &entry), -ENOSPC);
        table_clear(t);
        assert_null(table_free(t));
        assert_null(table_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(as_a_naive_model),
                TEST(removing_while_walking),
                TEST(full_is_full),
                TEST(empty_and_none),
        };

        return RUN(tests);
}
