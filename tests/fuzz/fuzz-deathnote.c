/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The note for OnDeath=lock: what is taken is what would be written, and says what is to be extended. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/deathnote.h"

static void run(const uint8_t *data, size_t size) {
        _cleanup_(death_note_done) DeathNote n = {};
        _cleanup_free_ char *text = NULL;
        BankDigests poison;
        PcrSet pcrs;

        if (death_note_parse((const char *) data, size, &n) < 0)
                return;
        REQUIRE(n.cap_pcr < PCR_COUNT && n.measurement_pcr < PCR_COUNT && strlen(n.tpm) < sizeof(n.tpm));
        text = death_note_format(&n);
        REQUIRE(text && strlen(text) == size && memcmp(text, data, size) == 0);
        if (death_note_poison(&n, bank(HASH_SHA256), &pcrs, &poison) == 0)
                REQUIRE(pcrs > 0 && pcrs < 1U << PCR_COUNT && n.noted < 1U << PCR_COUNT &&
                        poison.banks == bank(HASH_SHA256));
}

/* One that is taken. */
static void seed(const char *text) {
        DeathNote n;

        REQUIRE(death_note_parse(text, strlen(text), &n) == 0);
        death_note_done(&n);
        fuzz_seed_text(text);
}

static void seeds(void) {
        static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
        static const char form[] =
                "{\"bank\":\"%s\",\"before\":{%s},\"cap\":12,\"lock\":{\"boottime\":4,\"poison\":[7,11],\"reason\":"
                "\"death\",\"time\":5,"
                "\"trigger\":%s},\"measurement\":13,\"tpm\":\"%s\",\"uncapped\":\"%s\"}";
        char text[1024], before[128];

        snprintf(text, sizeof(text), form, "sha256", "", "1", "auto", zero);
        seed(text);
        snprintf(text, sizeof(text), form, "sha1", "", "0", "swtpm:/run/x",
                 "0000000000000000000000000000000000000000");
        seed(text);
        snprintf(before, sizeof(before), "\"11\":\"%s\"", zero);
        snprintf(text, sizeof(text), form, "sha256", before, "1,\"uid\":0", "device:/dev/tpmrm0", zero);
        seed(text);
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
