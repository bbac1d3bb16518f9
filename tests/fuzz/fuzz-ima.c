/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's IMA list, in binary and in text: it makes no difference how the bytes arrive; a list that is accepted in
 * binary is the same in text. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ima/appraise.h"
#include "lib/sim/ima.h"

DEFINE_CLEANUP(ImaList *, ima_list_free)

static LogResult walk(ImaList *l) {
        LogResult result;
        ImaEntry e;

        while ((result = ima_list_next(l, &e)) == LOG_ENTRY)
                REQUIRE(e.pcr < PCR_COUNT && e.number + 1 == ima_list_entries(l) && e.data_size <= IMA_DATA_MAX &&
                        (!e.name || !memchr(e.name, 0, e.name_size)));
        REQUIRE(result != LOG_FAILED && ima_list_next(l, &e) == result);
        return result;
}

static LogResult walk_in_pieces(ImaList *l, const uint8_t *data, size_t size) {
        LogResult result = LOG_TRUNCATED;

        for (size_t end = 0, step = 1; end < size && (result == LOG_TRUNCATED || result == LOG_END);
             step = step * 2 + 1) {
                size_t start = (size_t) ima_list_offset(l);

                end = MIN(size, end + step);
                ima_list_more(l, data + start, end - start);
                result = walk(l);
        }
        return result;
}

/* Names with line feeds or blanks make a text that reads otherwise; the kernel writes no blanks. */
static bool has_separators(const uint8_t *data, size_t size) {
        return memchr(data, '\n', size) || memchr(data, ' ', size);
}

static void check_text(const uint8_t *data, size_t size, const ImaList *l) {
        _cleanup_(ima_list_freep) ImaList *again = NULL;
        _cleanup_(buffer_done) Buffer text = {};
        const Buffer list = { .data = (uint8_t *) (uintptr_t) data, .size = size };

        REQUIRE(sim_ima_text(&list, ima_list_digest(l), &text) == 0);
        REQUIRE(ima_list_new(0xf, false, &again) == 0);
        ima_list_more(again, text.data, text.size);
        if (walk(again) == LOG_END)
                REQUIRE(memcmp(ima_list_values(again), ima_list_values(l), sizeof(PcrValues)) == 0);
}

static void run(const uint8_t *data, size_t size) {
        const ImaRequirements defaults = ima_requirements_default();
        _cleanup_(ima_list_freep) ImaList *whole = NULL, *pieces = NULL;
        _cleanup_(check_list_done) CheckList checks = {};
        const PcrInputs none = {};
        LogResult result;

        REQUIRE(ima_list_new(0xf, false, &whole) == 0 && ima_list_new(0xf, false, &pieces) == 0);
        ima_list_more(whole, data, size);
        result = walk(whole);
        REQUIRE(ima_list_offset(whole) <= size &&
                (result == LOG_END ? ima_list_offset(whole) == size : *ima_list_why(whole)));
        if (size > 0)
                REQUIRE(walk_in_pieces(pieces, data, size) == result &&
                        ima_list_offset(pieces) == ima_list_offset(whole) &&
                        memcmp(ima_list_values(pieces), ima_list_values(whole), sizeof(PcrValues)) == 0);
        REQUIRE(ima_appraise(&defaults, &none, data, size, &checks) == 0);
        REQUIRE(result == LOG_END || check_list_verdict(&checks) == CHECK_FAIL);
        if (result == LOG_END && size > 0 && !ima_list_is_text(whole) && !has_separators(data, size))
                check_text(data, size, whole);
}

/* Puts the template digests right, entry by entry. */
static void repair(uint8_t *data, size_t size) {
        HashAlg alg;
        size_t at = 0;

        if (ima_list_digests(data, size, &alg) != LOG_ENTRY)
                return;
        while (at < size) {
                Reader head = reader_new(data + at, size - at);
                uint32_t name, n;
                Digest d;

                reader_bytes(&head, 4 + hash_size(alg));
                name = reader_u32le(&head);
                reader_bytes(&head, name);
                n = reader_u32le(&head);
                if (!reader_bytes(&head, n) || digest_data(alg, head.data + head.pos - n, n, &d) < 0)
                        return;
                memcpy(data + at + 4, d.bytes, hash_size(alg));
                at += head.pos;
        }
}

static void seeds(void) {
        for (unsigned i = 0; i < 6; i++) {
                SimIma s = { i % 2 ? HASH_SHA256 : HASH_SHA1, 10, NULL, 3 + 3 * i, i > 3 ? 4 : 0, NULL };
                _cleanup_(buffer_done) Buffer list = {}, text = {};

                REQUIRE(sim_ima_list(&s, &list) == 0 && sim_ima_text(&list, s.digests, &text) == 0);
                fuzz_seed(list.data, list.size);
                fuzz_seed(text.data, text.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, repair };
