/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The members of the document: one table for the writer and the parser. */

#include "lib/evidence/evidence.h"

typedef enum EvidenceType {
        EVIDENCE_TYPE_FORMAT,
        EVIDENCE_TYPE_PROVIDER,
        EVIDENCE_TYPE_BASE64, /* Buffer, left out when it is empty */
        EVIDENCE_TYPE_HEX,    /* Buffer */
        EVIDENCE_TYPE_DIGEST, /* SHA-256 in hexadecimal */
        EVIDENCE_TYPE_COUNT,  /* uint64_t up to INT64_MAX */
        EVIDENCE_TYPE_TEXT,   /* char * */
        EVIDENCE_TYPE_LIST,   /* EvidenceTexts without names */
        EVIDENCE_TYPE_MAP,    /* EvidenceTexts */
        EVIDENCE_TYPE_PCRS,   /* PcrInputs: by bank, by number, in hexadecimal */
        _EVIDENCE_TYPE_MAX,
} EvidenceType;

typedef struct EvidenceMember {
        const char *key;
        EvidenceType type;
        size_t offset;   /* in Evidence */
        size_t min, max; /* bytes of a Buffer that is there */
} EvidenceMember;

/* The i-th member in the order of the keys; NULL past the end. */
const EvidenceMember *evidence_member(size_t i);

static inline bool evidence_member_is_optional(const EvidenceMember *m) {
        return m->type == EVIDENCE_TYPE_BASE64;
}

/* In escaped form and not too long. */
bool evidence_text_is_good(const char *text);
