/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VCEK and VLEK. Their extensions are read by hand: a parser that cuts a version to one byte, takes the first of two, or
 * counts a missing one as zero can be led to another version than the key was derived for. */

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "lib/snp/certificate.h"

enum {
        TAG_INTEGER = 0x02,
        TAG_OCTET_STRING = 0x04,
        TAG_IA5STRING = 0x16,
        OID_TEXT_MAX = 64,
        POINT_SIZE = 97, /* of P-384, uncompressed */
};

typedef enum Field {
        FIELD_STRUCT_VERSION,
        FIELD_PRODUCT_NAME,
        FIELD_SPL_BOOTLOADER,
        FIELD_SPL_TEE,
        FIELD_SPL_SNP,
        FIELD_SPL_4,
        FIELD_SPL_5,
        FIELD_SPL_6,
        FIELD_SPL_7,
        FIELD_SPL_MICROCODE,
        FIELD_SPL_FMC,
        FIELD_HWID,
        FIELD_CSP_ID,
        _FIELD_MAX,
} Field;

typedef struct Value {
        const uint8_t *data; /* NULL: the extension is not there */
        size_t size;
} Value;

static const struct {
        const char *oid;
        int part; /* TcbPart; -1: none, but must be zero where it is there */
} fields[] = {
        [FIELD_STRUCT_VERSION] = { SNP_OID_STRUCT_VERSION, -1 },
        [FIELD_PRODUCT_NAME] = { SNP_OID_PRODUCT_NAME, -1 },
        [FIELD_SPL_BOOTLOADER] = { SNP_OID_SPL_PREFIX "1", TCB_BOOTLOADER },
        [FIELD_SPL_TEE] = { SNP_OID_SPL_PREFIX "2", TCB_TEE },
        [FIELD_SPL_SNP] = { SNP_OID_SPL_PREFIX "3", TCB_SNP },
        [FIELD_SPL_4] = { SNP_OID_SPL_PREFIX "4", -1 },
        [FIELD_SPL_5] = { SNP_OID_SPL_PREFIX "5", -1 },
        [FIELD_SPL_6] = { SNP_OID_SPL_PREFIX "6", -1 },
        [FIELD_SPL_7] = { SNP_OID_SPL_PREFIX "7", -1 },
        [FIELD_SPL_MICROCODE] = { SNP_OID_SPL_PREFIX "8", TCB_MICROCODE },
        [FIELD_SPL_FMC] = { SNP_OID_SPL_PREFIX "9", TCB_FMC },
        [FIELD_HWID] = { SNP_OID_HWID, -1 },
        [FIELD_CSP_ID] = { SNP_OID_CSP_ID, -1 },
};
static_assert(ELEMENTSOF(fields) == _FIELD_MAX, "a row per extension");

static const char *collect(X509 *x, Value values[_FIELD_MAX]) {
        for (int i = 0; i < X509_get_ext_count(x); i++) {
                X509_EXTENSION *e = X509_get_ext(x, i);
                const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(e);
                char oid[OID_TEXT_MAX];
                Field f = 0;

                OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(e), 1);
                while (f < _FIELD_MAX && !streq(fields[f].oid, oid))
                        f++;
                if (f == _FIELD_MAX && startswith(oid, SNP_OID_SPL_PREFIX))
                        return "it has a security version of an unknown kind";
                if (f < _FIELD_MAX)
                        values[f] = (Value){ ASN1_STRING_get0_data(s), (size_t) ASN1_STRING_length(s) };
        }
        return NULL;
}

/* An INTEGER from 0 to 255 in its one DER form. */
static bool small_integer(const Value *v, uint8_t *ret) {
        if (v->size == 3 && v->data[0] == TAG_INTEGER && v->data[1] == 1 && v->data[2] < 0x80)
                *ret = v->data[2];
        else if (v->size == 4 && v->data[0] == TAG_INTEGER && v->data[1] == 2 && v->data[2] == 0 && v->data[3] >= 0x80)
                *ret = v->data[3];
        else
                return false;
        return true;
}

/* An IA5String of printable ASCII, 1 to max bytes. */
static bool text(const Value *v, size_t max, char *ret) {
        if (v->size < 3 || v->data[0] != TAG_IA5STRING || v->data[1] != v->size - 2 || v->size - 2 > max)
                return false;
        for (size_t i = 2; i < v->size; i++)
                if (v->data[i] < ' ' || v->data[i] > '~')
                        return false;
        memcpy(ret, v->data + 2, v->size - 2);
        ret[v->size - 2] = '\0';
        return true;
}

/* By length first: the bare bytes may begin like a tag. */
static bool hardware_id(const Value *v, uint8_t ret[SNP_CHIP_ID_SIZE]) {
        static const size_t sizes[] = { SNP_CHIP_ID_SIZE, SNP_CHIP_ID_SHORT_SIZE };

        memset(ret, 0, SNP_CHIP_ID_SIZE);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                size_t n = sizes[i];

                if (v->size == n + 2 && v->data[0] == TAG_OCTET_STRING && v->data[1] == n)
                        memcpy(ret, v->data + 2, n);
                else if (v->size == n)
                        memcpy(ret, v->data, n);
                else
                        continue;
                return !snp_is_zero(ret, n);
        }
        return false;
}

