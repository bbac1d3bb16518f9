/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificate tables of hosts: what is found lies within the bytes and behind the entries. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/snp/table.h"

enum { ENTRY_SIZE = 24 };

static void require_part(const DerObject *part, const uint8_t *data, const SnpTable *t) {
        REQUIRE(!part->data || (part->data >= data + 2 * ENTRY_SIZE && part->data + part->size <= data + t->size));
}

static void run(const uint8_t *data, size_t size) {
        const char *why = NULL;
        size_t offset = 0;
        SnpTable t;
        int r = snp_table_parse(data, size, &t, &offset, &why);

        REQUIRE(r == 0 ? !why : r == -EINVAL && why && offset <= size);
        if (r < 0)
                return;
        REQUIRE(t.size <= size);
        require_part(&t.vcek, data, &t);
        require_part(&t.vlek, data, &t);
        require_part(&t.ask, data, &t);
        require_part(&t.ark, data, &t);
        require_part(&t.crl, data, &t);
}

static void seeds(void) {
        static const char table[] =
                "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd\x60\0\0\0\x04\0\0\0"
                "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82\x64\0\0\0\x03\0\0\0"
                "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae\x67\0\0\0\x03\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0vcekaskark";

        fuzz_seed(table, sizeof(table) - 1);
        fuzz_seed("", 0);
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
