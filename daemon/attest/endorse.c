/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The search for endorsements. */

#include "daemon/attest/endorse.h"

#include <stdio.h>

#include "daemon/attest/endorse-internal.h"
#include "lib/snp/table.h"

#define AFTER_FAILURE (60 * USEC_PER_SEC)
#define CRL_RETRY (60 * 60 * USEC_PER_SEC)

enum { CRL_AGE_MAX = 24 * 60 * 60 }; /* seconds */

/* A source offers what it has of a signer. `so_far` is what earlier ones had. */
typedef struct Source {
        const char *name;
        bool network;
        bool (*offer)(Gathering *g, const Signer *s, const Gathered *gathered, const Parts *so_far, Parts *ret,
                      char why[ATTEST_WHY_MAX]);
} Source;

void parts_done(Parts *p) {
        for (FetchPart i = 0; i < _FETCH_PART_MAX; i++)
                buffer_done(&p->parts[i]);
}

int part_set(Parts *p, FetchPart part, const void *data, size_t n) {
        buffer_done(&p->parts[part]);
        buffer_bytes(&p->parts[part], data, n);
        return buffer_error(&p->parts[part]);
}

static int verify(const Parts *p, SnpEndorsements **ret) {
        const SnpEndorsementFiles files = {
                .vek = p->parts[FETCH_VEK].data,
                .vek_size = p->parts[FETCH_VEK].size,
                .chain = p->parts[FETCH_CHAIN].data,
                .chain_size = p->parts[FETCH_CHAIN].size,
                .crl = p->parts[FETCH_CRL].data,
                .crl_size = p->parts[FETCH_CRL].size,
        };

        return snp_endorsements_new(&files, ret);
}

/* Whoever signed the report has this key, as far as the certificate itself goes. */
static const char *vek_misfit(const Signer *s, const SnpEndorsements *e) {
        uint8_t tcb[SNP_TCB_SIZE];

        if (*e->vek_problem)
                return e->vek_problem;
        snp_tcb_encode(e->claims.product, &e->claims.tcb, tcb);
        if (e->claims.role != s->role)
                return "the certificate is of another kind than the key that signed the report";
        if (e->claims.product != s->product)
                return "the certificate is of another product";
        if (memcmp(tcb, s->tcb, SNP_TCB_SIZE) != 0)
                return "the certificate is of another TCB";
        if (s->role == SNP_VCEK && !snp_is_zero(s->chip_id, SNP_CHIP_ID_SIZE) &&
            memcmp(e->claims.chip_id, s->chip_id, SNP_CHIP_ID_SIZE) != 0)
                return "the certificate is of another chip";
        return NULL;
}

static const char *chain_misfit(const Gathering *g, const SnpEndorsements *e) {
        if (*e->chain_problem)
                return e->chain_problem;
        if (e->root_is_pinned || (e->claims.simulated && g->options->allow_simulated))
                return NULL;
        return "the chain does not lead to AMD's root";
}

/* Do the parts endorse the report? A list that does not hold is left out, and the parts are none the worse. */
static bool fits(Gathering *g, const Signer *s, Parts *p, bool *ret_simulated, char why[ATTEST_WHY_MAX]) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        const char *misfit = "out of memory";

        if (verify(p, &e) >= 0) {
                misfit = vek_misfit(s, e);
                misfit = misfit ?: chain_misfit(g, e);
        }
        if (misfit) {
                snprintf(why, ATTEST_WHY_MAX, "%s", misfit);
                return false;
        }
        if (*e->crl_problem)
                buffer_done(&p->parts[FETCH_CRL]);
        *ret_simulated = e->claims.simulated;
        return true;
}

static bool has_vek(const Signer *s, const Parts *p) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;

        return p->parts[FETCH_VEK].size > 0 && verify(p, &e) >= 0 && !vek_misfit(s, e);
}

