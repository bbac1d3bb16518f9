/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Generations of SEV-SNP processors, and the security versions of what their trusted computing base (TCB) is made of.
 * Layouts: AMD 56860 (SNP firmware ABI), "TCB_VERSION"; generations by CPUID as in AMD 57230 (key distribution). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By what the key hierarchies are called: Genoa's also serves Bergamo and Siena. */
typedef enum SnpProduct {
        SNP_MILAN,
        SNP_GENOA,
        SNP_TURIN,
        _SNP_PRODUCT_MAX,
        _SNP_PRODUCT_INVALID = -1,
} SnpProduct;

const char *snp_product_name(SnpProduct p); /* "Milan", "Genoa", "Turin" */

/* Of n characters, in that spelling; _SNP_PRODUCT_INVALID when unknown. */
SnpProduct snp_product_from_name(const char *name, size_t n);

/* Of CPUID's combined (base and extended) family and model; _SNP_PRODUCT_INVALID when unknown. */
SnpProduct snp_product_from_cpuid(uint8_t family, uint8_t model);

typedef enum TcbPart {
        TCB_FMC, /* Turin and later */
        TCB_BOOTLOADER,
        TCB_TEE,
        TCB_SNP,
        TCB_MICROCODE,
        _TCB_MAX,
} TcbPart;

enum { SNP_TCB_SIZE = 8, SNP_TCB_TEXT_MAX = 96 };

/* Security versions; a part that the generation does not have is zero. */
typedef struct SnpTcb {
        uint8_t parts[_TCB_MAX];
} SnpTcb;

extern const char *const tcb_part_names[_TCB_MAX + 1]; /* "fmc", "bootloader", "tee", "snp", "microcode", NULL */

bool snp_product_has_part(SnpProduct p, TcbPart part);

/* False when a byte that the generation's layout reserves is not zero. */
bool snp_tcb_decode(SnpProduct p, const uint8_t raw[SNP_TCB_SIZE], SnpTcb *ret);
void snp_tcb_encode(SnpProduct p, const SnpTcb *tcb, uint8_t ret[SNP_TCB_SIZE]);

/* The first part in which a is below b; _TCB_MAX when there is none. */
TcbPart snp_tcb_below(const SnpTcb *a, const SnpTcb *b);

bool snp_tcb_equal(const SnpTcb *a, const SnpTcb *b);

/* "bootloader 4, tee 0, snp 24, microcode 219"; returns ret. */
const char *snp_tcb_format(SnpProduct p, const SnpTcb *tcb, char ret[SNP_TCB_TEXT_MAX]);
