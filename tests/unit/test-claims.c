/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/hcl.h"
#include "tests/test.h"

#include <errno.h>

#define KEY(kid) "{\"kid\":\"" kid "\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"wP_u\"}"
#define KEYS "\"keys\":[" KEY("HCLEkPub") "," KEY("HCLAkPub") "]"
#define ZEROS "00000000000000000000000000000000"
#define ID "7DF7B373-B947-4AAA-96E5-C358F2A03D20"

static void reads_what_is_written(void **state _unused_) {
        _cleanup_(sim_key_done) SimKey ak = {};
        uint8_t user_data[HCL_USER_DATA_SIZE] = { 0xab };
        const char *why;

        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &ak), 0);
        for (int old = 0; old < 2; old++) {
                _cleanup_(buffer_done) Buffer text = {};
                _cleanup_(hcl_claims_done) HclClaims c = {};

                assert_int_equal(sim_hcl_claims(&ak, ID, old ? NULL : user_data, &text), 0);
                assert_int_equal(hcl_claims_parse(text.data, text.size, &c, &why), 0);
                assert_int_equal(c.modulus.size, 256);
                assert_memory_equal(c.modulus.data, ak.public.x.data, 256);
                assert_int_equal(c.exponent.size, 3);
                assert_string_equal(c.vm_id, ID);
                assert_int_equal(c.has_user_data, !old);
                assert_int_equal(c.user_data[0], old ? 0 : 0xab);
        }
}

static void takes_what_others_write(void **state _unused_) {
        static const char *const texts[] = {
                "{" KEYS "}",
                " { \"else\" : [ 1 , null ] , " KEYS " } ",
                "{" KEYS ",\"vm-configuration\":{}}",
                "{" KEYS ",\"vm-configuration\":{\"vmUniqueId\":\"x\",\"current-time\":1678652405}}",
                "{" KEYS ",\"user-data\":\"" ZEROS ZEROS ZEROS "ABCDEFabcdef"
                "00000000000000000000\"}",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                static const uint8_t modulus[] = { 0xc0, 0xff, 0xee };
                _cleanup_(hcl_claims_done) HclClaims c = {};
                const char *why = "";

                if (hcl_claims_parse(texts[i], strlen(texts[i]), &c, &why) != 0)
                        fail_msg("%s: %s", texts[i], why);
                assert_int_equal(c.modulus.size, sizeof(modulus));
                assert_memory_equal(c.modulus.data, modulus, sizeof(modulus));
        }
}

static void refuses_all_else(void **state _unused_) {
        static const struct {
                const char *text, *why;
        } cases[] = {
                { "", "not a JSON object" },
                { "[]", "not a JSON object" },
                { "{" KEYS "}{}", "not a JSON object" },
                { "{" KEYS ",}", "not a JSON object" },
                { "{" KEYS ",\"a\":1,\"a\":1}", "twice" },
                { "{" KEYS ",\"\\u006beys\":[]}", "twice" },
                { "{" KEYS ",\"vm-configuration\":{\"a\":{\"b\":1,\"b\":2}}}", "twice" },
                { "{}", "no list of keys" },
                { "{\"keys\":{}}", "no list of keys" },
                { "{\"keys\":[]}", "no key HCLAkPub" },
                { "{\"Keys\":[" KEY("HCLAkPub") "]}", "no list of keys" },
                { "{\"keys\":[" KEY("hclakpub") "]}", "no key HCLAkPub" },
                { "{\"keys\":[" KEY("HCLAkPub") "," KEY("HCLAkPub") "]}", "same id" },
                { "{\"keys\":[" KEY("HCLAkPub") "," KEY("x") "," KEY("x") "]}", "same id" },
                { "{\"keys\":[" KEY("HCLAkPub") ",{\"kty\":\"RSA\"}]}", "without an id" },
                { "{\"keys\":[" KEY("HCLAkPub") ",1]}", "without an id" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\",\"e\":\"AQAB\",\"n\":\"wP_u\"}]}", "not an RSA" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", "base64url" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":65537,\"n\":\"wP_u\"}]}", "base64url" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"\"}]}", "base64url" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"wP/u\"}]}", "base64url" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"wP8=\"}]}", "base64url" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"wP9\"}]}", "base64url" },
                { "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AP_u\"}]}", "base64url" },
                { "{" KEYS ",\"user-data\":\"00\"}", "128" },
                { "{" KEYS ",\"user-data\":0}", "128" },
                { "{" KEYS ",\"user-data\":\"" ZEROS ZEROS ZEROS ZEROS "0\"}", "128" },
                { "{" KEYS ",\"user-data\":\"g" ZEROS ZEROS ZEROS "0000000000000000000000000000000\"}", "128" },
                { "{" KEYS ",\"vm-configuration\":[]}", "not an object" },
                { "{" KEYS ",\"vm-configuration\":{\"vmUniqueId\":1}}", "not text" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *why = NULL;
                HclClaims c;

                assert_int_equal(hcl_claims_parse(cases[i].text, strlen(cases[i].text), &c, &why), -EINVAL);
                if (!why || !strstr(why, cases[i].why))
                        fail_msg("%s: %s", cases[i].text, why ? why : "no reason");
        }
}

static void refuses_bytes_behind(void **state _unused_) {
        static const char text[] = "{" KEYS "}\0";
        const char *why;
        HclClaims c;

        assert_int_equal(hcl_claims_parse(text, sizeof(text) - 1, &c, &why), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_what_is_written),
                TEST(takes_what_others_write),
                TEST(refuses_all_else),
                TEST(refuses_bytes_behind),
        };

        return RUN(tests);
}
