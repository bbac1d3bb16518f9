/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes evidence of simulated guests into the current folder, and prints a line "FILE NONCE" for each document.
 *
 *   write-guest              honest guests and others, one thing wrong with each
 *   write-guest rounds N M   one guest, N rounds, each document with what is new since the last one; M records more before
 *                            the first one
 *   write-guest many N       N documents of one guest in one file, `many.jsonl`, their nonces in `nonces` */

#include "lib/base/cleanup.h"
#include "tests/guest-case.h"
#include "tests/sample.h"

static SimPki pki;
static uint32_t nonces;

static void next_nonce(uint8_t ret[EVIDENCE_CASE_NONCE]) {
        memset(ret, 0, EVIDENCE_CASE_NONCE);
        nonces++;
        memcpy(ret, &nonces, sizeof(nonces));
}

static void write_bytes(const char *name, const Buffer *b) {
        _cleanup_(fclosep) FILE *f = fopen(name, "we");

        REQUIRE(f && fwrite(b->data, 1, b->size, f) == b->size && fputc('\n', f) != EOF);
}

static void write_document(const GuestCase *g, const char *name) {
        _cleanup_(buffer_done) Buffer b = {};
        char hex[2 * EVIDENCE_CASE_NONCE + 1];

        guest_case_write(g, &b);
        write_bytes(name, &b);
        printf("%s %s\n", name, hex_encode(g->evidence.nonce, EVIDENCE_CASE_NONCE, hex));
}

static void round_of(GuestCase *g, const char *name) {
        uint8_t nonce[EVIDENCE_CASE_NONCE];

        next_nonce(nonce);
        guest_case_round(g, nonce);
        write_document(g, name);
}

/* What a verifier that has seen the document knows. */
static EvidenceBase base_of(const GuestCase *g) {
        _cleanup_(check_list_done) CheckList checks = {};
        EvidenceFindings found;

        evidence_case_appraise(&g->evidence, &checks, &found);
        return found.base;
}

static void honest_guests(void) {
        for (EvidenceProvider p = EVIDENCE_PROVIDER_CONFIGFS; p < _EVIDENCE_PROVIDER_MAX; p++) {
                char name[64];
                GuestCase g;

                guest_case_new(&g, &pki, p, p % 2);
                guest_case_work(&g, 0, 20);
                snprintf(name, sizeof(name), "%s.json", evidence_provider_names[p]);
                round_of(&g, name);
                guest_case_done(&g);
        }
}

static void violated(GuestCase *g) {
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { "log", "somebody was here" } };

        rig_feed(&g->rig, &tamper);
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++) {
                const Input in = { .type = INPUT_LOCK_STEP, .lock_step = { .step = step } };

                rig_feed(&g->rig, &in);
        }
        rig_settle(&g->rig);
}

static void hooks_dead(GuestCase *g) {
        g->dead = true;
}

static void debug_bit(GuestCase *g) {
        g->evidence.snp.report.policy[2] |= 1 << (SNP_POLICY_DEBUG - 16);
}

static void old_tcb(GuestCase *g) {
        g->evidence.snp.report.reported_tcb[7]--;
}

static void other_chip(GuestCase *g) {
        g->evidence.snp.report.chip_id[0] ^= 1;
}

static void expired(GuestCase *g) {
        g->evidence.snp.vek.not_after = g->evidence.snp.at - 1;
}

static void revoked(GuestCase *g) {
        g->evidence.snp.has_crl = true;
        g->evidence.snp.crl.serials[g->evidence.snp.crl.n_serials++] = g->evidence.snp.intermediate.serial;
}

static void reset_tpm(GuestCase *g) {
        g->evidence.resets++;
}

static void foreign_extend(GuestCase *g) {
        g->evidence.pcrs.files[HASH_SHA256].values[4][0] ^= 1;
}

static void open_door(GuestCase *g) {
        memset(g->evidence.pcrs.files[HASH_SHA256].values[12], 0, SHA256_SIZE);
}

