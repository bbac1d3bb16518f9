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

char *death_note_format(const DeathNote *n) {
        char hex[2 * DIGEST_MAX + 1], *text;
        json_t *object = json_pack("{s:s, s:i, s:O, s:i, s:s, s:s}", "bank", hash_name(n->bank), "cap",
                                   (int) n->cap_pcr, "lock", n->lock, "measurement", (int) n->measurement_pcr, "tpm",
                                   n->tpm, "uncapped", hex_encode(n->uncapped, hash_size(n->bank), hex));

        text = object ? json_canonical(object) : NULL;
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

static bool take_registers(const json_t *object, DeathNote *n) {
        const json_t *uncapped = json_object_get(object, "uncapped");

        n->bank = hash_from_name(strempty(json_string_value(json_object_get(object, "bank"))));
        return n->bank != _HASH_INVALID && json_string_length(uncapped) == 2 * hash_size(n->bank) &&
               hex_decode(json_string_value(uncapped), hash_size(n->bank), n->uncapped) >= 0 &&
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
        if (json_object_size(object) != 6 || !take_registers(object, &note) || !take_rest(object, &note))
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
