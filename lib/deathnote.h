/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a daemon leaves in the runtime directory while its death must lock the machine (OnDeath=lock): all that the lock needs
 * where there is no daemon and no log any more, one line of canonical JSON:
 *
 *   {"bank":"sha256","before":{"7":"…"},"cap":12,"lock":{…},"measurement":13,"tpm":"auto","uncapped":"…"}
 *
 * `lock` is the event of a lock record (sealwatch.eventlog(5)): that of a lock which was begun, or else one that is in no log
 * yet. Its digest is what the registers get, and the next daemon makes it the lock record of a log that has none: so a verifier
 * finds there what the registers hold. `before` is what they held, noted before they are extended: whoever goes on with a lock that
 * was cut off sees by it which have the digest already. */

#include <jansson.h>
#include <stddef.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/pcr.h"

enum { DEATH_NOTE_MAX = 8192, DEATH_TPM_MAX = 256 };

typedef struct DeathNote {
        char tpm[DEATH_TPM_MAX]; /* as Tpm= */
        uint32_t measurement_pcr, cap_pcr;
        HashAlg bank;
        uint8_t uncapped[DIGEST_MAX]; /* what the cap register held at boot, in that bank */
        PcrSet noted;                 /* of the registers to be extended, those of which it is known what they held: */
        uint8_t before[PCR_COUNT][DIGEST_MAX];
        json_t *lock; /* owned */
} DeathNote;

void death_note_done(DeathNote *n);

/* The caller frees the text; NULL when out of memory. */
char *death_note_format(const DeathNote *n);

/* 0, -EBADMSG for what no daemon writes, -ENOMEM. */
int death_note_parse(const char *text, size_t n, DeathNote *ret);

/* The registers that the lock record names, and what they get, in these banks. 0 or a negative errno. */
int death_note_poison(const DeathNote *n, BankSet banks, PcrSet *ret_pcrs, BankDigests *ret);

/* True when a register of `now` has that digest since it was noted, and nothing else. */
bool death_note_is_poisoned(const DeathNote *n, unsigned pcr, const BankDigests *digest, const PcrValues *now);

/* Notes what a register holds now. False: `now` does not say. */
bool death_note_before(DeathNote *n, unsigned pcr, const PcrValues *now);
