/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The simulator as a provider. */

#include "daemon/attest/simulator.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "daemon/attest/provider.h"
#include "lib/base/alloc.h"
#include "lib/io/file.h"
#include "lib/sim/report.h"

enum { VERSION = 3, SEED = 1, OTHER_SEED = 2, FAULTS_MAX = 4096, DAY = 24 * 60 * 60 };

static const SnpProduct product = SNP_MILAN;

struct Simulator {
        SimPki pki;
};

/* What a report and its endorsements are made of, before anything is signed. */
typedef struct Draft {
        SnpReport report;
        SnpRole role;
        int64_t vek_until;
        bool revoked, break_signature, unendorsed;
} Draft;

static void tcb_rollback(Draft *d) {
        SnpTcb tcb = sim_report_tcb(&d->report, product);

        tcb.parts[TCB_MICROCODE]--;
        snp_tcb_encode(product, &tcb, d->report.current_tcb);
        memcpy(d->report.committed_tcb, d->report.current_tcb, SNP_TCB_SIZE);
}

static void debug(Draft *d) {
        sim_put_u64(d->report.policy, snp_u64(d->report.policy) | UINT64_C(1) << SNP_POLICY_DEBUG);
}

static void other_chip(Draft *d) {
        SnpReport other = sim_report(VERSION, product, SNP_VCEK, OTHER_SEED);

        memcpy(d->report.chip_id, other.chip_id, sizeof(other.chip_id));
}

static void other_guest(Draft *d) {
        d->report.report_id[0] ^= 0xff;
}

static void other_measurement(Draft *d) {
        d->report.measurement[0] ^= 0xff;
}

static void stale_nonce(Draft *d) {
        memset(d->report.report_data, 0xa5, sizeof(d->report.report_data));
}

static void bad_signature(Draft *d) {
        d->break_signature = true;
}

static void expired_vlek(Draft *d) {
        d->role = SNP_VLEK;
        sim_put_u32(d->report.key_info, SNP_VLEK << SNP_KEY_SIGNING_SHIFT);
        memset(d->report.chip_id, 0, sizeof(d->report.chip_id));
        d->vek_until -= 2 * DAY;
}

static void revoked_ask(Draft *d) {
        d->revoked = true;
}

static void unendorsed(Draft *d) {
        d->unendorsed = true;
}

static const struct {
        const char *word;
        void (*apply)(Draft *d);
} faults[] = {
        { "tcb-rollback", tcb_rollback }, { "debug", debug },
        { "other-chip", other_chip },     { "other-guest", other_guest },
        { "stale-nonce", stale_nonce },   { "other-measurement", other_measurement },
        { "expired-vlek", expired_vlek }, { "bad-signature", bad_signature },
        { "revoked-ask", revoked_ask },   { "unendorsed", unendorsed },
};

static int apply_word(Draft *d, const char *word, size_t n) {
        for (size_t i = 0; i < ELEMENTSOF(faults); i++)
                if (strlen(faults[i].word) == n && memcmp(faults[i].word, word, n) == 0) {
                        faults[i].apply(d);
                        return 0;
                }
        return -EINVAL;
}

static int apply(Draft *d, const char *text) {
        static const char blanks[] = " \t\r\n";
        int r = 0;

        for (const char *p = text + strspn(text, blanks); r >= 0 && *p; p += strspn(p, blanks)) {
                size_t n = strcspn(p, blanks);

                r = apply_word(d, p, n);
                p += n;
        }
        return r;
}

int simulator_new(Simulator **ret) {
        _cleanup_(simulator_freep) Simulator *s = new0(Simulator, 1);
        int r = s ? sim_pki_new(&s->pki) : -ENOMEM;

        if (r >= 0)
                *ret = TAKE_PTR(s);
        return r;
}

Simulator *simulator_free(Simulator *s) {
        if (!s)
                return NULL;
        sim_pki_done(&s->pki);
        free(s);
        return NULL;
}

static int write_vek(Simulator *s, const Draft *d, Buffer *ret) {
        SnpTcb tcb = sim_report_tcb(&d->report, product);
        SimCertificate vek = sim_vek(&s->pki, d->role, product, &tcb, d->report.chip_id);

        vek.not_after = d->vek_until;
        vek.not_before = d->vek_until - 365 * DAY;
        return sim_certificate_write(&vek, ret);
}

static int write_chain(Simulator *s, const Draft *d, int64_t now, Buffer *chain, Buffer *list) {
        SimCertificate issuer = sim_authority(&s->pki, d->role == SNP_VLEK ? SNP_ASVK : SNP_ASK, product),
                       root = sim_authority(&s->pki, SNP_ARK, product);
        SimCrl crl = sim_crl(&s->pki, product);
        int r;

        issuer.not_after = root.not_after = now + 10 * 365 * DAY;
        crl.last_update = now - DAY;
        crl.next_update = now + 30 * DAY;
        if (d->revoked)
                crl.serials[crl.n_serials++] = issuer.serial;
        r = sim_certificate_write(&issuer, chain);
        if (r >= 0)
                r = sim_certificate_write(&root, chain);
        return r < 0 ? r : sim_crl_write(&crl, list);
}

int simulator_report(Simulator *s, const char *text, const uint8_t report_data[SNP_REPORT_DATA_SIZE], int64_t now,
                     Buffer *report, Buffer *vek, Buffer *chain, Buffer *crl) {
        Draft d = { .report = sim_report(VERSION, product, SNP_VCEK, SEED), .role = SNP_VCEK, .vek_until = now + DAY };
        int r;

        memcpy(d.report.report_data, report_data, SNP_REPORT_DATA_SIZE);
        r = apply(&d, text);
        if (r >= 0)
                r = sim_report_sign(&d.report, s->pki.keys[d.role]);
        if (r >= 0 && !d.unendorsed)
                r = write_vek(s, &d, vek);
        if (r >= 0 && !d.unendorsed)
                r = write_chain(s, &d, now, chain, crl);
        if (r < 0)
                return r;
        if (d.break_signature)
                d.report.host_data[0] ^= 1;
        buffer_bytes(report, &d.report, sizeof(d.report));
        return buffer_error(report);
}

/* A file that is not there means that nothing is wrong; one that cannot be read is a mistake. */
static int read_faults(const char *path, char **ret) {
        size_t n;
        int r = path ? file_read(AT_FDCWD, path, FAULTS_MAX, ret, &n) : -ENOENT;

        if (r != -ENOENT)
                return r;
        *ret = strdup("");
        return *ret ? 0 : -ENOMEM;
}

static AttestFailure provider_report(Gathering *g, Gathered *ret) {
        _cleanup_free_ char *text = NULL;
        int r = read_faults(g->options->simulator_path, &text);

        ret->simulated = true;
        ret->endorsed_by = "simulator";
        if (r >= 0 && !g->simulator)
                r = simulator_new(&g->simulator);
        if (r >= 0)
                r = simulator_report(g->simulator, text, ret->report_data, (int64_t) time(NULL), &ret->report,
                                     &ret->vek, &ret->chain, &ret->crl);
        if (r == -EINVAL)
                return gather_fail(ret, ATTEST_PROVIDER_FAILED, "simulator: %s has a word that means nothing",
                                   g->options->simulator_path);
        return r < 0 ? gather_fail(ret, ATTEST_INTERNAL, "simulator: %s", strerror(-r)) : ATTEST_GATHERED;
}

const Provider simulator_provider = { .id = EVIDENCE_PROVIDER_SIMULATOR, .report = provider_report };
