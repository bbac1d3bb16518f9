/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The note of a daemon that may die. */

#include "lib/deathnote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/event.h"
#include "lib/json.h"
#include "lib/record.h"

void death_note_done(DeathNote *n) {
        json_decref(n->lock);
        *n = (DeathNote){};
}

static int put_before(json_t *map, const DeathNote *n) {
        char number[4], hex[2 * DIGEST_MAX + 1];

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                if (!(n->noted & 1U << pcr))
                        continue;
                snprintf(number, sizeof(number), "%u", pcr);
                if (json_object_set_new(map, number,
                                        json_string(hex_encode(n->before[pcr], hash_size(n->bank), hex))) < 0)
                        return -ENOMEM;
        }
        return 0;
}

char *death_note_format(const DeathNote *n) {
        char hex[2 * DIGEST_MAX + 1], *text;
        json_t *object = json_pack("{s:s, s:{}, s:i, s:O, s:i, s:s, s:s}", "bank", hash_name(n->bank), "before", "cap",
                                   (int) n->cap_pcr, "lock", n->lock, "measurement", (int) n->measurement_pcr, "tpm",
                                   n->tpm, "uncapped", hex_encode(n->uncapped, hash_size(n->bank), hex));

        text = object && put_before(json_object_get(object, "before"), n) >= 0 ? json_canonical(object) : NULL;
        json_decref(object);
        return text;
}

static bool take_pcr(const json_t *number, uint32_t *ret) {
        json_int_t value = json_integer_value(number);

        if (!json_is_integer(number) || value < 0 || value >= PCR_COUNT)
                return false;
        *ret = (uint32_t) value;
        return true;
}

static bool take_value(const json_t *hex, HashAlg alg, uint8_t *ret) {
        return json_string_length(hex) == 2 * hash_size(alg) &&
               hex_decode(json_string_value(hex), hash_size(alg), ret) >= 0;
}

/* Numbers in another form than ours are found out with the form of the whole. */
static bool take_before(json_t *map, DeathNote *n) {
        const char *number;
        json_t *hex;

        if (!json_is_object(map))
                return false;
        json_object_foreach(map, number, hex) {
                unsigned pcr = 0;

                for (const char *p = number; *p; p++) {
                        if (*p < '0' || *p > '9' || pcr >= PCR_COUNT)
                                return false;
                        pcr = 10 * pcr + (unsigned) (*p - '0');
                }
                if (pcr >= PCR_COUNT || !take_value(hex, n->bank, n->before[pcr]))
                        return false;
                n->noted |= 1U << pcr;
        }
        return true;
}

static bool take_registers(const json_t *object, DeathNote *n) {
        n->bank = hash_from_name(strempty(json_string_value(json_object_get(object, "bank"))));
        return n->bank != _HASH_INVALID && take_value(json_object_get(object, "uncapped"), n->bank, n->uncapped) &&
               take_before(json_object_get(object, "before"), n) &&
               take_pcr(json_object_get(object, "cap"), &n->cap_pcr) &&
               take_pcr(json_object_get(object, "measurement"), &n->measurement_pcr);
}

static bool take_rest(const json_t *object, DeathNote *n) {
        const char *tpm = json_string_value(json_object_get(object, "tpm")), *key, *why;
        json_t *lock = json_object_get(object, "lock");
        const json_t *pcr;
        uint32_t number;
        size_t i;

        if (!tpm || strlen(tpm) >= sizeof(n->tpm) || !lock || !kind_check(KIND_LOCK, lock, &key, &why))
                return false;
        if (json_array_size(json_object_get(lock, "poison")) == 0) /* a lock that locks nothing */
                return false;
        json_array_foreach(json_object_get(lock, "poison"), i, pcr)
                if (!take_pcr(pcr, &number))
                        return false;
        snprintf(n->tpm, sizeof(n->tpm), "%s", tpm);
        n->lock = json_incref(lock);
        return true;
}

/* One form only. */
static int check_form(const DeathNote *note, const char *text, size_t n) {
        _cleanup_free_ char *again = death_note_format(note);

        if (!again)
                return -ENOMEM;
        return strlen(again) == n && memcmp(again, text, n) == 0 ? 0 : -EBADMSG;
}

int death_note_parse(const char *text, size_t n, DeathNote *ret) {
        DeathNote note = {};
        const char *why;
        json_t *object;
        int r;

        if (n > DEATH_NOTE_MAX)
                return -EBADMSG;
        r = json_parse_canonical(text, n, &object, &why);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        if (json_object_size(object) != 7 || !take_registers(object, &note) || !take_rest(object, &note))
                r = -EBADMSG;
        json_decref(object);
        if (r >= 0)
                r = check_form(&note, text, n);
        if (r < 0) {
                death_note_done(&note);
                return r;
        }
        *ret = note;
        return 0;
}

int death_note_poison(const DeathNote *n, BankSet banks, PcrSet *ret_pcrs, BankDigests *ret) {
        EventBuilder event = { .kind = KIND_LOCK, .json = n->lock };
        _cleanup_(buffer_done) Buffer record = {};
        _cleanup_free_ char *text = NULL;
        const json_t *pcr;
        RecordView view;
        const char *why;
        Reader reader;
        size_t i;
        int r;

        r = event_finish(&event, n->measurement_pcr, &record, &text);
        if (r < 0)
                return r;
        reader = reader_new(record.data, record.size);
        if (record_parse(&reader, &view, &why) != RECORD_OK)
                return -EIO;
        *ret_pcrs = 0;
        json_array_foreach(json_object_get(n->lock, "poison"), i, pcr)
                *ret_pcrs |= 1U << json_integer_value(pcr);
        return record_extend_value(&view, banks, ret);
}

bool death_note_is_poisoned(const DeathNote *n, unsigned pcr, const BankDigests *digest, const PcrValues *now) {
        BankDigests value = bank_digests_zero(bank(n->bank));

        if (!(n->noted & 1U << pcr) || !(now->banks & bank(n->bank)))
                return false;
        memcpy(value.values[n->bank], n->before[pcr], DIGEST_MAX);
        return bank_digests_extend(&value, digest) >= 0 &&
               memcmp(value.values[n->bank], now->values[n->bank][pcr], hash_size(n->bank)) == 0;
}

bool death_note_before(DeathNote *n, unsigned pcr, const PcrValues *now) {
        if (!(now->banks & bank(n->bank)))
                return false;
        memcpy(n->before[pcr], now->values[n->bank][pcr], DIGEST_MAX);
        n->noted |= 1U << pcr;
        return true;
}
