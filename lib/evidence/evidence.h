/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that a verifier needs to judge a guest, as one JSON document: sealwatch.evidence(5). Nothing here is believed
 * because it stands here: a part counts when it is signed, or replays to what is signed. */

#include "lib/base/bytes.h"
#include "lib/pcrfile.h"

enum {
        EVIDENCE_FORMAT = 1,
        EVIDENCE_NONCE_MIN = 8,
        EVIDENCE_NONCE_MAX = 64,
        EVIDENCE_LOG_MAX = 256 * 1024 * 1024,
        EVIDENCE_SIZE_MAX = 1024 * 1024 * 1024, /* of a document */
        EVIDENCE_TEXT_MAX = 1024,
        EVIDENCE_TEXTS_MAX = 64, /* members of a list or map */
        EVIDENCE_WHY_MAX = 192,
};

typedef enum EvidenceProvider {
        EVIDENCE_PROVIDER_NONE, /* a TPM and no hardware report */
        EVIDENCE_PROVIDER_CONFIGFS,
        EVIDENCE_PROVIDER_SEV_GUEST,
        EVIDENCE_PROVIDER_AZURE,
        EVIDENCE_PROVIDER_SIMULATOR,
        _EVIDENCE_PROVIDER_MAX,
        _EVIDENCE_PROVIDER_INVALID = -1,
} EvidenceProvider;

extern const char *const evidence_provider_names[_EVIDENCE_PROVIDER_MAX + 1]; /* ended by NULL */

/* Bytes that others than us made, each in the form in which it came. */
typedef enum EvidencePart {
        EVIDENCE_NONCE,           /* the verifier's; the quote's extraData */
        EVIDENCE_QUOTE,           /* TPMS_ATTEST */
        EVIDENCE_SIGNATURE,       /* TPMT_SIGNATURE */
        EVIDENCE_AK_PUBLIC,       /* TPM2B_PUBLIC or TPMT_PUBLIC */
        EVIDENCE_AK_CERTIFICATES, /* the AK's and those that lead to its issuer: PEM or DER, one behind the other */
        EVIDENCE_REPORT,          /* SNP ATTESTATION_REPORT; not of Azure, where it is in the blob */
        EVIDENCE_VEK,             /* VCEK or VLEK: PEM or DER */
        EVIDENCE_CHAIN,           /* ASK or ASVK, and ARK: PEM or DER */
        EVIDENCE_CRL,             /* PEM or DER */
        EVIDENCE_HCL,             /* Azure: NV index 0x01400001 */
        EVIDENCE_MANIFEST,        /* SVSM: of all services, or of the vTPM */
        EVIDENCE_FIRMWARE_LOG,    /* the kernel's binary_bios_measurements */
        EVIDENCE_IMA_LIST,        /* the kernel's binary_runtime_measurements, from ima_since on */
        EVIDENCE_LOG,             /* ours (sealwatch.eventlog(5)), from log_since on */
        _EVIDENCE_PART_MAX,
} EvidencePart;

/* A list (names are NULL) or a map of text, escaped by lib/escape.h. All-zero is empty. */
typedef struct EvidenceTexts {
        struct EvidenceText {
                char *name, *value;
        } * items;
        size_t size, allocated;
} EvidenceTexts;

/* All-zero is empty, and safe to destroy. Everything is owned. */
typedef struct Evidence {
        EvidenceProvider provider;
        Buffer parts[_EVIDENCE_PART_MAX]; /* size 0: not there */
        PcrInputs pcrs;                   /* exactly what the quote is over */
        uint64_t time;                    /* CLOCK_REALTIME, microseconds */
        uint64_t log_since;               /* committed records of our log before the first one in EVIDENCE_LOG */
        uint64_t log_first;               /* the number of the first entry in EVIDENCE_LOG */
        uint64_t ima_since;               /* entries of the IMA list before the first one in EVIDENCE_IMA_LIST */
        uint64_t heartbeat_sequence;      /* entries of our log in all, up to the quote */
        uint64_t heartbeat_time;          /* "time" of the last of them */
        char *mode, *state;               /* of policy and guard; escaped; NULL reads as "" */
        uint8_t policy[SHA256_SIZE];      /* digest of the policy in force, as in the record `policy` */
        EvidenceTexts references;         /* digests of its reference sets, as in the record `policy` */
        EvidenceTexts levels;             /* by kind of event, as in the record `start` */
        EvidenceTexts taints;             /* what makes it worthless outside of tests */
} Evidence;

void evidence_done(Evidence *e);

/* Adds a copy to a list (name NULL) or a map. 0; -EINVAL for text that is not in escaped form or too long; -EEXIST for a
 * name that is there; -E2BIG; -ENOMEM. */
int evidence_texts_add(EvidenceTexts *l, const char *name, const char *value);

/* Appends the document: one line, no line end, keys sorted. 0; -EINVAL where a part or text breaks its limit; -ENOMEM. */
int evidence_write(const Evidence *e, Buffer *ret);

typedef struct EvidenceError {
        size_t offset; /* of the key at fault, or where the text stops to be JSON */
        char why[EVIDENCE_WHY_MAX];
} EvidenceError;

/* Parses n bytes that are one document and nothing else but blanks. 0 with *ret owned by the caller; -EINVAL with *reterr;
 * -ENOMEM. What the parts hold is not looked at. */
int evidence_parse(const void *data, size_t n, Evidence *ret, EvidenceError *reterr);

/* The key of a part in the document. */
const char *evidence_part_name(EvidencePart part);
