/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A simulated guest. */

#include "tests/guest-case.h"

#include "lib/base/cleanup.h"
#include "lib/canary.h"

/* Extends until the action comes; it stays in the list. */
static Action wait_for(Rig *rig, ActionType type) {
        const Input extended = { .type = INPUT_EXTENDED };

        for (unsigned i = 0; i < 20 && rig_count(rig, type) == 0 && rig->on_its_way; i++)
                rig_feed(rig, &extended);
        return *rig_find(rig, type);
}

/* From the canary to the moment of the quote; its nonce is in the action. */
static uint64_t gather(GuestCase *g) {
        const Action prove = wait_for(&g->rig, ACTION_PROVE);
        const bool enforce = streq(g->mode, "enforce");
        Input in = { .type = INPUT_EXEC };

        in.exec = rig_observation(1000 + g->round, "/run/canary", _FAILURE_INVALID);
        assert_int_equal(canary_digest(prove.attest.nonce, prove.attest.nonce_size, in.exec.digest), 0);
        if (!g->dead)
                rig_feed(&g->rig, &in);
        rig_settle(&g->rig);
        g->round = prove.attest.round;
        in = (Input){ .type = INPUT_PROVED,
                      .proved = { .round = g->round, .outcome = enforce && !g->dead ? CANARY_REFUSED : CANARY_RAN } };
        rig_feed(&g->rig, &in);
        if (g->dead)
                rig_tick(&g->rig, ATTEST_SEEN_DEADLINE);
        return wait_for(&g->rig, ACTION_ATTEST).attest.round;
}

static void end_round(GuestCase *g, uint64_t round) {
        _cleanup_(check_list_done) CheckList checks = {};
        const Input in = { .type = INPUT_ATTESTED, .attested = { .round = round, .checks = &checks } };

        check_add(&checks, "signature", CHECK_PASS, "said so");
        rig_feed(&g->rig, &in);
        rig_settle(&g->rig);
}

static void cap(EvidenceCase *c) {
        static const char event[] = CAP_EVENT;
        uint8_t *value = c->pcrs.files[HASH_SHA256].values[12], digest[SHA256_SIZE];
        Digest capped;

        assert_int_equal(sha256(event, strlen(event), digest), 0);
        assert_int_equal(digest_pair(HASH_SHA256, value, SHA256_SIZE, digest, SHA256_SIZE, &capped), 0);
        memcpy(value, capped.bytes, SHA256_SIZE);
}

void guest_case_new(GuestCase *g, const SimPki *pki, EvidenceProvider provider, bool enforce) {
        const Input in = { .type = INPUT_PROVIDER, .provider.name = "simulator" };
        const char *policy = enforce ? GUEST_ENFORCE : GUEST_OBSERVE;

        *g = (GuestCase){ .mode = enforce ? "enforce" : "observe" };
        evidence_case_new(&g->evidence, pki, provider, NULL, 0);
        g->evidence.resets = 1;
        cap(&g->evidence);
        rig_new(&g->rig, policy);
        g->rig.config.attestation = (AttestSettings){ .interval = 600 * USEC_PER_SEC, .grace = USEC_INFINITY };
        rig_again(&g->rig, policy);
        rig_start(&g->rig);
        rig_feed(&g->rig, &in);
        end_round(g, gather(g));
}

void guest_case_done(GuestCase *g) {
        evidence_case_done(&g->evidence);
        rig_done(&g->rig);
}

void guest_case_restart(GuestCase *g) {
        const Input in = { .type = INPUT_PROVIDER, .provider.name = "simulator" };

        rig_resume(&g->rig, streq(g->mode, "enforce") ? GUEST_ENFORCE : GUEST_OBSERVE);
        rig_start(&g->rig);
        rig_feed(&g->rig, &in);
        end_round(g, gather(g));
}

void guest_case_work(GuestCase *g, unsigned from, unsigned n) {
        for (unsigned i = from; i < from + n; i++) {
                char path[32];

                snprintf(path, sizeof(path), "/opt/%u", i);
                rig_exec(&g->rig, 2000 + i, i % 2 ? path : RIG_KNOWN, _FAILURE_INVALID);
                rig_settle(&g->rig);
        }
}

void guest_case_records(GuestCase *g, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                const Input in = { .type = INPUT_SEALED, .sealed = { .name = "secret", .uid = i } };

                rig_feed(&g->rig, &in);
                rig_settle(&g->rig);
        }
}

void guest_case_round(GuestCase *g, const uint8_t nonce[EVIDENCE_CASE_NONCE]) {
        EvidenceCase *c = &g->evidence;
        Input in = { .type = INPUT_ATTEST, .attest = { .request = 1, .nonce_size = EVIDENCE_CASE_NONCE } };
        uint64_t round, entries = 0;
        Status status;

        memcpy(in.attest.nonce, nonce, EVIDENCE_CASE_NONCE);
        memcpy(c->nonce, nonce, EVIDENCE_CASE_NONCE);
        memcpy(c->asked, nonce, EVIDENCE_CASE_NONCE);
        rig_tick(&g->rig, USEC_PER_SEC);
        rig_feed(&g->rig, &in);
        round = gather(g);
        c->log.size = 0;
        buffer_bytes(&c->log, g->rig.log.data, g->rig.log.size);
        evidence_case_replay_log(c);
        c->clock += 1000;
        engine_status(g->rig.engine, &status);
        entries = status.anchored;
        evidence_case_seal(c);
        c->evidence.mode = strdup(g->mode);
        c->evidence.state = strdup(state_names[status.state]);
        c->evidence.heartbeat_sequence = entries;
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                assert_int_equal(
                        evidence_texts_add(&c->evidence.levels, watched_names[w], level_names[status.levels[w]]), 0);
        c->evidence.time = g->rig.now.realtime;
        memcpy(c->evidence.policy, status.policy_digest, SHA256_SIZE);
        end_round(g, round);
}

void guest_case_seen(GuestCase *g, const EvidenceBase *base) {
        EvidenceCase *c = &g->evidence;

        c->log_from = c->log.size;
        c->log_since = base->records;
        c->log_first = base->entries;
        c->ima_since = base->ima_entries;
        c->ima_from = base->ima_entries > 0 ? c->ima.size : 0;
}

void guest_case_write(const GuestCase *g, Buffer *ret) {
        assert_int_equal(evidence_write(&g->evidence.evidence, ret), 0);
        assert_int_equal(buffer_error(ret), 0);
}
