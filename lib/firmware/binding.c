/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an event's digests are of.
 *
 * A digest that fits in one bank and not in another comes from no firmware: such an event was made to be read in two ways,
 * and counts as broken whatever its type. */

#include "lib/firmware/binding.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/macro.h"
#include "lib/firmware/eventtype.h"
#include "lib/firmware/variable.h"

static const uint8_t separator_error[4] = { 1, 0, 0, 0 };

/* A part of the data that the digest may be of. False when there is none. */
typedef bool (*Candidate)(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size);

static bool whole(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size) {
        *ret = e->data;
        *ret_size = e->size;
        return true;
}

static bool without_nul(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size) {
        *ret = e->data;
        *ret_size = e->size - 1;
        return e->size > 0 && e->data[e->size - 1] == 0;
}

static bool without_last(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size) {
        *ret = e->data;
        *ret_size = e->size - 1;
        return e->size > 0;
}

static bool contents(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size) {
        UefiVariable v;

        if (!uefi_variable_parse(e->data, e->size, &v) || v.trailing > 0)
                return false;
        *ret = v.data;
        *ret_size = v.size;
        return true;
}

static bool error_value(const FirmwareEvent *e _unused_, const uint8_t **ret, size_t *ret_size) {
        *ret = separator_error;
        *ret_size = sizeof(separator_error);
        return true;
}

static bool behind_label(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size) {
        static const char *const labels[] = { "grub_cmd: ", "kernel_cmdline: ", "module_cmdline: " };

        for (size_t i = 0; i < ELEMENTSOF(labels); i++) {
                size_t n = strlen(labels[i]);

                if (e->size > n && memcmp(e->data, labels[i], n) == 0) {
                        *ret = e->data + n;
                        *ret_size = e->size - n - (e->data[e->size - 1] == 0);
                        return true;
                }
        }
        return false;
}

static bool inside_tag(const FirmwareEvent *e, const uint8_t **ret, size_t *ret_size) {
        Reader r = reader_new(e->data, e->size);

        reader_u32le(&r);
        *ret_size = reader_u32le(&r);
        *ret = reader_bytes(&r, *ret_size);
        return reader_done(&r);
}

/* What to try, the likelier first. */
static const Candidate candidates[_FORM_MAX][2] = {
        [FORM_WHOLE] = { whole, NULL },
        [FORM_TEXT] = { whole, without_nul },
        [FORM_VARIABLE] = { contents, whole },
        [FORM_AUTHORITY] = { whole, without_last },
        [FORM_SEPARATOR] = { whole, error_value },
        [FORM_LABELLED] = { behind_label, whole },
        [FORM_TAGGED] = { inside_tag, whole },
};

typedef enum Match { MATCH_NONE, MATCH_SOME, MATCH_ALL } Match;

static int match(const FirmwareEvent *e, const void *data, size_t n, Match *ret) {
        bool some = false, all = true;

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                Digest d;
                int r;

                if (!(e->digests.banks & bank(alg)))
                        continue;
                r = digest_data(alg, data, n, &d);
                if (r < 0)
                        return r;
                if (memcmp(d.bytes, e->digests.values[alg], hash_size(alg)) == 0)
                        some = true;
                else
                        all = false;
        }
        *ret = !some ? MATCH_NONE : all ? MATCH_ALL : MATCH_SOME;
        return 0;
}

int event_digests_are(const FirmwareEvent *e, const void *data, size_t n) {
        Match m;
        int r = match(e, data, n, &m);

        return r < 0 ? r : m == MATCH_ALL;
}

/* Tries one part of the data. Positive when that settles it. */
static int try(const FirmwareEvent *e, Candidate candidate, EventBinding *ret) {
        const uint8_t *data;
        size_t size;
        Match m;
        int r;

        if (!candidate || !candidate(e, &data, &size))
                return 0;
        r = match(e, data, size, &m);
        if (r < 0 || m == MATCH_NONE)
                return r;
        *ret = (EventBinding){ .binding = m == MATCH_ALL ? BINDING_BOUND : BINDING_BROKEN };
        if (data == separator_error)
                ret->error = m == MATCH_ALL;
        else {
                ret->data = data;
                ret->size = size;
        }
        return 1;
}

int event_bind(const FirmwareEvent *e, EventBinding *ret) {
        const EventType *type = event_type(e->type);
        int r = 0;

        *ret = (EventBinding){};
        for (size_t i = 0; i < 2 && r == 0; i++)
                r = try(e, candidates[type->form][i], ret);
        if (r == 0 && type->bound)
                ret->binding = BINDING_BROKEN;
        return r < 0 ? r : 0;
}