static void bad_guests(void) {
        static const struct {
                const char *name;
                void (*spoil)(GuestCase *g);
        } cases[] = {
                { "violated", violated },         { "killed", guest_case_restart }, { "hooks-dead", hooks_dead },
                { "debug-bit", debug_bit },       { "old-tcb", old_tcb },           { "other-chip", other_chip },
                { "expired-vek", expired },       { "revoked-ask", revoked },       { "reset-tpm", reset_tpm },
                { "other-boot", foreign_extend }, { "open-door", open_door },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char name[64];
                GuestCase g;

                guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
                guest_case_work(&g, 0, 4);
                cases[i].spoil(&g);
                snprintf(name, sizeof(name), "%s.json", cases[i].name);
                round_of(&g, name);
                guest_case_done(&g);
        }
}

/* The same guest with a newer quote over an older or another log: as if its TPM could be set back. */
static void forks(GuestCase *g) {
        EvidenceCase *c = &g->evidence;
        Rig *rig = &g->rig;
        size_t whole = rig->log.size;

        c->log_from = c->log_since = c->log_first = c->ima_from = c->ima_since = 0;
        round_of(g, "before.json");
        round_of(g, "whole.json");
        c->clock += 1000;
        c->log.size = whole; /* what it was before those two rounds */
        evidence_case_replay_log(c);
        {
                Evidence last = c->evidence;

                c->evidence = (Evidence){};
                evidence_case_seal(c);
                c->evidence.mode = strdup("enforce");
                memcpy(c->evidence.policy, last.policy, SHA256_SIZE);
                evidence_done(&last);
                write_document(g, "rollback.json");
                for (unsigned i = 0; i < 20; i++)
                        sample_put_file(&c->log, 13, "/bin/forked");
                evidence_case_replay_log(c);
                c->clock += 1000;
                last = c->evidence;
                c->evidence = (Evidence){};
                evidence_case_seal(c);
                c->evidence.mode = strdup("enforce");
                memcpy(c->evidence.policy, last.policy, SHA256_SIZE);
                evidence_done(&last);
                write_document(g, "fork.json");
        }
        c->snp.report.report_id[0] ^= 1; /* another guest, that has this one's TPM quote for it */
        round_of(g, "relayed.json");
        round_of(g, "relayed-again.json");
        c->snp.report.report_id[0] ^= 1;
        round_of(g, "own.json");
        sim_key_done(&c->ak);
        REQUIRE(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &c->ak) == 0);
        round_of(g, "other-key.json");
}

static void rounds(unsigned n, unsigned records) {
        EvidenceBase base = {};
        GuestCase g;

        guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
        guest_case_records(&g, records);
        for (unsigned i = 0; i < n; i++) {
                char name[32];

                guest_case_work(&g, i * 4, 4);
                snprintf(name, sizeof(name), "round-%u.json", i);
                round_of(&g, name);
                g.evidence.base = i > 0 ? &base : NULL;
                base = base_of(&g);
                guest_case_seen(&g, &base);
        }
        if (records == 0)
                forks(&g);
        guest_case_done(&g);
}

static void many(unsigned n) {
        _cleanup_(fclosep) FILE *f = fopen("many.jsonl", "we"), *list = fopen("nonces", "we");
        GuestCase g;

        REQUIRE(f && list);
        guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
        guest_case_work(&g, 0, 200);
        for (unsigned i = 0; i < n; i++) {
                _cleanup_(buffer_done) Buffer b = {};
                uint8_t nonce[EVIDENCE_CASE_NONCE];
                char hex[2 * EVIDENCE_CASE_NONCE + 1];

                next_nonce(nonce);
                guest_case_round(&g, nonce);
                guest_case_write(&g, &b);
                REQUIRE(fwrite(b.data, 1, b.size, f) == b.size && fputc('\n', f) != EOF);
                REQUIRE(fprintf(list, "%s\n", hex_encode(nonce, sizeof(nonce), hex)) > 0);
        }
        guest_case_done(&g);
}

int main(int argc, char **argv) {
        unsigned n = argc >= 3 ? (unsigned) strtoul(argv[2], NULL, 10) : 0;

        REQUIRE(sim_pki_new(&pki) == 0);
        if (argc == 3 && streq(argv[1], "many"))
                many(n);
        else if (argc == 4 && streq(argv[1], "rounds"))
                rounds(n, (unsigned) strtoul(argv[3], NULL, 10));
        else {
                honest_guests();
                bad_guests();
        }
        sim_pki_done(&pki);
        return 0;
}
