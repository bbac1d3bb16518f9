/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PEM and DER files: the objects that are read are whole, follow each other, and are read again as they are; base64 has one
 * text for each string of bytes. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/pem.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* The plain encoder, to compare with. */
static void encode(Base64 alphabet, const Buffer *b, Buffer *ret) {
        for (size_t i = 0; i < b->size; i += 3) {
                uint32_t v = 0;

                for (size_t k = 0; k < 3; k++)
                        v = v << 8 | (i + k < b->size ? b->data[i + k] : 0);
                for (size_t k = 0; k < 4; k++) {
                        unsigned d = v >> (18 - 6 * k) & 63;

                        if (i + k < b->size + 1)
                                buffer_u8(ret, (uint8_t) (d < 62    ? digits[d]
                                                          : d == 62 ? (alphabet == BASE64_URL ? '-' : '+')
                                                                    : (alphabet == BASE64_URL ? '_' : '/')));
                        else if (alphabet == BASE64_STANDARD)
                                buffer_u8(ret, '=');
                }
        }
}

static void check_base64(Base64 alphabet, const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer bytes = {}, again = {};
        int r = base64_decode(alphabet, (const char *) data, size, &bytes);

        REQUIRE(r == 0 || (r == -EINVAL && bytes.size == 0));
        if (r < 0)
                return;
        encode(alphabet, &bytes, &again);
        REQUIRE(again.size == size && (size == 0 || memcmp(again.data, data, size) == 0));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(der_list_done) DerList list = {}, again = {};
        const char *why = NULL;
        size_t offset = SIZE_MAX, at = 0;
        int r = pem_read(data, size, "X", &list, &offset, &why);

        check_base64(BASE64_STANDARD, data, size);
        check_base64(BASE64_URL, data, size);
        REQUIRE(offset <= size && (r == 0 ? !why : r == -EINVAL && why && list.size == 0));
        if (r < 0)
                return;
        REQUIRE(list.size > 0 && list.size <= PEM_OBJECTS_MAX);
        for (size_t i = 0; i < list.size; i++) {
                REQUIRE(list.items[i].data == list.bytes.data + at && list.items[i].size >= 2);
                REQUIRE(list.items[i].data[0] == 0x30);
                at += list.items[i].size;
        }
        REQUIRE(at == list.bytes.size);
        REQUIRE(pem_read(list.bytes.data, list.bytes.size, "X", &again, &offset, &why) == 0);
        REQUIRE(again.size == list.size && again.bytes.size == at &&
                memcmp(again.bytes.data, list.bytes.data, at) == 0);
}

static void seeds(void) {
        static const uint8_t der[] = { 0x30, 3, 2, 1, 1, 0x30, 0x81, 0x80 };
        uint8_t large[sizeof(der) + 0x80] = {};

        memcpy(large, der, sizeof(der));
        fuzz_seed(large, sizeof(large));
        fuzz_seed_text(
                "text\n-----BEGIN X-----\nMAMC\r\nAQE=\n-----END X-----\n-----BEGIN X-----\nMAA=\n-----END X-----\n");
        fuzz_seed_text("-----BEGIN Y-----\nMAA=\n-----END Y-----\n");
        fuzz_seed_text("Zm9vYmE=");
        fuzz_seed_text("Zm9vYg-_");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
