/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Races between hash and exec, by an unprivileged user. RACE_SECONDS= says how long each takes. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t good[SHA256_SIZE];

static Decision allow_good(const Observed *o) {
        watch.n = 0; /* of the many, none is looked at again */
        return o->has_digest && memcmp(o->digest, good, SHA256_SIZE) == 0 ? ALLOW : DENY;
}

static int set_up(void **state) {
        GateOptions o = gate_defaults;

        digest_of(payload_good, good);
        o.linger = GATE_LINGER_OBSERVED;
        watch_start(&o);
        watch.decide = allow_good;
        return 0;
}

static int tear_down(void **state) {
        watch_stop();
        return 0;
}

static void race(Place p, const char *how) {
        enum { UID = 4711 };
        const char *seconds = getenv("RACE_SECONDS") ?: "2";
        Run r = { .path = in_root("attack"), .uid = UID };
        GateStats s;
        unsigned n;

        if (!place_is_there(p))
                return;
        copy_file(getenv("ATTACK"), in_root("attack"));
        (void) unlink(at(p, "race")); /* fs.protected_regular keeps us from another user's */
        copy_file(payload_good, at(p, "race"));
        assert_int_equal(chown(at(p, "race"), UID, UID), 0);
        copy_file(payload_good, in_root("a"));
        copy_file(payload_evil, in_root("b"));
        r.arguments[0] = "race";
        r.arguments[1] = at(p, "race");
        r.arguments[2] = in_root("a");
        r.arguments[3] = in_root("b");
        r.arguments[4] = seconds;
        r.arguments[5] = how;
        n = run_start(&r);
        while (!run_ended(n))
                loop_once(10 * USEC_PER_MSEC);
        s = watch_stats();
        printf("%s: %lu asked, %lu hashed, %lu from the cache, let go %lu unopened %lu waiting %zu\n", place_names[p],
               s.asked, s.hashed, s.hits, s.let_go, s.unopened, s.waiting);

        assert_int_equal(run_wait(n), 0);
}

static void on_ext4(void **state) {
        race(ON_EXT4, NULL);
}

static void on_tmpfs(void **state) {
        race(ON_TMPFS, NULL);
}

static void on_btrfs(void **state) {
        race(ON_BTRFS, NULL);
}

static void on_xfs(void **state) {
        race(ON_XFS, NULL);
}

static void on_overlay(void **state) {
        race(ON_OVERLAY, NULL);
}

static void starved_on_ext4(void **state) {
        race(ON_EXT4, "starve");
}

static void starved_on_tmpfs(void **state) {
        race(ON_TMPFS, "starve");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(on_ext4), TEST(on_tmpfs), TEST(on_btrfs), TEST(on_xfs), TEST(on_overlay), TEST(starved_on_ext4),
             TEST(starved_on_tmpfs))
