/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Evidence documents: what parses is written again as a document that parses to the same; what does not says where. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/evidence.h"

static void run(const uint8_t *data, size_t size) {
        _cleanup_(evidence_done) Evidence e = {}, again = {};
        _cleanup_(buffer_done) Buffer first = {}, second = {};
        EvidenceError error = { .offset = SIZE_MAX };
        int r = evidence_parse(data, size, &e, &error);

        if (r < 0) {
                REQUIRE(r == -EINVAL && error.offset <= size && *error.why && strlen(error.why) < EVIDENCE_WHY_MAX);
                return;
        }
        REQUIRE(evidence_write(&e, &first) == 0);
        REQUIRE(evidence_parse(first.data, first.size, &again, &error) == 0);
        REQUIRE(evidence_write(&again, &second) == 0);
        REQUIRE(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
        REQUIRE(first.size <= size); /* nothing is longer than what it came from: no blanks, one form */
        REQUIRE(e.parts[EVIDENCE_NONCE].size >= EVIDENCE_NONCE_MIN);
}

static void seeds(void) {
        for (EvidenceProvider p = 0; p < _EVIDENCE_PROVIDER_MAX; p++) {
                _cleanup_(evidence_done) Evidence e = { .provider = p, .log_since = p, .mode = strdup("enforce") };
                _cleanup_(buffer_done) Buffer b = {};

                for (EvidencePart part = 0; part < _EVIDENCE_PART_MAX; part++)
                        for (unsigned i = 0; i < 16U + p && (part == EVIDENCE_NONCE || p > 0); i++)
                                buffer_u8(&e.parts[part], (uint8_t) (part + i));
                for (HashAlg alg = 0; alg < (HashAlg) p && alg < _HASH_MAX; alg++) {
                        e.pcrs.banks |= bank(alg);
                        e.pcrs.files[alg].present = 1U << p;
                }
                REQUIRE(evidence_texts_add(&e.levels, "exec", "gate") == 0);
                REQUIRE(evidence_texts_add(&e.references, "base \\x0a", "") == 0);
                REQUIRE(evidence_texts_add(&e.taints, NULL, "software-tpm") == 0);
                REQUIRE(evidence_write(&e, &b) == 0);
                fuzz_seed(b.data, b.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
