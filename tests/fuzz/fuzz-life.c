/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life file: one text for one life. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/life.h"

static void seed(const Life *l) {
        char text[LIFE_TEXT_MAX];

        fuzz_seed(text, life_format(l, text));
}

/* Every name that is given reads back. */
static void check_name(const uint8_t *data, size_t size) {
        Life l = { .watermark = size }, again;
        uint64_t reset = 0;
        char text[LIFE_TEXT_MAX];

        memcpy(&reset, data, size < sizeof(reset) ? size : sizeof(reset));
        REQUIRE(life_name(reset, data, size, l.name) == 0);
        REQUIRE(life_parse(text, life_format(&l, text), &again) == 0);
        REQUIRE(strcmp(again.name, l.name) == 0 && again.watermark == l.watermark);
}

static void run(const uint8_t *data, size_t size) {
        char text[LIFE_TEXT_MAX];
        Life l;

        if (life_parse((const char *) data, size, &l) == 0)
                REQUIRE(life_format(&l, text) == size && memcmp(text, data, size) == 0);
        if (size > 0)
                check_name(data, size);
}

static void seeds(void) {
        seed(&(Life){ "3-0123456789abcdef", 12 });
        seed(&(Life){ "18446744073709551615-0123456789abcdef", UINT64_MAX });
        fuzz_seed_text("sealwatch-life 1  0\n");
        fuzz_seed_text("sealwatch-life 2 3-0123456789abcdef 1\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
