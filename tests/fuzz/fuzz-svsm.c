/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests of an SVSM: what is found lies within the bytes, and of a table it is never the whole. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/svsm/manifest.h"

enum { TABLE_MIN = 2 * 24 }; /* with one service */

static void run(const uint8_t *data, size_t size) {
        const char *why = NULL;
        Bytes vtpm;
        int r = svsm_manifest_vtpm(data, size, &vtpm, &why);

        REQUIRE(r == 0 ? !why : r == -EINVAL && why);
        if (r < 0)
                return;
        REQUIRE(vtpm.size > 0 && vtpm.data >= data && vtpm.data + vtpm.size <= data + size);
        REQUIRE(vtpm.data == data ? vtpm.size == size : vtpm.data >= data + TABLE_MIN);
}

/* The size in front follows the bytes that are there. */
static void repair(uint8_t *data, size_t size) {
        for (unsigned i = 0; size >= 24 && i < 4; i++)
                data[16 + i] = (uint8_t) (size >> 8 * i);
}

static void seeds(void) {
        static const char table[] = "\xbb\x9e\x84\x63\x92\x3d\x70\x46\xa1\xff\x58\xf9\xc9\x4b\x87\xbb"
                                    "\x4d\x00\x00\x00\x02\x00\x00\x00"
                                    "an empty service\x48\x00\x00\x00\x00\x00\x00\x00"
                                    "\xeb\xf1\x76\xc4\x23\x01\xa5\x45\x96\x41\xb4\xe7\xdd\xe5\xbf\xe3"
                                    "\x48\x00\x00\x00\x05\x00\x00\x00"
                                    "a key";

        fuzz_seed(table, sizeof(table) - 1);
        fuzz_seed_text("a key alone");
}

const FuzzTarget fuzz_target = { run, seeds, repair };
