/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Generations and security versions. */

#include "lib/snp/tcb.h"

#include <stdio.h>

#include "lib/base/macro.h"

const char *const tcb_part_names[] = {
        [TCB_FMC] = "fmc", [TCB_BOOTLOADER] = "bootloader", [TCB_TEE] = "tee",
        [TCB_SNP] = "snp", [TCB_MICROCODE] = "microcode",   NULL,
};

/* Where a part stands in TCB_VERSION; -1: not in this generation. */
static const struct {
        const char *name;
        int8_t at[_TCB_MAX];
} products[] = {
        [SNP_MILAN] = { "Milan", { -1, 0, 1, 6, 7 } },
        [SNP_GENOA] = { "Genoa", { -1, 0, 1, 6, 7 } },
        [SNP_TURIN] = { "Turin", { 0, 1, 2, 3, 7 } },
};
static_assert(ELEMENTSOF(products) == _SNP_PRODUCT_MAX, "a row per product");

static const struct {
        uint8_t family, first_model, last_model;
        SnpProduct product;
} models[] = {
        { 0x19, 0x00, 0x0f, SNP_MILAN },
        { 0x19, 0x10, 0x1f, SNP_GENOA },
        { 0x19, 0xa0, 0xaf, SNP_GENOA },
        { 0x1a, 0x00, 0x11, SNP_TURIN },
};

const char *snp_product_name(SnpProduct p) {
        return products[p].name;
}

SnpProduct snp_product_from_name(const char *name, size_t n) {
        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++)
                if (strlen(products[p].name) == n && memcmp(products[p].name, name, n) == 0)
                        return p;
        return _SNP_PRODUCT_INVALID;
}

SnpProduct snp_product_from_cpuid(uint8_t family, uint8_t model) {
        for (size_t i = 0; i < ELEMENTSOF(models); i++)
                if (models[i].family == family && models[i].first_model <= model && model <= models[i].last_model)
                        return models[i].product;
        return _SNP_PRODUCT_INVALID;
}

bool snp_product_has_part(SnpProduct p, TcbPart part) {
        return products[p].at[part] >= 0;
}

bool snp_tcb_decode(SnpProduct p, const uint8_t raw[SNP_TCB_SIZE], SnpTcb *ret) {
        uint8_t rest[SNP_TCB_SIZE];

        memcpy(rest, raw, sizeof(rest));
        *ret = (SnpTcb){};
        for (TcbPart part = 0; part < _TCB_MAX; part++)
                if (snp_product_has_part(p, part)) {
                        ret->parts[part] = raw[products[p].at[part]];
                        rest[products[p].at[part]] = 0;
                }
        return memcmp(rest, (uint8_t[SNP_TCB_SIZE]){}, sizeof(rest)) == 0;
}

void snp_tcb_encode(SnpProduct p, const SnpTcb *tcb, uint8_t ret[SNP_TCB_SIZE]) {
        memset(ret, 0, SNP_TCB_SIZE);
        for (TcbPart part = 0; part < _TCB_MAX; part++)
                if (snp_product_has_part(p, part))
                        ret[products[p].at[part]] = tcb->parts[part];
}

TcbPart snp_tcb_below(const SnpTcb *a, const SnpTcb *b) {
        TcbPart part = 0;

        while (part < _TCB_MAX && a->parts[part] >= b->parts[part])
                part++;
        return part;
}

bool snp_tcb_equal(const SnpTcb *a, const SnpTcb *b) {
        return memcmp(a->parts, b->parts, sizeof(a->parts)) == 0;
}

const char *snp_tcb_format(SnpProduct p, const SnpTcb *tcb, char ret[SNP_TCB_TEXT_MAX]) {
        size_t used = 0;

        for (TcbPart part = 0; part < _TCB_MAX; part++)
                if (snp_product_has_part(p, part))
                        used += (size_t) snprintf(ret + used, SNP_TCB_TEXT_MAX - used, "%s%s %u", used ? ", " : "",
                                                  tcb_part_names[part], tcb->parts[part]);
        return ret;
}
