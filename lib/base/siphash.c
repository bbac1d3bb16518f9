/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SipHash-2-4. */

#include "lib/base/siphash.h"

#include "lib/base/bytes.h"

typedef struct State {
        uint64_t v0, v1, v2, v3;
} State;

static uint64_t rotate(uint64_t x, unsigned bits) {
        return x << bits | x >> (64 - bits);
}

static void sip_round(State *s) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
}

static void absorb(State *s, uint64_t word) {
        s->v3 ^= word;
        sip_round(s);
        sip_round(s);
        s->v0 ^= word;
}

uint64_t siphash24(const void *data, size_t n, const uint8_t key[16]) {
        Reader k = reader_new(key, 16), in = reader_new(data, n);
        uint64_t k0 = reader_u64le(&k), k1 = reader_u64le(&k), last = (uint64_t) n << 56;
        State s = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                    k1 ^ 0x7465646279746573 };

        while (reader_left(&in) >= 8)
                absorb(&s, reader_u64le(&in));
        for (unsigned shift = 0; reader_left(&in) > 0; shift += 8)
                last |= (uint64_t) reader_u8(&in) << shift;
        absorb(&s, last);
        s.v2 ^= 0xff;
        for (int i = 0; i < 4; i++)
                sip_round(&s);
        return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
