/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated AMD that all tests of a program share: its keys take a while to make. */

#include "lib/sim/pki.h"
#include "tests/test.h"

static SimPki pki;

static inline int open_pki(void **state _unused_) {
        return sim_pki_new(&pki);
}

static inline int close_pki(void **state _unused_) {
        sim_pki_done(&pki);
        return 0;
}

#define RUN_WITH_PKI(tests) cmocka_run_group_tests(tests, open_pki, close_pki)
