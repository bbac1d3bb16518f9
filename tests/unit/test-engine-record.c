/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entries on their way: limits and retries. */

#include "core/engine-internal.h"
#include "tests/unit/rig.h"

#define OBSERVE "[Policy]\nMode=observe\n[Reference base]\n"

/* Whatever its entries become, batches included: the log does not grow beyond its limit. */
static void the_log_keeps_its_limit(void **state _unused_) {
        Rig rig;
        const Input extended = { .type = INPUT_EXTENDED };
        uint64_t committed = 0, limit = 1 << 20;
        bool full = false;

        rig_new(&rig, OBSERVE);
        rig.config.log_max_size = limit;
        rig_again(&rig, OBSERVE);
        rig_start(&rig);
        for (uint64_t i = 0; !full; i++) { /* one known file under ever new names, while the TPM is slow */
                Input in = { .type = INPUT_EXEC, .exec = rig_observation(i, RIG_KNOWN, _FAILURE_INVALID) };
                char path[16];

                snprintf(path, sizeof(path), "/%llu", (unsigned long long) i);
                in.exec.path = path;
                rig_feed(&rig, &in);
                assert_true(rig_answered(&rig, i, true));
                full = rig_reasons(&rig) != 0;
        }
        while (rig.on_its_way) {
                rig_feed(&rig, &extended);
                if (rig.on_its_way)
                        committed += rig_find(&rig, ACTION_COMMIT)->commit.size;
        }
        assert_true(committed > limit / 3);
        assert_true(rig.engine->log_bytes <= limit);
        assert_true(committed <= rig.engine->log_bytes); /* what is accounted for is what is there */
        rig_done(&rig);
}

static void what_is_accounted_for_is_what_is_there(void **state _unused_) {
        uint64_t before, committed = 0;
        const Input extended = { .type = INPUT_EXTENDED };
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        before = rig.engine->log_bytes;
        for (uint64_t i = 0; i < 200; i++) {
                Input in = { .type = INPUT_EXEC, .exec = rig_observation(i, RIG_KNOWN, _FAILURE_INVALID) };
                char path[16];

                snprintf(path, sizeof(path), "/%llu", (unsigned long long) i);
                in.exec.path = path;
                if (i % 17 == 0)
                        in.exec.digest[0]++; /* unknown: breaks the batch */
                rig_feed(&rig, &in);
                if (rig_count(&rig, ACTION_COMMIT) > 0)
                        committed += rig_find(&rig, ACTION_COMMIT)->commit.size;
        }
        while (rig.on_its_way) {
                rig_feed(&rig, &extended);
                if (rig.on_its_way)
                        committed += rig_find(&rig, ACTION_COMMIT)->commit.size;
        }
        assert_int_equal(rig.engine->log_bytes - before, committed);
        rig_done(&rig);
}

static void what_fails_is_tried_again(void **state _unused_) {
        static const InputType failures[] = { INPUT_EXTEND_FAILED, INPUT_COMMIT_FAILED };

        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                const Input failed = { .type = failures[i], .failure = { .row = FAILURE_TPM_BUSY } };
                _cleanup_(buffer_done) Buffer bytes = {};
                const Action *commit;
                Rig rig;

                rig_new(&rig, OBSERVE);
                rig_start(&rig);
                rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
                commit = rig_find(&rig, ACTION_COMMIT);
                buffer_bytes(&bytes, commit->commit.bytes, commit->commit.size);
                rig_feed(&rig, &failed);
                assert_int_equal(rig_count(&rig, ACTION_COMMIT), 0); /* not at once */
                assert_int_equal(engine_deadline(rig.engine), rig.now.boottime + COMMIT_RETRY);
                rig_tick(&rig, COMMIT_RETRY);
                commit = rig_find(&rig, ACTION_COMMIT);
                assert_int_equal(commit->commit.size, bytes.size);
                assert_memory_equal(commit->commit.bytes, bytes.data, bytes.size);
                rig_settle(&rig);
                assert_true(rig_answered(&rig, 1, true));
                rig_done(&rig);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_log_keeps_its_limit),
                TEST(what_is_accounted_for_is_what_is_there),
                TEST(what_fails_is_tried_again),
        };

        return RUN(tests);
}
