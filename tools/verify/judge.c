/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One document at a time. */

#include "tools/verify/judge.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "tools/verify/known.h"

enum { CACHE_MAX = 256 }; /* what is more is verified each time */

struct EndorsementCache {
        pthread_mutex_t lock;
        size_t size;
        struct {
                uint8_t key[SHA256_SIZE];
                SnpEndorsements *endorsements; /* only read, by any thread */
        } items[CACHE_MAX];
};

int endorsement_cache_new(EndorsementCache **ret) {
        EndorsementCache *c = new0(EndorsementCache, 1);

        if (!c)
                return -ENOMEM;
        pthread_mutex_init(&c->lock, NULL);
        *ret = c;
        return 0;
}

EndorsementCache *endorsement_cache_free(EndorsementCache *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->size; i++)
                snp_endorsements_free(c->items[i].endorsements);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}

static int cache_key(const SnpEndorsementFiles *f, uint8_t ret[SHA256_SIZE]) {
        _cleanup_(buffer_done) Buffer all = {};

        buffer_u64le(&all, f->vek_size);
        buffer_u64le(&all, f->chain_size);
        buffer_bytes(&all, f->vek, f->vek_size);
        buffer_bytes(&all, f->chain, f->chain_size);
        buffer_bytes(&all, f->crl, f->crl_size);
        return buffer_error(&all) < 0 ? -ENOMEM : sha256(all.data, all.size, ret);
}

static const SnpEndorsements *cache_find(EndorsementCache *c, const uint8_t key[SHA256_SIZE]) {
        const SnpEndorsements *found = NULL;

        pthread_mutex_lock(&c->lock);
        for (size_t i = 0; !found && i < c->size; i++)
                if (memcmp(c->items[i].key, key, SHA256_SIZE) == 0)
                        found = c->items[i].endorsements;
        pthread_mutex_unlock(&c->lock);
        return found;
}

/* Takes it over if there is room. */
static bool cache_add(EndorsementCache *c, const uint8_t key[SHA256_SIZE], SnpEndorsements *e) {
        bool fits;

        pthread_mutex_lock(&c->lock);
        fits = c->size < CACHE_MAX;
        if (fits) {
                memcpy(c->items[c->size].key, key, SHA256_SIZE);
                c->items[c->size++].endorsements = e;
        }
        pthread_mutex_unlock(&c->lock);
        return fits;
}

/* *ret_owned is to be freed by the caller; NULL where the cache has it. */
static int get_endorsements(const Judging *j, const Evidence *e, SnpEndorsements **ret_owned,
                            const SnpEndorsements **ret) {
        const Buffer *p = e->parts;
        const SnpEndorsementFiles files = {
                .vek = p[EVIDENCE_VEK].data,
                .vek_size = p[EVIDENCE_VEK].size,
                .chain = p[EVIDENCE_CHAIN].data,
                .chain_size = p[EVIDENCE_CHAIN].size,
                .crl = p[EVIDENCE_CRL].data,
                .crl_size = p[EVIDENCE_CRL].size,
        };
        uint8_t key[SHA256_SIZE];
        int r = cache_key(&files, key);

        if (r < 0)
                return r;
        *ret = j->cache ? cache_find(j->cache, key) : NULL;
        if (*ret)
                return 0;
        r = snp_endorsements_new(&files, ret_owned);
        if (r < 0)
                return r;
        *ret = *ret_owned;
        if (j->cache && cache_add(j->cache, key, *ret_owned))
                *ret_owned = NULL;
        return 0;
}

/* A life of a TPM is within one launch of its guest. */
static bool is_of_another(const KnownGuest *known, const KnownGuest *now) {
        return known && known->resets == now->resets &&
               memcmp(known->report_id, now->report_id, SNP_REPORT_ID_SIZE) != 0;
}

/* One launch of a guest has one key, and one key in one life of its TPM has one launch: else a guest could show the quote of
 * another one beside its own report. */
static int judge_key(const Judging *j, const KnownGuest *before, const GuestFindings *found, CheckList *checks) {
        char known[2 * TPM_NAME_MAX + 1], now[2 * TPM_NAME_MAX + 1];
        int r;

        if (!found->has_report || !found->is_authentic) {
                check_add(checks, "known-guest", CHECK_NA, "without proof there is nothing to compare");
                return 0;
        }
        if (is_of_another(before, &found->next)) {
                check_add(
                        checks, "known-guest", CHECK_FAIL,
                        "the report of another guest (REPORT_ID) was seen with this key, in the same life of its TPM");
                return 0;
        }
        r = known_key_of_report(j->state, found->next.report_id, known);
        if (r < 0)
                return r;
        hex_encode(found->ak_name.bytes, found->ak_name.size, now);
        if (r == 0)
                check_add(checks, "known-guest", CHECK_NA, "this guest was not seen before");
        else if (streq(known, now))
                check_add(checks, "known-guest", CHECK_PASS, "the same guest with the same key as before");
        else
                check_add(checks, "known-guest", CHECK_FAIL, "this guest had another key before, %s", known);
        return 0;
}

static int keep(const Judging *j, const KnownGuest *before, const GuestFindings *found, CheckList *checks) {
        int r = judge_key(j, before, found, checks);

        if (r < 0 || !found->is_authentic)
                return r;
        if (found->has_report && !check_list_passed(checks, "known-guest")) {
                const Check *c = check_list_find(checks, "known-guest");

                if (c && c->result == CHECK_FAIL)
                        return 0;
                r = known_store_report(j->state, found->next.report_id, &found->ak_name);
        }
        return r < 0 ? r : known_store(j->state, &found->ak_name, &found->next);
}

static int judge(const Judging *j, const Evidence *e, Bytes nonce, CheckList *checks) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *owned = NULL;
        const SnpEndorsements *endorsements;
        KnownGuest known;
        TpmName name;
        GuestFindings found;
        GuestAppraisal a = { .evidence = e,
                             .nonce = nonce,
                             .policy = j->policy,
                             .at = j->has_at ? j->at : time(NULL),
                             .allow_simulated = j->allow_simulated };
        int r = get_endorsements(j, e, &owned, &endorsements);

        if (r < 0)
                return r;
        a.endorsements = endorsements;
        if (j->state >= 0 && guest_name(e, &name) >= 0) {
                r = known_load(j->state, &name, &known);
                if (r < 0)
                        return r;
                a.known = r > 0 ? &known : NULL;
        }
        r = guest_appraise(&a, checks, &found);
        return r < 0 || j->state < 0 ? r : keep(j, a.known, &found, checks);
}

int judge_document(const Judging *j, const void *data, size_t n, Bytes nonce, CheckList *checks) {
        _cleanup_(evidence_done) Evidence e = {};
        EvidenceError error;
        int r = evidence_parse(data, n, &e, &error);

        if (r == -EINVAL) {
                check_add(checks, "evidence-structure", CHECK_FAIL, "at byte %zu: %s", error.offset, error.why);
                return 0;
        }
        if (r < 0)
                return r;
        check_add(checks, "evidence-structure", CHECK_PASS, "%zu bytes", n);
        return judge(j, &e, nonce, checks);
}
