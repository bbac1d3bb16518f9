/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reports of simulated processors. */

#include "lib/sim/report.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "lib/digest.h"

enum { SCALAR_SIZE = 48, DER_MAX = 128 };

DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

/* One model of each generation, and security versions as they are seen. */
static const struct {
        uint8_t family, model;
        SnpTcb tcb;
} processors[] = {
        [SNP_MILAN] = { 0x19, 0x01, { { 0, 4, 0, 24, 219 } } },
        [SNP_GENOA] = { 0x19, 0x11, { { 0, 10, 0, 23, 84 } } },
        [SNP_TURIN] = { 0x1a, 0x02, { { 1, 1, 1, 4, 81 } } },
};
static_assert(ELEMENTSOF(processors) == _SNP_PRODUCT_MAX, "one of each");

void sim_put_u32(uint8_t p[4], uint32_t v) {
        for (unsigned i = 0; i < 4; i++)
                p[i] = (uint8_t) (v >> (8 * i));
}

void sim_put_u64(uint8_t p[8], uint64_t v) {
        sim_put_u32(p, (uint32_t) v);
        sim_put_u32(p + 4, (uint32_t) (v >> 32));
}

static void fill(uint8_t *p, size_t n, uint8_t seed) {
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t) (seed + 37 * i + 1);
}

SnpReport sim_report(uint32_t version, SnpProduct product, SnpRole signer, uint8_t seed) {
        static const SnpFirmwareVersion firmware = { .build = 29, .minor = 55, .major = 1 };
        SnpReport r = { .current_version = firmware, .committed_version = firmware };

        sim_put_u32(r.version, version);
        sim_put_u32(r.guest_svn, 2);
        sim_put_u64(r.policy, UINT64_C(1) << SNP_POLICY_ONE | UINT64_C(1) << SNP_POLICY_SMT | 0x1f);
        r.family_id[0] = 1;
        r.image_id[0] = 2;
        sim_put_u32(r.signature_algo, 1);
        sim_put_u64(r.platform_info, product == SNP_TURIN ? 0x65 : 0x25);
        sim_put_u32(r.key_info, (uint32_t) signer << SNP_KEY_SIGNING_SHIFT);
        fill(r.report_data, sizeof(r.report_data), 3);
        fill(r.measurement, sizeof(r.measurement), 5);
        fill(r.id_key_digest, sizeof(r.id_key_digest), 7);
        fill(r.report_id, sizeof(r.report_id), seed);
        memset(r.report_id_ma, 0xff, sizeof(r.report_id_ma));
        if (signer == SNP_VCEK)
                fill(r.chip_id, product == SNP_TURIN ? SNP_CHIP_ID_SHORT_SIZE : SNP_CHIP_ID_SIZE,
                     (uint8_t) (seed + 100));
        snp_tcb_encode(product, &processors[product].tcb, r.current_tcb);
        memcpy(r.reported_tcb, r.current_tcb, SNP_TCB_SIZE);
        memcpy(r.committed_tcb, r.current_tcb, SNP_TCB_SIZE);
        memcpy(r.launch_tcb, r.current_tcb, SNP_TCB_SIZE);
        if (version >= 3) {
                r.cpuid_family = processors[product].family;
                r.cpuid_model = processors[product].model;
                r.cpuid_stepping = 1;
        }
        if (version >= 5) {
                sim_put_u64(r.launch_mitigations, 0x3f);
                sim_put_u64(r.current_mitigations, 0x3f);
        }
        return r;
}

SnpTcb sim_report_tcb(const SnpReport *r, SnpProduct product) {
        SnpTcb tcb;

        (void) snp_tcb_decode(product, r->reported_tcb, &tcb); /* a wrong one has wrong versions */
        return tcb;
}

int sim_report_sign(SnpReport *r, SimPkey key) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *s = NULL;
        unsigned char der[DER_MAX];
        const unsigned char *p = der;
        size_t size = sizeof(der);
        Digest digest;

        if (!context || digest_data(HASH_SHA384, r, SNP_REPORT_SIGNED_SIZE, &digest) < 0)
                return -ENOMEM;
        if (EVP_PKEY_sign_init(context) != 1 ||
            EVP_PKEY_sign(context, der, &size, digest.bytes, hash_size(HASH_SHA384)) != 1)
                return -EIO;
        s = d2i_ECDSA_SIG(NULL, &p, (long) size);
        memset(r->signature_r, 0, sizeof(r->signature_r));
        memset(r->signature_s, 0, sizeof(r->signature_s));
        if (!s || BN_bn2lebinpad(ECDSA_SIG_get0_r(s), r->signature_r, SCALAR_SIZE) != SCALAR_SIZE ||
            BN_bn2lebinpad(ECDSA_SIG_get0_s(s), r->signature_s, SCALAR_SIZE) != SCALAR_SIZE)
                return -EIO;
        return 0;
}
