/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Public keys that are the same in every run, without anybody who could sign with them: for seeds of what a vTPM says. */

#include "lib/base/hex.h"
#include "lib/tpm/public.h"
#include "tests/sample.h"

typedef struct FixedKey {
        uint8_t x[256], y[32];
        TpmPublic public; /* leads into x and y */
} FixedKey;

#define FIXED_MODULUS                                                                                                 \
        "aab84a61428febea6b4cd521d8cce4fe4f1fbec1725d52fd429bcb20516a99c2125570083ad59bc8dff4f909098c3251"            \
        "8e913bb1758468cec000f7cee54a5a782de28a8d7932ac915c596f73cb0d2e2025076f1c162a7aad994c9002d5ed6c1c"            \
        "a8c8cc54ba44a5cac9854d94a7c6a08abf374782943473f36d4cb9cae83e7025ecb36ab3028ab94aa00b1530af1bf4f5"            \
        "ff31e37087da9553897a86765e86fd9dd76dd06f1a91bdb1eb3d56c7fcf85ba74fb35fd617275eba4a9c6dc8e2866b04"            \
        "fb0d6c9a28cd646a1fbac3be13c7149480c933a7304ed554c507fa19ba110f276689629b72919109cd971b68ed97c5d6"            \
        "b71368760d1002118aec2c785faed74d"
#define FIXED_X "54172ef28b42e84e3740695a54eb9ca064b142ccb125bb30b49c346f8f941dad"
#define FIXED_Y "a2c6603b75055a686e2d0c7d78a3b10e0ecd01356fb70168ba25cad37576c743"

/* RSA with 2048 bits, or a point on P-256. */
static inline void fixed_key(uint16_t type, FixedKey *ret) {
        bool rsa = type == TPM_ID_RSA;

        *ret = (FixedKey){ .public = { .type = type,
                                       .name_alg = HASH_SHA256,
                                       .attributes = 0x00050472,
                                       .scheme = rsa ? TPM_ID_RSASSA : TPM_ID_ECDSA,
                                       .scheme_hash = HASH_SHA256,
                                       .bits = 2048,
                                       .exponent = 65537,
                                       .curve = TPM_CURVE_P256 } };
        REQUIRE(hex_decode(rsa ? FIXED_MODULUS : FIXED_X, rsa ? 256 : 32, ret->x) == 0 &&
                hex_decode(FIXED_Y, 32, ret->y) == 0);
        ret->public.x = (Bytes){ ret->x, rsa ? 256 : 32 };
        ret->public.y = (Bytes){ ret->y, 32 };
}
