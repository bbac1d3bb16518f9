/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Templates of the IMA list. */

#include "lib/ima/template.h"

#include <string.h>

#include "lib/base/macro.h"

const ImaFieldType ima_fields[] = {
        [IMA_D] = { "d", IMA_FORM_DIGEST, false },
        [IMA_N] = { "n", IMA_FORM_TEXT, false },
        [IMA_D_NG] = { "d-ng", IMA_FORM_DIGEST_ALG, false },
        [IMA_D_NGV2] = { "d-ngv2", IMA_FORM_DIGEST_TYPE, false },
        [IMA_N_NG] = { "n-ng", IMA_FORM_TEXT, false },
        [IMA_SIG] = { "sig", IMA_FORM_BYTES, true },
        [IMA_BUF] = { "buf", IMA_FORM_BYTES, true },
        [IMA_D_MODSIG] = { "d-modsig", IMA_FORM_DIGEST_ALG, true },
        [IMA_MODSIG] = { "modsig", IMA_FORM_BYTES, true },
        [IMA_EVMSIG] = { "evmsig", IMA_FORM_BYTES, true },
        [IMA_XATTRNAMES] = { "xattrnames", IMA_FORM_TEXT, true },
        [IMA_XATTRLENGTHS] = { "xattrlengths", IMA_FORM_BYTES, true },
        [IMA_XATTRVALUES] = { "xattrvalues", IMA_FORM_BYTES, true },
        [IMA_IUID] = { "iuid", IMA_FORM_U32, false },
        [IMA_IGID] = { "igid", IMA_FORM_U32, false },
        [IMA_IMODE] = { "imode", IMA_FORM_U16, false },
};
static_assert(ELEMENTSOF(ima_fields) == _IMA_FIELD_MAX, "a row per field");

/* Ready to use: a list names its template in every entry. */
static const struct {
        const char *name;
        ImaTemplate template;
} named[] = {
        { "ima-ng", { false, 2, { IMA_D_NG, IMA_N_NG } } },
        { "ima-buf", { false, 3, { IMA_D_NG, IMA_N_NG, IMA_BUF } } },
        { "ima-sig", { false, 3, { IMA_D_NG, IMA_N_NG, IMA_SIG } } },
        { "ima-ngv2", { false, 2, { IMA_D_NGV2, IMA_N_NG } } },
        { "ima-sigv2", { false, 3, { IMA_D_NGV2, IMA_N_NG, IMA_SIG } } },
        { "ima-modsig", { false, 5, { IMA_D_NG, IMA_N_NG, IMA_SIG, IMA_D_MODSIG, IMA_MODSIG } } },
        { "evm-sig",
          { false,
            9,
            { IMA_D_NG, IMA_N_NG, IMA_EVMSIG, IMA_XATTRNAMES, IMA_XATTRLENGTHS, IMA_XATTRVALUES, IMA_IUID, IMA_IGID,
              IMA_IMODE } } },
        { "ima", { true, 2, { IMA_D, IMA_N } } },
};

static const struct {
        const char *name;
        uint8_t size;
} algorithms[] = {
        { "md4", 16 },         { "md5", 16 },      { "sha1", 20 },     { "rmd160", 20 },   { "sha256", 32 },
        { "sha384", 48 },      { "sha512", 64 },   { "sha224", 28 },   { "rmd128", 16 },   { "rmd256", 32 },
        { "rmd320", 40 },      { "wp256", 32 },    { "wp384", 48 },    { "wp512", 64 },    { "tgr128", 16 },
        { "tgr160", 20 },      { "tgr192", 24 },   { "sm3", 32 },      { "sm3-256", 32 },  { "streebog256", 32 },
        { "streebog512", 64 }, { "sha3-256", 32 }, { "sha3-384", 48 }, { "sha3-512", 64 },
};

static bool is_same(const char *s, const char *text, size_t n) {
        return strlen(s) == n && memcmp(s, text, n) == 0;
}

static bool parse_fields(const char *text, size_t n, ImaTemplate *t) {
        for (const char *p = text, *end = text + n; p <= end;) {
                const char *bar = memchr(p, '|', (size_t) (end - p)), *stop = bar ? bar : end;
                ImaField f = 0;

                while (f < _IMA_FIELD_MAX && !is_same(ima_fields[f].id, p, (size_t) (stop - p)))
                        f++;
                if (f == _IMA_FIELD_MAX || t->n == IMA_FIELDS_MAX)
                        return false;
                t->fields[t->n++] = f;
                p = stop + 1;
        }
        return true;
}

bool ima_template_find(const char *name, size_t n, ImaTemplate *ret) {
        for (size_t i = 0; i < ELEMENTSOF(named); i++)
                if (is_same(named[i].name, name, n)) {
                        *ret = named[i].template;
                        return true;
                }
        *ret = (ImaTemplate){};
        return parse_fields(name, n, ret);
}

size_t ima_digest_size(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++)
                if (streq(algorithms[i].name, name))
                        return algorithms[i].size;
        return 0;
}
