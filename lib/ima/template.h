/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Templates of the kernel's IMA measurement list: which fields an entry has (Linux security/integrity/ima/ima_template.c
 * and ima_template_lib.c). A template is known by its name, or, where it was given on the kernel's command line, by the
 * list of its fields: "d-ng|n-ng|sig". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest.h"

typedef enum ImaField {
        IMA_D,            /* 20 bytes: SHA-1 or MD5 and zeros */
        IMA_N,            /* file name, at most 255 bytes */
        IMA_D_NG,         /* "sha256:" NUL digest */
        IMA_D_NGV2,       /* "ima:sha256:" NUL digest, or "verity:…" */
        IMA_N_NG,         /* file or event name, NUL */
        IMA_SIG,          /* IMA signature, may be empty */
        IMA_BUF,          /* what was measured, when it is no file */
        IMA_D_MODSIG,     /* as IMA_D_NG, may be empty */
        IMA_MODSIG,       /* appended signature, may be empty */
        IMA_EVMSIG,       /* EVM signature, may be empty */
        IMA_XATTRNAMES,   /* names with | between them, NUL; may be empty */
        IMA_XATTRLENGTHS, /* u32 for each of them */
        IMA_XATTRVALUES,
        IMA_IUID,  /* u32 */
        IMA_IGID,  /* u32 */
        IMA_IMODE, /* u16 */
        _IMA_FIELD_MAX,
} ImaField;

/* How a field is written, in binary and in text. */
typedef enum ImaForm {
        IMA_FORM_DIGEST,      /* 20 bytes; digits */
        IMA_FORM_DIGEST_ALG,  /* "alg:" NUL bytes; "alg:" and digits */
        IMA_FORM_DIGEST_TYPE, /* "type:alg:" NUL bytes; "type:alg:" and digits */
        IMA_FORM_TEXT,        /* with a NUL; without, blanks as _ */
        IMA_FORM_BYTES,       /* any; digits */
        IMA_FORM_U32,         /* little endian; decimal */
        IMA_FORM_U16,
} ImaForm;

typedef struct ImaFieldType {
        const char *id;
        ImaForm form;
        bool may_be_empty;
} ImaFieldType;

extern const ImaFieldType ima_fields[_IMA_FIELD_MAX];

enum { IMA_FIELDS_MAX = 16, IMA_TEMPLATE_NAME_MAX = 128 };

typedef struct ImaTemplate {
        bool legacy; /* "ima": fields without lengths, and a name padded to 256 bytes in what is hashed */
        size_t n;
        ImaField fields[IMA_FIELDS_MAX];
} ImaTemplate;

/* False when n bytes are neither a name nor a list of fields. */
bool ima_template_find(const char *name, size_t n, ImaTemplate *ret);

/* The bytes of a digest by the kernel's name of its algorithm (include/uapi/linux/hash_info.h, crypto/hash_info.c);
 * 0 for an unknown one. */
size_t ima_digest_size(const char *name);
