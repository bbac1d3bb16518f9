/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The checks of a report, by what they are about. Each writes why into its buffer, and is called only when what it needs is
 * there (table in appraise.c). */

#include "lib/snp/appraise.h"

enum { SNP_DETAIL_MAX = 512 };

typedef struct Context {
        const SnpAppraisal *in;
        const SnpReport *report;  /* NULL: its size or version is not known */
        const SnpEndorsements *e; /* claims: only where needed as NEED_VEK; chain: NEED_CHAIN */
        const SnpRequirements *q;
} Context;

typedef CheckResult (*CheckFunction)(const Context *c, char why[SNP_DETAIL_MAX]);

#define say(why, ...) ((void) snprintf((why), SNP_DETAIL_MAX, __VA_ARGS__))

/* appraise-chain.c */
CheckResult check_chain(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_root(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_validity(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_revocation(const Context *c, char why[SNP_DETAIL_MAX]);

/* appraise-key.c */
CheckResult check_signing_key(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_signature(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_provider(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_product(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_chip_id(const Context *c, char why[SNP_DETAIL_MAX]);

/* appraise-tcb.c */
CheckResult check_reported_tcb(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_tcb_order(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_tcb_floor(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_firmware(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_mitigations(const Context *c, char why[SNP_DETAIL_MAX]);

/* appraise-guest.c */
CheckResult check_guest_policy(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_migration_agent(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_platform(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_vmpl(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_guest_svn(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_report_data(const Context *c, char why[SNP_DETAIL_MAX]);
CheckResult check_field(const Context *c, SnpField field, char why[SNP_DETAIL_MAX]);