static bool offer_table(Gathering *g, const Signer *s, const Gathered *gathered, const Parts *so_far, Parts *ret,
                        char why[ATTEST_WHY_MAX]) {
        const Buffer *b = &gathered->certificates;
        const char *wrong;
        size_t offset;
        SnpTable t;
        const DerObject *vek = s->role == SNP_VLEK ? &t.vlek : &t.vcek;

        if (snp_table_parse(b->data, b->size, &t, &offset, &wrong) < 0) {
                snprintf(why, ATTEST_WHY_MAX, "the host's table, at byte %zu: %s", offset, wrong);
                return false;
        }
        snprintf(why, ATTEST_WHY_MAX, "the host's table has no %s", snp_role_name(s->role));
        (void) part_set(ret, FETCH_VEK, vek->data, vek->size);
        (void) part_set(ret, FETCH_CHAIN, t.ask.data, t.ask.size);
        buffer_bytes(&ret->parts[FETCH_CHAIN], t.ark.data, t.ark.size);
        (void) part_set(ret, FETCH_CRL, t.crl.data, t.crl.size);
        return vek->size > 0 || t.ask.size > 0;
}

static bool offer_cache(Gathering *g, const Signer *s, const Gathered *gathered, const Parts *so_far, Parts *ret,
                        char why[ATTEST_WHY_MAX]) {
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                cache_read(g->options->cache_path, s, p, ret);
        snprintf(why, ATTEST_WHY_MAX, "the cache has none");
        return ret->parts[FETCH_VEK].size > 0 || ret->parts[FETCH_CHAIN].size > 0;
}

static bool ask(Gathering *g, const Signer *s, FetchSource source, unsigned parts, Parts *ret,
                char why[ATTEST_WHY_MAX]) {
        FetchRequest request = { .source = source, .parts = parts, .role = s->role, .product = s->product };

        memcpy(request.tcb, s->tcb, SNP_TCB_SIZE);
        memcpy(request.chip_id, s->chip_id, SNP_CHIP_ID_SIZE);
        return fetcher_ask(g, &request, ret, why) >= 0;
}

static bool offer_azure(Gathering *g, const Signer *s, const Gathered *gathered, const Parts *so_far, Parts *ret,
                        char why[ATTEST_WHY_MAX]) {
        return gathered->provider == EVIDENCE_PROVIDER_AZURE &&
               ask(g, s, FETCH_AZURE, 1 << FETCH_VEK | 1 << FETCH_CHAIN, ret, why);
}

/* AMD has no VLEK for anybody but the provider. */
static bool offer_amd(Gathering *g, const Signer *s, const Gathered *gathered, const Parts *so_far, Parts *ret,
                      char why[ATTEST_WHY_MAX]) {
        unsigned parts = 1 << FETCH_CHAIN | 1 << FETCH_CRL;

        if (!has_vek(s, so_far)) {
                if (s->role == SNP_VLEK)
                        return false;
                parts |= 1 << FETCH_VEK;
        }
        return ask(g, s, FETCH_AMD, parts, ret, why);
}

static const Source sources[] = {
        { "table", false, offer_table },
        { "cache", false, offer_cache },
        { "azure", true, offer_azure },
        { "amd", true, offer_amd },
};

typedef struct Search {
        Gathering *g;
        Gathered *gathered;
        Signer signer;
        Parts so_far;         /* the first of each part that was offered */
        const char *vek_from; /* the source of that VEK */
} Search;

static void search_done(Search *s) {
        parts_done(&s->so_far);
}

static int merge(Parts *into, const Parts *from) {
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                if (into->parts[p].size == 0 && from->parts[p].size > 0 &&
                    part_set(into, p, from->parts[p].data, from->parts[p].size) < 0)
                        return -1;
        return 0;
}

static void keep(Search *s, const Source *source, Parts *p, const Parts *offered, bool simulated) {
        Gathered *ret = s->gathered;

        for (FetchPart i = 0; source->network && i < _FETCH_PART_MAX; i++)
                if (offered->parts[i].size > 0)
                        cache_write(s->g->options->cache_path, &s->signer, i, p);
        ret->vek = TAKE_STRUCT(p->parts[FETCH_VEK]);
        ret->chain = TAKE_STRUCT(p->parts[FETCH_CHAIN]);
        ret->crl = TAKE_STRUCT(p->parts[FETCH_CRL]);
        ret->endorsed_by = offered->parts[FETCH_VEK].size > 0 ? source->name : s->vek_from;
        ret->simulated |= simulated;
        *ret->endorsement_problem = '\0';
}

