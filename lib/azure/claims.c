/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Azure's runtime claims. */

#include "lib/azure/claims.h"

#include <errno.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"

static const char ak_id[] = "HCLAkPub";

void hcl_claims_done(HclClaims *c) {
        json_decref(c->json);
        buffer_done(&c->modulus);
        buffer_done(&c->exponent);
        *c = (HclClaims){};
}

/* RFC 7518, 6.3.1: big endian, in as few bytes as it takes. */
static int read_number(const json_t *key, const char *name, Buffer *ret, const char **reterr_why) {
        const json_t *value = json_object_get(key, name);
        int r;

        *reterr_why = "a number of HCLAkPub is not the base64url of a number";
        if (!json_is_string(value))
                return -EINVAL;
        r = base64_decode(BASE64_URL, json_string_value(value), json_string_length(value), ret);
        if (r < 0)
                return r;
        return ret->size > 0 && ret->data[0] != 0 ? 0 : -EINVAL;
}

static bool is_text(const json_t *value, const char *text) {
        return json_is_string(value) && streq(json_string_value(value), text);
}

/* The one key with the id of the AK. By id, not by place: the order is nobody's promise. */
static const char *find_ak(const json_t *keys, const json_t **ret) {
        const json_t *key;
        size_t i, j;

        *ret = NULL;
        if (!json_is_array(keys))
                return "there is no list of keys";
        json_array_foreach(keys, i, key) {
                const json_t *kid = json_object_get(key, "kid");

                if (!json_is_string(kid))
                        return "a key is without an id";
                for (j = 0; j < i; j++)
                        if (is_text(json_object_get(json_array_get(keys, j), "kid"), json_string_value(kid)))
                                return "two keys have the same id";
                if (is_text(kid, ak_id))
                        *ret = key;
        }
        return *ret ? NULL : "there is no key HCLAkPub";
}

static int read_ak(HclClaims *c, const char **reterr_why) {
        const json_t *key;
        int r;

        *reterr_why = find_ak(json_object_get(c->json, "keys"), &key);
        if (!*reterr_why && !is_text(json_object_get(key, "kty"), "RSA"))
                *reterr_why = "HCLAkPub is not an RSA key";
        if (*reterr_why)
                return -EINVAL;
        r = read_number(key, "n", &c->modulus, reterr_why);
        return r < 0 ? r : read_number(key, "e", &c->exponent, reterr_why);
}

static const char *read_user_data(HclClaims *c) {
        const json_t *value = json_object_get(c->json, "user-data");

        if (!value)
                return NULL;
        c->has_user_data = true;
        return json_is_string(value) && json_string_length(value) == 2 * HCL_USER_DATA_SIZE &&
                               hex_decode(json_string_value(value), HCL_USER_DATA_SIZE, c->user_data) == 0
                       ? NULL
                       : "the user data is not 128 hexadecimal digits";
}

static const char *read_vm_id(HclClaims *c) {
        const json_t *configuration = json_object_get(c->json, "vm-configuration"), *id;

        if (!configuration)
                return NULL;
        if (!json_is_object(configuration))
                return "the configuration of the machine is not an object";
        id = json_object_get(configuration, "vmUniqueId");
        if (id && !json_is_string(id))
                return "the id of the machine is not text";
        c->vm_id = json_string_value(id);
        return NULL;
}

int hcl_claims_parse(const void *text, size_t n, HclClaims *ret, const char **reterr_why) {
        _cleanup_(hcl_claims_done) HclClaims c = {};
        json_error_t error;
        int r;

        c.json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
        if (!c.json && json_error_code(&error) == json_error_out_of_memory)
                return -ENOMEM;
        if (!c.json || !json_is_object(c.json)) {
                *reterr_why = !c.json && json_error_code(&error) == json_error_duplicate_key
                                      ? "a name is there twice"
                                      : "not a JSON object, and nothing else";
                return -EINVAL;
        }
        r = read_ak(&c, reterr_why);
        if (r < 0)
                return r;
        *reterr_why = read_user_data(&c);
        if (!*reterr_why)
                *reterr_why = read_vm_id(&c);
        if (*reterr_why)
                return -EINVAL;
        *ret = TAKE_STRUCT(c);
        return 0;
}
