/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ATTESTATION_REPORT (AMD 56860, SNP firmware ABI, versions 2 to 5), field by field as it is signed. Integers are little
 * endian; every member is bytes, so that a pointer into any buffer will do. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/macro.h"
#include "lib/snp/tcb.h"

enum {
        SNP_REPORT_SIZE = 0x4a0,
        SNP_REPORT_SIGNED_SIZE = 0x2a0, /* what the signature covers */
        SNP_REPORT_VERSION_MIN = 2,
        SNP_REPORT_VERSION_MAX = 5,
        SNP_REPORT_DATA_SIZE = 64,
        SNP_MEASUREMENT_SIZE = 48,
        SNP_HOST_DATA_SIZE = 32,
        SNP_KEY_DIGEST_SIZE = 48,
        SNP_ID_SIZE = 16,
        SNP_REPORT_ID_SIZE = 32,
        SNP_CHIP_ID_SIZE = 64,
        SNP_CHIP_ID_SHORT_SIZE = 8, /* Turin: zeros behind it */
        SNP_SIGNATURE_PART_SIZE = 72,
        SNP_VMPL_MAX = 3,
};

typedef struct SnpFirmwareVersion {
        uint8_t build, minor, major;
} SnpFirmwareVersion;

typedef struct SnpReport {
        uint8_t version[4];
        uint8_t guest_svn[4];
        uint8_t policy[8];
        uint8_t family_id[SNP_ID_SIZE];
        uint8_t image_id[SNP_ID_SIZE];
        uint8_t vmpl[4];
        uint8_t signature_algo[4];
        uint8_t current_tcb[SNP_TCB_SIZE];
        uint8_t platform_info[8];
        uint8_t key_info[4];
        uint8_t reserved0[4];
        uint8_t report_data[SNP_REPORT_DATA_SIZE];
        uint8_t measurement[SNP_MEASUREMENT_SIZE];
        uint8_t host_data[SNP_HOST_DATA_SIZE];
        uint8_t id_key_digest[SNP_KEY_DIGEST_SIZE];
        uint8_t author_key_digest[SNP_KEY_DIGEST_SIZE];
        uint8_t report_id[SNP_REPORT_ID_SIZE];
        uint8_t report_id_ma[SNP_REPORT_ID_SIZE];
        uint8_t reported_tcb[SNP_TCB_SIZE];
        uint8_t cpuid_family, cpuid_model, cpuid_stepping; /* from version 3 on */
        uint8_t reserved1[21];
        uint8_t chip_id[SNP_CHIP_ID_SIZE];
        uint8_t committed_tcb[SNP_TCB_SIZE];
        SnpFirmwareVersion current_version;
        uint8_t reserved2[1];
        SnpFirmwareVersion committed_version;
        uint8_t reserved3[1];
        uint8_t launch_tcb[SNP_TCB_SIZE];
        uint8_t launch_mitigations[8]; /* from version 5 on */
        uint8_t current_mitigations[8];
        uint8_t reserved4[152];
        uint8_t signature_r[SNP_SIGNATURE_PART_SIZE]; /* little endian */
        uint8_t signature_s[SNP_SIGNATURE_PART_SIZE];
        uint8_t reserved5[368];
} SnpReport;

static_assert(sizeof(SnpReport) == SNP_REPORT_SIZE && _Alignof(SnpReport) == 1, "the report's own bytes");
static_assert(offsetof(SnpReport, policy) == 0x008, "layout");
static_assert(offsetof(SnpReport, family_id) == 0x010, "layout");
static_assert(offsetof(SnpReport, image_id) == 0x020, "layout");
static_assert(offsetof(SnpReport, vmpl) == 0x030, "layout");
static_assert(offsetof(SnpReport, current_tcb) == 0x038, "layout");
static_assert(offsetof(SnpReport, platform_info) == 0x040, "layout");
static_assert(offsetof(SnpReport, key_info) == 0x048, "layout");
static_assert(offsetof(SnpReport, report_data) == 0x050, "layout");
static_assert(offsetof(SnpReport, measurement) == 0x090, "layout");
static_assert(offsetof(SnpReport, host_data) == 0x0c0, "layout");
static_assert(offsetof(SnpReport, id_key_digest) == 0x0e0, "layout");
static_assert(offsetof(SnpReport, author_key_digest) == 0x110, "layout");
static_assert(offsetof(SnpReport, report_id) == 0x140, "layout");
static_assert(offsetof(SnpReport, report_id_ma) == 0x160, "layout");
static_assert(offsetof(SnpReport, reported_tcb) == 0x180, "layout");
static_assert(offsetof(SnpReport, cpuid_family) == 0x188, "layout");
static_assert(offsetof(SnpReport, chip_id) == 0x1a0, "layout");
static_assert(offsetof(SnpReport, committed_tcb) == 0x1e0, "layout");
static_assert(offsetof(SnpReport, current_version) == 0x1e8, "layout");
static_assert(offsetof(SnpReport, committed_version) == 0x1ec, "layout");
static_assert(offsetof(SnpReport, launch_tcb) == 0x1f0, "layout");
static_assert(offsetof(SnpReport, launch_mitigations) == 0x1f8, "layout");
static_assert(offsetof(SnpReport, reserved4) == 0x208, "layout");
static_assert(offsetof(SnpReport, signature_r) == SNP_REPORT_SIGNED_SIZE, "layout");

/* POLICY, what a guest's owner allows; bits 0 to 15 are the least ABI version, the rest must be zero. */
enum {
        SNP_POLICY_SMT = 16,
        SNP_POLICY_ONE = 17, /* reserved, always set */
        SNP_POLICY_MIGRATION_AGENT = 18,
        SNP_POLICY_DEBUG = 19,
        SNP_POLICY_SINGLE_SOCKET = 20,
        SNP_POLICY_CXL = 21,
        SNP_POLICY_AES_256_XTS = 22,
        SNP_POLICY_RAPL_DISABLED = 23,
        SNP_POLICY_CIPHERTEXT_HIDING = 24,
        SNP_POLICY_PAGE_SWAP_DISABLED = 25,
        _SNP_POLICY_BITS = 26,
};

/* KEY_INFO */
enum {
        SNP_KEY_AUTHOR = 1 << 0, /* an author key signed the ID key */
        SNP_KEY_MASKED = 1 << 1, /* the firmware left the signature out */
        SNP_KEY_SIGNING_SHIFT = 2,
        SNP_KEY_SIGNING_MASK = 7,
};

static inline uint32_t snp_u32(const uint8_t p[4]) {
        return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

static inline uint64_t snp_u64(const uint8_t p[8]) {
        return (uint64_t) snp_u32(p) | (uint64_t) snp_u32(p + 4) << 32;
}

static inline bool snp_bit(uint64_t bits, unsigned bit) {
        return (bits >> bit & 1) != 0;
}

/* True when n bytes are all zero. */
bool snp_is_zero(const uint8_t *data, size_t n);

/* The report in n bytes (borrowed); NULL when that is not its size. */
const SnpReport *snp_report_view(const void *data, size_t n);

/* Looks at all that the layout of the report's own version (which must be a known one) fixes: reserved bytes and bits,
 * the padding of the signature, fields of later versions. NULL, or a static sentence and an offset. */
const char *snp_report_misfit(const SnpReport *r, size_t *reterr_offset);
