/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Simulated SNP evidence in which one thing at a time is wrong. */

#include "lib/sim/report.h"
#include "lib/snp/appraise.h"

typedef struct SnpCase {
        const SimPki *pki; /* borrowed */
        SnpReport report;
        SimCertificate vek, intermediate, root;
        SimCrl crl;
        bool has_crl, keep_signature; /* keep_signature: the report is not signed once more */
        SnpRequirements requirements;
        int64_t at;
        bool allow_simulated;
} SnpCase;

/* One in which nothing is wrong. Done with snp_requirements_done(&c.requirements). */
SnpCase snp_case(const SimPki *pki, uint32_t version, SnpProduct product, SnpRole role);

/* The files: VEK, chain (intermediate, root) and, where there is one, the list. Fails the test when they cannot be made. */
typedef struct SnpCaseFiles {
        Buffer vek, chain, crl;
} SnpCaseFiles;
void snp_case_files(const SnpCase *c, SnpCaseFiles *ret);
void snp_case_files_done(SnpCaseFiles *f);

/* Signs the report, and appraises all of it. */
void snp_case_judge(SnpCase *c, CheckList *checks);
void snp_case_judge_files(SnpCase *c, const SnpCaseFiles *files, CheckList *checks);

/* Judges, and expects exactly these checks (with blanks between them; "": none) to fail, and no other to be undecided. */
void assert_fails(SnpCase *c, const char *names);
void assert_list_fails(const CheckList *checks, const char *names);