/* What this source offers, with what is missing there from earlier ones. */
static bool try_source(Search *s, const Source *source) {
        _cleanup_(parts_done) Parts offered = {}, together = {};
        char *why = s->gathered->endorsement_problem;
        bool simulated = false;

        if (!source->offer(s->g, &s->signer, s->gathered, &s->so_far, &offered, why))
                return false;
        if (merge(&together, &offered) < 0 || merge(&together, &s->so_far) < 0)
                return false;
        if (fits(s->g, &s->signer, &together, &simulated, why)) {
                keep(s, source, &together, &offered, simulated);
                return true;
        }
        if (!s->vek_from && offered.parts[FETCH_VEK].size > 0)
                s->vek_from = source->name;
        (void) merge(&s->so_far, &offered);
        return false;
}

static bool try_all(Search *s) {
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                if (sources[i].network && gather_now() < s->g->network_after)
                        continue;
                if (try_source(s, &sources[i]))
                        return true;
        }
        return false;
}

/* The list of revoked authorities, where a day has gone since it was asked for. To have none is no problem of the rest. */
static void refresh_crl(Search *s) {
        const char *cache = s->g->options->cache_path;
        _cleanup_(parts_done) Parts p = {}, list = {};
        Gathered *ret = s->gathered;
        char why[ATTEST_WHY_MAX];
        bool simulated;

        if (ret->crl.size > 0 && cache_age(cache, &s->signer, FETCH_CRL) < CRL_AGE_MAX)
                return;
        if (gather_now() < s->g->network_after)
                return;
        s->g->network_after = gather_now() + CRL_RETRY;
        if (!ask(s->g, &s->signer, FETCH_AMD, 1 << FETCH_CRL, &list, why) ||
            part_set(&p, FETCH_VEK, ret->vek.data, ret->vek.size) < 0 ||
            part_set(&p, FETCH_CHAIN, ret->chain.data, ret->chain.size) < 0 || merge(&p, &list) < 0 ||
            !fits(s->g, &s->signer, &p, &simulated, why) || p.parts[FETCH_CRL].size == 0)
                return;
        cache_write(cache, &s->signer, FETCH_CRL, &p);
        buffer_done(&ret->crl);
        ret->crl = TAKE_STRUCT(p.parts[FETCH_CRL]);
}

static bool search(Gathering *g, Gathered *ret, const Signer *signer) {
        _cleanup_(search_done) Search s = { .g = g, .gathered = ret, .signer = *signer };

        if (!try_all(&s))
                return false;
        refresh_crl(&s);
        return true;
}

/* False when nobody signed it. */
static bool signer_of(const SnpReport *r, Signer *ret) {
        const uint32_t info = snp_u32(r->key_info), key = info >> SNP_KEY_SIGNING_SHIFT & SNP_KEY_SIGNING_MASK;

        *ret = (Signer){ .role = key, .product = _SNP_PRODUCT_INVALID };
        if (snp_u32(r->version) > 2)
                ret->product = snp_product_from_cpuid(r->cpuid_family, r->cpuid_model);
        memcpy(ret->tcb, r->reported_tcb, SNP_TCB_SIZE);
        memcpy(ret->chip_id, r->chip_id, SNP_CHIP_ID_SIZE);
        return !(info & SNP_KEY_MASKED) && key <= SNP_VLEK;
}

void endorse(Gathering *g, Gathered *ret) {
        const SnpReport *r = snp_report_view(ret->report.data, ret->report.size);
        Signer s;
        bool found = false;

        if (!r || !signer_of(r, &s)) {
                snprintf(ret->endorsement_problem, ATTEST_WHY_MAX, "the report says that nobody signed it");
                return;
        }
        if (s.product != _SNP_PRODUCT_INVALID)
                found = search(g, ret, &s);
        else
                for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX && !found; p++) {
                        s.product = p;
                        found = search(g, ret, &s);
                }
        if (!found && gather_now() >= g->network_after)
                g->network_after = gather_now() + AFTER_FAILURE;
}
