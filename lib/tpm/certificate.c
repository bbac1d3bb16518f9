/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates of attestation keys. */

#include "lib/tpm/certificate.h"

#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/pem.h"
#include "lib/x509.h"

DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

typedef STACK_OF(X509) Certificates;

static Certificates *certificates_free(Certificates *c) {
        sk_X509_pop_free(c, X509_free);
        return NULL;
}

DEFINE_CLEANUP(Certificates *, certificates_free)

static bool is_zero(const uint8_t *data, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

static int read_objects(Bytes file, DerList *ret, const char **reterr_why) {
        size_t offset;
        int r = pem_read(file.data, file.size, "CERTIFICATE", ret, &offset, reterr_why);

        if (r == -EINVAL && offset > 0 && is_zero(file.data + offset, file.size - offset))
                r = pem_read(file.data, offset, "CERTIFICATE", ret, &offset, reterr_why);
        return r;
}

/* All certificates of the file; the key's own one is *ret_leaf (borrowed), NULL when there is none. */
static int read_certificates(Bytes file, const TpmKey *key, Certificates **ret, X509 **ret_leaf,
                             const char **reterr_why) {
        _cleanup_(certificates_freep) Certificates *all = sk_X509_new_null();
        _cleanup_(der_list_done) DerList objects = {};
        int r = all ? read_objects(file, &objects, reterr_why) : -ENOMEM;

        *ret_leaf = NULL;
        for (size_t i = 0; r >= 0 && i < objects.size; i++) {
                _cleanup_(tpm_key_done) TpmKey its = {};
                X509 *x = x509_parse(objects.items[i].data, objects.items[i].size);
                const char *why;

                if (!x) {
                        *reterr_why = "a certificate cannot be read";
                        return -EINVAL;
                }
                if (sk_X509_push(all, x) <= 0) {
                        X509_free(x);
                        return -ENOMEM;
                }
                if (tpm_key_from_pkey(X509_get0_pubkey(x), &its, &why) >= 0 && tpm_key_equal(&its, key))
                        *ret_leaf = x;
        }
        if (r >= 0)
                *ret = TAKE_PTR(all);
        return r;
}

static bool is_pinned(const X509 *x, const TpmRequirements *q) {
        uint8_t digest[SHA256_SIZE];
        char text[2 * SHA256_SIZE + 1];

        return X509_digest(x, EVP_sha256(), digest, NULL) == 1 &&
               tpm_requirements_have(q->ak_roots, hex_encode(digest, sizeof(digest), text));
}

/* Whom the caller pinned is trusted, root or not; all others only lead there. NULL, or why not. */
static int verify(Certificates *all, X509 *leaf, const TpmRequirements *q, int64_t at, const char **ret_why) {
        enum { LEVEL = 2 }; /* OpenSSL's: RSA from 2048 bits on, no SHA-1 */
        _cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
        _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *context = X509_STORE_CTX_new();
        X509_VERIFY_PARAM *param;
        bool pinned = false;

        if (!store || !context)
                return -ENOMEM;
        for (int i = 0; i < sk_X509_num(all); i++)
                if (sk_X509_value(all, i) != leaf && is_pinned(sk_X509_value(all, i), q)) {
                        if (X509_STORE_add_cert(store, sk_X509_value(all, i)) != 1)
                                return -ENOMEM;
                        pinned = true;
                }
        if (!pinned) {
                *ret_why = "none of its issuers is pinned";
                return 0;
        }
        if (X509_STORE_CTX_init(context, store, leaf, all) != 1)
                return -ENOMEM;
        param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(param, at);
        X509_VERIFY_PARAM_set_auth_level(param, LEVEL);
        if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
                return -ENOMEM;
        *ret_why = X509_verify_cert(context) == 1 ? NULL
                                                  : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
        return 0;
}

int ak_certificate_appraise(Bytes file, const TpmKey *key, const TpmRequirements *q, int64_t at, CheckList *checks,
                            CheckResult *ret) {
        _cleanup_(certificates_freep) Certificates *all = NULL;
        const char *why = NULL;
        X509 *leaf;
        int r = read_certificates(file, key, &all, &leaf, &why);

        if (r < 0 && r != -EINVAL)
                return r;
        *ret = CHECK_FAIL;
        if (r >= 0 && !leaf)
                why = "the certificate is of another key";
        else if (r >= 0 && !q->ak_roots) {
                *ret = CHECK_NA;
                why = "it is the key's, but nobody is pinned who may have issued it (AkRoot=)";
        } else if (r >= 0) {
                r = verify(all, leaf, q, at, &why);
                if (r < 0)
                        return r;
                *ret = why ? CHECK_FAIL : CHECK_PASS;
        }
        check_add(checks, "ak-certificate", *ret, "%s", why ? why : "issued for this key by a pinned authority");
        return 0;
}