static const char *read_versions(const Value values[_FIELD_MAX], SnpVek *v) {
        uint8_t n;

        if (!values[FIELD_STRUCT_VERSION].data || !small_integer(&values[FIELD_STRUCT_VERSION], &n) || n > 1)
                return "the version of its structure is missing or unknown";
        if ((n == 1) != snp_product_has_part(v->product, TCB_FMC))
                return "the version of its structure is another generation's";
        for (Field f = FIELD_SPL_BOOTLOADER; f <= FIELD_SPL_FMC; f++) {
                int part = fields[f].part;

                if (!values[f].data) {
                        if (part >= 0 && snp_product_has_part(v->product, (TcbPart) part))
                                return "a security version is missing";
                        continue;
                }
                if (!small_integer(&values[f], &n))
                        return "a security version is not a number from 0 to 255";
                if (part >= 0 && snp_product_has_part(v->product, (TcbPart) part))
                        v->tcb.parts[part] = n;
                else if (part >= 0 || n != 0)
                        return "it has a security version that its generation does not have";
        }
        return NULL;
}

static const char *read_identity(const Value values[_FIELD_MAX], SnpVek *v) {
        const Value *chip = &values[FIELD_HWID], *csp = &values[FIELD_CSP_ID];
        const char *name = v->product_name;

        if (!values[FIELD_PRODUCT_NAME].data ||
            !text(&values[FIELD_PRODUCT_NAME], SNP_PRODUCT_NAME_MAX, v->product_name))
                return "its product name is missing or malformed";
        if (snp_product_from_name(name, strcspn(name, "-")) != v->product)
                return "its product name is not of the hierarchy that it belongs to";
        if (v->role == SNP_VCEK && csp->data)
                return "a VCEK does not name a cloud provider";
        if (v->role == SNP_VLEK && chip->data)
                return "a VLEK does not name a chip";
        if (v->role == SNP_VCEK && (!chip->data || !hardware_id(chip, v->chip_id)))
                return "the chip's id is missing or malformed";
        if (v->role == SNP_VLEK && (!csp->data || !text(csp, SNP_CSP_ID_MAX, v->csp_id)))
                return "the cloud provider's name is missing or malformed";
        return NULL;
}

/* P-384 by name: explicit parameters could be those of another curve. */
static const char *check_key(X509 *x) {
        X509_PUBKEY *key = X509_get_X509_PUBKEY(x);
        X509_ALGOR *algor = NULL;
        const unsigned char *point;
        const ASN1_OBJECT *algorithm;
        const void *curve;
        int size, type;

        if (X509_PUBKEY_get0_param(NULL, &point, &size, &algor, key) != 1)
                return "it has no key";
        X509_ALGOR_get0(&algorithm, &type, &curve, algor);
        if (OBJ_obj2nid(algorithm) != NID_X9_62_id_ecPublicKey || type != V_ASN1_OBJECT ||
            OBJ_obj2nid(curve) != NID_secp384r1)
                return "its key is not on the curve P-384";
        if (size != POINT_SIZE || point[0] != POINT_CONVERSION_UNCOMPRESSED || !X509_get0_pubkey(x))
                return "its key is no point of P-384";
        return NULL;
}

static const char *check_form(X509 *x) {
        uint32_t flags = X509_get_extension_flags(x);

        if (X509_get_version(x) != X509_VERSION_3)
                return "it is not of version 3";
        if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
                return "an extension is malformed, or critical and unknown";
        if (x509_has_double_extension(x))
                return "an extension is there twice";
        if (flags & EXFLAG_CA)
                return "it claims to be a certificate authority's";
        if (!x509_algor_is_pss_sha384(X509_get0_tbs_sigalg(x)))
                return "its signature is not RSASSA-PSS with SHA-384 and a salt of 48 bytes";
        return check_key(x);
}

const char *snp_vek_parse(X509 *x, SnpVek *ret) {
        Value values[_FIELD_MAX] = {};
        SnpName subject, issuer;
        const char *why;

        *ret = (SnpVek){};
        if (!snp_name_parse(X509_get_subject_name(x), &subject) || subject.role > SNP_VLEK)
                return "its subject is neither a VCEK nor a VLEK";
        if (!snp_name_parse(X509_get_issuer_name(x), &issuer) || issuer.simulated != subject.simulated ||
            issuer.role != (subject.role == SNP_VCEK ? SNP_ASK : SNP_ASVK))
                return "its issuer is not an authority for such keys";
        ret->role = subject.role;
        ret->product = issuer.product;
        ret->simulated = subject.simulated;
        why = check_form(x);
        if (!why)
                why = collect(x, values);
        if (!why)
                why = read_versions(values, ret);
        return why ? why : read_identity(values, ret);
}
