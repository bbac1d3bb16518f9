/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Public areas of TPM keys. */

#include "lib/tpm/public.h"

#include <errno.h>
#include <string.h>

#include "lib/base/macro.h"

enum { FIELD_MAX = 512 /* of a modulus or coordinate */, DEFAULT_EXPONENT = 65537 };

/* TPMT_SYM_DEF_OBJECT: algorithm, key bits, mode. */
static void skip_symmetric(Reader *r) {
        if (reader_u16be(r) != TPM_ID_NULL)
                reader_bytes(r, 4);
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME and TPMT_KDF_SCHEME: algorithm and, but for none, a hash; ECDAA counts, too. RSAES
 * (0x0015) has no detail at all. */
static void read_scheme(Reader *r, TpmPublic *p) {
        enum { RSAES = 0x0015 };

        p->scheme_hash = _HASH_INVALID;
        p->scheme = reader_u16be(r);
        if (p->scheme != TPM_ID_NULL && p->scheme != RSAES)
                p->scheme_hash = hash_from_tpm_id(reader_u16be(r));
        if (p->scheme == TPM_ID_ECDAA)
                reader_u16be(r);
}

static void read_rsa(Reader *r, TpmPublic *p) {
        skip_symmetric(r);
        read_scheme(r, p);
        p->bits = reader_u16be(r);
        p->exponent = reader_u32be(r);
        if (p->exponent == 0)
                p->exponent = DEFAULT_EXPONENT;
        p->x = reader_tpm2b(r, FIELD_MAX);
}

static void read_ecc(Reader *r, TpmPublic *p) {
        skip_symmetric(r);
        read_scheme(r, p);
        p->curve = reader_u16be(r);
        if (reader_u16be(r) != TPM_ID_NULL) /* kdf */
                reader_u16be(r);
        p->x = reader_tpm2b(r, FIELD_MAX);
        p->y = reader_tpm2b(r, FIELD_MAX);
}

/* A TPM2B starts with its own size; no TPMT_PUBLIC is so short that its type could be taken for that. */
static Bytes without_size(const uint8_t *data, size_t n) {
        bool sized = n > 2 && (size_t) (data[0] << 8 | data[1]) == n - 2;

        return sized ? (Bytes){ data + 2, n - 2 } : (Bytes){ data, n };
}

int tpm_public_parse(const void *data, size_t n, TpmPublic *ret, const char **reterr_why) {
        TpmPublic p = { .encoded = without_size(data, n) };
        Reader r = reader_new(p.encoded.data, p.encoded.size);

        *reterr_why = NULL;
        p.type = reader_u16be(&r);
        p.name_alg = hash_from_tpm_id(reader_u16be(&r));
        p.attributes = reader_u32be(&r);
        reader_tpm2b(&r, DIGEST_MAX); /* authPolicy */
        if (p.type == TPM_ID_RSA)
                read_rsa(&r, &p);
        else if (p.type == TPM_ID_ECC)
                read_ecc(&r, &p);
        else
                *reterr_why = "neither an RSA nor an ECC key";
        if (!*reterr_why && r.failed)
                *reterr_why = "the public area is cut off, or a part of it is too long";
        else if (!*reterr_why && !reader_done(&r))
                *reterr_why = "there are bytes behind the public area";
        else if (!*reterr_why && p.name_alg == _HASH_INVALID)
                *reterr_why = "the Name algorithm is not known";
        if (*reterr_why)
                return -EINVAL;
        *ret = p;
        return 0;
}

void tpm_public_write(const TpmPublic *public, Buffer *ret) {
        buffer_u16be(ret, public->type);
        buffer_u16be(ret, hash_tpm_id(public->name_alg));
        buffer_u32be(ret, public->attributes);
        buffer_tpm2b(ret, "", 0);       /* authPolicy */
        buffer_u16be(ret, TPM_ID_NULL); /* symmetric */
        buffer_u16be(ret, public->scheme);
        if (public->scheme != TPM_ID_NULL)
                buffer_u16be(ret, hash_tpm_id(public->scheme_hash));
        if (public->type == TPM_ID_RSA) {
                buffer_u16be(ret, public->bits);
                buffer_u32be(ret, public->exponent == DEFAULT_EXPONENT ? 0 : public->exponent);
                buffer_tpm2b(ret, public->x.data, public->x.size);
                return;
        }
        buffer_u16be(ret, public->curve);
        buffer_u16be(ret, TPM_ID_NULL); /* kdf */
        buffer_tpm2b(ret, public->x.data, public->x.size);
        buffer_tpm2b(ret, public->y.data, public->y.size);
}

static int name_of(HashAlg alg, const void *a, size_t a_size, const void *b, size_t b_size, TpmName *ret) {
        uint16_t id = hash_tpm_id(alg);
        Digest d;
        int r = digest_pair(alg, a, a_size, b, b_size, &d);

        if (r < 0)
                return r;
        *ret = (TpmName){ .size = 2 + hash_size(alg), .bytes = { (uint8_t) (id >> 8), (uint8_t) id } };
        memcpy(ret->bytes + 2, d.bytes, hash_size(alg));
        return 0;
}

int tpm_public_name(const TpmPublic *public, TpmName *ret) {
        return name_of(public->name_alg, public->encoded.data, public->encoded.size, "", 0, ret);
}

int tpm_qualified_name(uint32_t hierarchy, HashAlg name_alg, const TpmName *name, TpmName *ret) {
        uint8_t handle[4] = { (uint8_t) (hierarchy >> 24), (uint8_t) (hierarchy >> 16), (uint8_t) (hierarchy >> 8),
                              (uint8_t) hierarchy };

        return name_of(name_alg, handle, sizeof(handle), name->bytes, name->size, ret);
}

const char *tpm_public_weakness(const TpmPublic *public) {
        static const struct {
                uint32_t attribute;
                bool wanted;
                const char *why;
        } rules[] = {
                { TPM_ATTRIBUTE_SIGN, true, "the key does not sign" },
                { TPM_ATTRIBUTE_DECRYPT, false, "the key decrypts as well" },
                { TPM_ATTRIBUTE_RESTRICTED, true,
                  "the key is not restricted: it signs whatever it is given, forged quotes too" },
                { TPM_ATTRIBUTE_FIXED_TPM, true, "the key can leave its TPM (not fixedTPM)" },
                { TPM_ATTRIBUTE_FIXED_PARENT, true, "the key can leave its TPM (not fixedParent)" },
                { TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN, true,
                  "the key was not made by the TPM (not sensitiveDataOrigin)" },
                { TPM_ATTRIBUTE_ENCRYPTED_DUPLICATION, false, "the key is meant to be duplicated" },
        };
        enum { RESERVED = 0xfff0f009 }; /* bits that revision 1.59 and its successor 1.83 leave unused */

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (!!(public->attributes & rules[i].attribute) != rules[i].wanted)
                        return rules[i].why;
        if (public->scheme_hash == _HASH_INVALID)
                return "the scheme that it signs with is not settled, or not known here";
        if (public->attributes & RESERVED)
                return "reserved attributes are set";
        if (public->name_alg == HASH_SHA1)
                return "its Name is a SHA-1 digest";
        return NULL;
}
