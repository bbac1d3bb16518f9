/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to sealwatch-fetch, and its answers: what is taken is written again as the same bytes. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/snp/fetch.h"

static void run_request(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        char path[FETCH_PATH_MAX];
        FetchRequest r;
        int found = fetch_request_parse(data, size, &r);

        REQUIRE(found == 0 || found == -EINVAL);
        if (found < 0)
                return;
        fetch_request_write(&r, &again);
        REQUIRE(again.size == size && memcmp(again.data, data, size) == 0);
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                REQUIRE(fetch_amd_path(&r, p, path) < 0 || (*path == '/' && strlen(path) < FETCH_PATH_MAX - 1));
}

static void run_answer(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        FetchAnswer a;
        int found = fetch_answer_parse(data, size, &a);

        REQUIRE(found == 0 || found == -EINVAL);
        if (found < 0)
                return;
        REQUIRE(fetch_answer_size(data) == size);
        fetch_answer_write(&a, &again);
        REQUIRE(again.size == size && memcmp(again.data, data, size) == 0);
}

static void run(const uint8_t *data, size_t size) {
        run_request(data, size);
        run_answer(data, size);
}

static void seeds(void) {
        const FetchRequest r = { .source = FETCH_AMD,
                                 .parts = 7,
                                 .product = SNP_TURIN,
                                 .tcb = { 1, 1, 1, 4, 0, 0, 0, 81 },
                                 .chip_id = { 1 } };
        const FetchAnswer a = { .status = FETCH_REFUSED,
                                .parts = { { (const uint8_t *) "vek", 3 }, { (const uint8_t *) "chain", 5 } },
                                .text = "HTTP 404" };
        _cleanup_(buffer_done) Buffer request = {}, answer = {};

        fetch_request_write(&r, &request);
        fetch_answer_write(&a, &answer);
        fuzz_seed(request.data, request.size);
        fuzz_seed(answer.data, answer.size);
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
