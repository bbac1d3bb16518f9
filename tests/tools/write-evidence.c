/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* write-evidence DIR: a folder of simulated evidence, a case in each folder below it: snp/PRODUCT-vN-KEY with report.bin,
 * vek.der, chain.pem (intermediate and root) and crl.der. All of it is valid on 2026-01-01 and refused unless simulated
 * evidence is allowed. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/io/file.h"
#include "lib/sim/report.h"

enum { LINE_SIZE = 64 };

static int write_file(const char *folder, const char *name, const void *data, size_t n) {
        char path[4096];

        if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int) sizeof(path))
                return -ENAMETOOLONG;
        return file_write_atomic(AT_FDCWD, path, 0644, data, n);
}

static void add_pem(const Buffer *der, Buffer *ret) {
        _cleanup_free_ char *base64 = malloc(4 * (der->size / 3 + 1) + 1);
        int n = base64 ? EVP_EncodeBlock((unsigned char *) base64, der->data, (int) der->size) : 0;

        buffer_string(ret, "-----BEGIN CERTIFICATE-----\n");
        for (int at = 0; at < n; at += LINE_SIZE) {
                buffer_bytes(ret, base64 + at, (size_t) MIN(n - at, (int) LINE_SIZE));
                buffer_u8(ret, '\n');
        }
        buffer_string(ret, "-----END CERTIFICATE-----\n");
}

static int add_authority(const SimPki *pki, SnpRole role, SnpProduct product, Buffer *ret) {
        _cleanup_(buffer_done) Buffer der = {};
        const SimCertificate c = sim_authority(pki, role, product);
        int r = sim_certificate_write(&c, &der);

        if (r == 0)
                add_pem(&der, ret);
        return r < 0 ? r : buffer_error(ret);
}

static int write_case(const SimPki *pki, const char *top, uint32_t version, SnpProduct product, SnpRole role) {
        _cleanup_(buffer_done) Buffer vek = {}, chain = {}, crl = {};
        SnpReport report = sim_report(version, product, role, (uint8_t) (version + 10 * product));
        const SnpTcb tcb = sim_report_tcb(&report, product);
        const SimCertificate certificate = sim_vek(pki, role, product, &tcb, report.chip_id);
        const SimCrl list = sim_crl(pki, product);
        char folder[2048];
        int r;

        snprintf(folder, sizeof(folder), "%s/snp/%s-v%u-%s", top, snp_product_name(product), (unsigned) version,
                 snp_role_name(role));
        r = make_directories(folder, 0755);
        if (r == 0)
                r = sim_report_sign(&report, certificate.key);
        if (r == 0)
                r = sim_certificate_write(&certificate, &vek);
        if (r == 0)
                r = add_authority(pki, role == SNP_VCEK ? SNP_ASK : SNP_ASVK, product, &chain);
        if (r == 0)
                r = add_authority(pki, SNP_ARK, product, &chain);
        if (r == 0)
                r = sim_crl_write(&list, &crl);
        if (r == 0)
                r = write_file(folder, "report.bin", &report, sizeof(report));
        if (r == 0)
                r = write_file(folder, "vek.der", vek.data, vek.size);
        if (r == 0)
                r = write_file(folder, "chain.pem", chain.data, chain.size);
        return r == 0 ? write_file(folder, "crl.der", crl.data, crl.size) : r;
}

int main(int argc, char **argv) {
        SimPki pki;
        int r = argc == 2 ? sim_pki_new(&pki) : -EINVAL;

        if (r < 0) {
                fprintf(stderr, "usage: write-evidence DIR\n");
                return 2;
        }
        for (uint32_t version = SNP_REPORT_VERSION_MIN; version <= SNP_REPORT_VERSION_MAX; version++)
                for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++)
                        for (SnpRole role = SNP_VCEK; r == 0 && role <= SNP_VLEK; role++)
                                r = write_case(&pki, argv[1], version, p, role);
        sim_pki_done(&pki);
        if (r < 0)
                fprintf(stderr, "write-evidence: %s\n", strerror(-r));
        return r < 0;
}
