/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/pem.h"
#include "tests/test.h"

#include <errno.h>

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"
#define ONE BEGIN "MAMCAQE=\n" END /* 30 03 02 01 01 */
#define TWO BEGIN "MAMC\nAQI=\n" END

static int read_text(const char *text, DerList *ret, size_t *ret_offset, const char **ret_why) {
        return pem_read(text, strlen(text), "CERTIFICATE", ret, ret_offset, ret_why);
}

/* The list's objects are 30 03 02 01 n. */
static void right(const void *data, size_t size, const char *numbers) {
        _cleanup_(der_list_done) DerList l = {};
        const char *why;
        size_t offset;

        assert_int_equal(pem_read(data, size, "CERTIFICATE", &l, &offset, &why), 0);
        assert_int_equal(l.size, strlen(numbers));
        for (size_t i = 0; i < l.size; i++) {
                const uint8_t expected[] = { 0x30, 3, 2, 1, (uint8_t) (numbers[i] - '0') };

                assert_int_equal(l.items[i].size, sizeof(expected));
                assert_memory_equal(l.items[i].data, expected, sizeof(expected));
        }
}

static void wrong(const char *text, const char *expected, size_t at) {
        DerList l = {};
        const char *why = NULL;
        size_t offset = SIZE_MAX;

        assert_int_equal(read_text(text, &l, &offset, &why), -EINVAL);
        assert_string_equal(why, expected);
        assert_int_equal(offset, at);
        assert_int_equal(l.size, 0);
        assert_null(l.bytes.data);
}

static void pem(void **state _unused_) {
        static const char *const texts[] = {
                ONE TWO,
                "subject=x\n" ONE "some text\n\n" TWO "more",
                BEGIN "MAMCAQE=\r\n" END "\r\n" TWO,
                BEGIN "MAMC \t\n\nAQE=\n" END TWO,
                "-----BEGIN CERTIFICATE-----\r\nMAMCAQE=\r\n-----END CERTIFICATE-----\r\n" TWO,
                ONE BEGIN "MAMCAQI=\n-----END CERTIFICATE-----",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                right(texts[i], strlen(texts[i]), "12");
}

static void der(void **state _unused_) {
        static const uint8_t bytes[] = { 0x30, 3, 2, 1, 1, 0x30, 3, 2, 1, 2 };

        right(bytes, 5, "1");
        right(bytes, 10, "12");
}

static void lengths_in_their_shortest_form(void **state _unused_) {
        static const struct {
                uint8_t head[6];
                size_t head_size, content;
                bool right;
        } forms[] = {
                { { 0x30, 0x00 }, 2, 0, true },
                { { 0x30, 0x7f }, 2, 127, true },
                { { 0x30, 0x81, 0x80 }, 3, 128, true },
                { { 0x30, 0x81, 0x7f }, 3, 127, false },
                { { 0x30, 0x82, 0x01, 0x00 }, 4, 256, true },
                { { 0x30, 0x82, 0x00, 0xff }, 4, 255, false },
                { { 0x30, 0x83, 0x01, 0x00, 0x00 }, 5, 65536, true },
                { { 0x30, 0x80 }, 2, 100, false },
                { { 0x30, 0x85, 1, 0, 0, 0 }, 6, 100, false },
                { { 0x31, 0x03 }, 2, 3, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_(der_list_done) DerList l = {};
                _cleanup_free_ uint8_t *data = calloc(1, forms[i].head_size + forms[i].content);
                size_t size = forms[i].head_size + forms[i].content, offset;
                const char *why;

                assert_non_null(data);
                memcpy(data, forms[i].head, forms[i].head_size);
                assert_int_equal(pem_read(data, size, "X", &l, &offset, &why), forms[i].right ? 0 : -EINVAL);
                if (!forms[i].right)
                        continue;
                assert_int_equal(l.size, 1);
                assert_int_equal(l.items[0].size, size);
                assert_int_equal(pem_read(data, size - 1, "X", &l, &offset, &why), -EINVAL);
        }
}

static void mistakes(void **state _unused_) {
        static const char none[] = "neither DER nor PEM of that kind", kind[] = "a PEM block is of another kind";
        static const char open_end[] = "a PEM block is without its end", text[] = "a PEM block does not hold base64";
        static const char object[] = "a PEM block does not hold one DER object";

        wrong("", none, 0);
        wrong("hello\n", none, 0);
        wrong("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n", kind, 0);
        wrong(ONE "-----BEGIN PRIVATE KEY-----\n", kind, strlen(ONE));
        wrong("-----BEGIN CERTIFICATE---\n" ONE, kind, 0);
        wrong("-----BEGIN CERTIFICATE-----x\n", kind, 0);
        wrong("x" ONE, "a PEM block is without its beginning", strlen("x" BEGIN "MAMCAQE=\n"));
        wrong(ONE END, "a PEM block is without its beginning", strlen(ONE));
        wrong(BEGIN "MAMCAQE=\n", open_end, strlen(BEGIN));
        wrong(BEGIN "MAMCAQE=\n-----END X509 CRL-----\n", open_end, strlen(BEGIN "MAMCAQE=\n"));
        wrong(BEGIN "MAMCAQE\n" END, text, strlen(BEGIN "MAMCAQE\n"));
        wrong(BEGIN "MAMCAQF=\n" END, text, strlen(BEGIN "MAMCAQE=\n")); /* bits that mean nothing */
        wrong(BEGIN "MAMCAQE=MAMCAQE=\n" END, text, strlen(BEGIN "MAMCAQE=MAMCAQE=\n"));
        wrong(BEGIN "MAM CAQE=\n" END, text, strlen(BEGIN "MAM CAQE=\n"));
        wrong(BEGIN "Proc-Type: 4,ENCRYPTED\n\nMAMCAQE=\n" END, text,
              strlen(BEGIN "Proc-Type: 4,ENCRYPTED\n\nMAMCAQE=\n"));
        wrong(BEGIN END, text, strlen(BEGIN));
        wrong(BEGIN "MAMCAQEA\n" END, object, strlen(BEGIN "MAMCAQEA\n")); /* a byte behind it */
        wrong(BEGIN "MAQCAQE=\n" END, object, strlen(BEGIN "MAQCAQE=\n"));
        wrong("\x30\x03\x02\x01\x01\x30", "not a whole DER object", 5);
        wrong("\x30\x03\x02\x01\x01\n", "not a whole DER object", 5);
}

static void too_many(void **state _unused_) {
        _cleanup_(der_list_done) DerList l = {};
        uint8_t bytes[5 * (PEM_OBJECTS_MAX + 1)];
        const char *why;
        size_t offset;

        for (size_t i = 0; i < sizeof(bytes); i += 5)
                memcpy(bytes + i, "\x30\x03\x02\x01\x01", 5);
        assert_int_equal(pem_read(bytes, sizeof(bytes), "X", &l, &offset, &why), -EINVAL);
        assert_int_equal(offset, sizeof(bytes) - 5);
        assert_int_equal(pem_read(bytes, sizeof(bytes) - 5, "X", &l, &offset, &why), 0);
        assert_int_equal(l.size, PEM_OBJECTS_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(pem), TEST(der), TEST(lengths_in_their_shortest_form), TEST(mistakes), TEST(too_many),
        };

        return RUN(tests);
}
