/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of the document's members. */

#include "lib/azure/hcl.h"
#include "lib/evidence/evidence-internal.h"
#include "lib/svsm/manifest.h"
#include "lib/tpm/attest.h"
#include "lib/tpm/certificate.h"
#include "lib/tpm/signature.h"

enum { CERTIFICATES_MAX = 256 * 1024, FIRMWARE_LOG_MAX = 16 * 1024 * 1024 };

#define MEMBER(key, type, member, ...)                                                                                \
        { key, EVIDENCE_TYPE_##type, offsetof(Evidence, member), __VA_ARGS__ }
#define PART(key, part, max) MEMBER(key, BASE64, parts[EVIDENCE_##part], 1, max)

/* In the order of the keys. */
static const EvidenceMember members[] = {
        PART("ak-certificates", AK_CERTIFICATES, AK_CERTIFICATES_MAX),
        PART("ak-public", AK_PUBLIC, TPM_PUBLIC_MAX),
        PART("chain", CHAIN, CERTIFICATES_MAX),
        PART("crl", CRL, CERTIFICATES_MAX),
        PART("firmware-log", FIRMWARE_LOG, FIRMWARE_LOG_MAX),
        { "format", EVIDENCE_TYPE_FORMAT, 0, 0, 0 },
        PART("hcl", HCL, HCL_MAX),
        MEMBER("heartbeat-sequence", COUNT, heartbeat_sequence, 0, 0),
        MEMBER("heartbeat-time", COUNT, heartbeat_time, 0, 0),
        PART("ima-list", IMA_LIST, EVIDENCE_LOG_MAX),
        MEMBER("ima-since", COUNT, ima_since, 0, 0),
        MEMBER("levels", MAP, levels, 0, 0),
        PART("log", LOG, EVIDENCE_LOG_MAX),
        MEMBER("log-first", COUNT, log_first, 0, 0),
        MEMBER("log-since", COUNT, log_since, 0, 0),
        PART("manifest", MANIFEST, SVSM_MANIFEST_MAX),
        MEMBER("mode", TEXT, mode, 0, 0),
        MEMBER("nonce", HEX, parts[EVIDENCE_NONCE], EVIDENCE_NONCE_MIN, EVIDENCE_NONCE_MAX),
        MEMBER("pcrs", PCRS, pcrs, 0, 0),
        MEMBER("policy", DIGEST, policy, 0, 0),
        MEMBER("provider", PROVIDER, provider, 0, 0),
        PART("quote", QUOTE, ATTEST_MAX),
        MEMBER("references", MAP, references, 0, 0),
        PART("report", REPORT, SNP_REPORT_SIZE),
        PART("signature", SIGNATURE, TPM_SIGNATURE_MAX),
        MEMBER("state", TEXT, state, 0, 0),
        MEMBER("taints", LIST, taints, 0, 0),
        MEMBER("time", COUNT, time, 0, 0),
        PART("vek", VEK, CERTIFICATES_MAX),
};

const EvidenceMember *evidence_member(size_t i) {
        return i < ELEMENTSOF(members) ? &members[i] : NULL;
}

const char *evidence_part_name(EvidencePart part) {
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (members[i].offset == offsetof(Evidence, parts) + part * sizeof(Buffer))
                        return members[i].key;
        return NULL;
}
