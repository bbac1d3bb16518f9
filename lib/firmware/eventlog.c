/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading and replaying the firmware's log. */

#include "lib/firmware/eventlog.h"

#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/firmware/eventtype.h"

typedef struct Algorithm {
        uint16_t id, size;
        HashAlg alg; /* _HASH_INVALID when this project does not know it */
} Algorithm;

struct FirmwareLog {
        Reader reader;
        uint64_t base; /* where in the log the reader's bytes start */
        uint64_t offset, events;

        Algorithm algorithms[FIRMWARE_ALGORITHMS_MAX];
        unsigned n_algorithms;
        BankSet banks, wanted;

        PcrValues values;
        PcrSet extended;
        uint64_t gaps[_HASH_MAX];
        int locality;

        LogResult last;
        const char *why;
};

static const char spec_id[16] = "Spec ID Event03", locality_id[16] = "StartupLocality";

int firmware_log_new(BankSet banks, FirmwareLog **ret) {
        FirmwareLog *l = new0(FirmwareLog, 1);

        if (!l)
                return -ENOMEM;
        l->wanted = banks;
        l->locality = -1;
        l->why = "";
        *ret = l;
        return 0;
}

FirmwareLog *firmware_log_free(FirmwareLog *l) {
        free(l);
        return NULL;
}

void firmware_log_more(FirmwareLog *l, const void *data, size_t n) {
        l->reader = reader_new(data, n);
        l->base = l->offset;
        l->last = LOG_ENTRY;
        l->why = "";
}

static LogResult stop(FirmwareLog *l, LogResult result, const char *why) {
        l->last = result;
        l->why = why;
        return result;
}

static LogResult bad(FirmwareLog *l, const char *why) {
        return stop(l, LOG_BAD, why);
}

static const Algorithm *find_algorithm(const FirmwareLog *l, uint16_t id) {
        for (unsigned i = 0; i < l->n_algorithms; i++)
                if (l->algorithms[i].id == id)
                        return &l->algorithms[i];
        return NULL;
}

static LogResult add_algorithm(FirmwareLog *l, uint16_t id, uint16_t size) {
        Algorithm a = { id, size, hash_from_tpm_id(id) };

        if (find_algorithm(l, id))
                return bad(l, "the Spec ID event announces an algorithm twice");
        if (size == 0 || size > DIGEST_MAX || (a.alg != _HASH_INVALID && size != hash_size(a.alg)))
                return bad(l, "the Spec ID event announces a wrong digest size");
        l->algorithms[l->n_algorithms++] = a;
        if (a.alg != _HASH_INVALID)
                l->banks |= bank(a.alg);
        return LOG_ENTRY;
}

static LogResult parse_spec_id(FirmwareLog *l, Reader r) {
        const uint8_t *signature = reader_bytes(&r, sizeof(spec_id)), *version;
        uint32_t n;

        if (!signature || memcmp(signature, spec_id, sizeof(spec_id)) != 0)
                return bad(l, "this is no crypto-agile log: it does not start with \"Spec ID Event03\"");
        reader_u32le(&r); /* class */
        version = reader_bytes(&r, 4);
        n = reader_u32le(&r);
        if (!r.failed && (version[0] != 0 || version[1] != 2))
                return bad(l, "the Spec ID event does not say version 2.0");
        if (!r.failed && (n == 0 || n > FIRMWARE_ALGORITHMS_MAX))
                return bad(l, "the Spec ID event announces no algorithm or more than 16");
        for (uint32_t i = 0; i < n && !r.failed; i++) {
                uint16_t id = reader_u16le(&r), size = reader_u16le(&r);

                if (!r.failed && add_algorithm(l, id, size) != LOG_ENTRY)
                        return LOG_BAD;
        }
        reader_bytes(&r, reader_u8(&r)); /* vendor info */
        if (!reader_done(&r))
                return bad(l, "the Spec ID event does not have the size that it says");
        l->values.banks = l->banks & l->wanted;
        return LOG_ENTRY;
}

static LogResult parse_header(FirmwareLog *l, Reader *r) {
        static const uint8_t zeros[SHA1_SIZE];
        uint32_t pcr = reader_u32le(r), type = reader_u32le(r), size;
        const uint8_t *digest = reader_bytes(r, SHA1_SIZE), *data;

        size = reader_u32le(r);
        if (!r->failed && (pcr != 0 || type != EV_NO_ACTION || memcmp(digest, zeros, sizeof(zeros)) != 0))
                return bad(l, "this is no crypto-agile log: its first event is not the Spec ID event");
        if (!r->failed && size > FIRMWARE_DATA_MAX)
                return bad(l, "the Spec ID event does not have the size that it says");
        data = reader_bytes(r, size);
        if (r->failed)
                return stop(l, LOG_TRUNCATED, "the log ends inside the Spec ID event");
        return parse_spec_id(l, reader_new(data, size));
}

static bool is_zero(const uint8_t *data, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

static LogResult parse_digest(FirmwareLog *l, Reader *r, FirmwareEvent *e, uint16_t *seen) {
        uint16_t id = reader_u16le(r);
        const Algorithm *a = r->failed ? NULL : find_algorithm(l, id);
        const uint8_t *digest;
        uint16_t bit;

        if (r->failed)
                return LOG_ENTRY;
        if (!a)
                return bad(l, "the event has a digest of an algorithm that was not announced");
        bit = (uint16_t) (1U << (a - l->algorithms));
        if (*seen & bit)
                return bad(l, "the event has two digests of the same algorithm");
        *seen |= bit;
        digest = reader_bytes(r, a->size);
        if (!digest)
                return LOG_ENTRY;
        if (e->type == EV_NO_ACTION && !is_zero(digest, a->size))
                return bad(l, "the event extends nothing, yet it has a digest");
        if (a->alg != _HASH_INVALID) {
                memcpy(e->digests.values[a->alg], digest, a->size);
                e->digests.banks |= bank(a->alg);
        }
        return LOG_ENTRY;
}

static LogResult parse_event(FirmwareLog *l, Reader *r, FirmwareEvent *e) {
        uint32_t n, size;
        uint16_t seen = 0;

        e->pcr = reader_u32le(r);
        e->type = reader_u32le(r);
        n = reader_u32le(r);
        if (!r->failed && e->pcr >= PCR_COUNT && (e->type != EV_NO_ACTION || e->pcr != UINT32_MAX))
                return bad(l, "the event is of a PCR that does not exist");
        if (!r->failed && n == 0 && e->type != EV_NO_ACTION)
                return bad(l, "the event has no digest");
        if (!r->failed && n > l->n_algorithms)
                return bad(l, "the event has more digests than algorithms were announced");
        for (uint32_t i = 0; i < n && !r->failed; i++)
                if (parse_digest(l, r, e, &seen) != LOG_ENTRY)
                        return LOG_BAD;
        size = reader_u32le(r);
        if (!r->failed && size > FIRMWARE_DATA_MAX)
                return bad(l, "the event is larger than 4 MiB");
        e->data = reader_bytes(r, size);
        e->size = size;
        return r->failed ? stop(l, LOG_TRUNCATED, "the log ends inside the event") : LOG_ENTRY;
}

static LogResult take_no_action(FirmwareLog *l, const FirmwareEvent *e) {
        if (e->size >= sizeof(spec_id) && memcmp(e->data, spec_id, sizeof(spec_id)) == 0)
                return bad(l, "there is a second Spec ID event");
        if (e->size < sizeof(locality_id) || memcmp(e->data, locality_id, sizeof(locality_id)) != 0)
                return LOG_ENTRY;
        if (e->pcr != 0 || e->size != sizeof(locality_id) + 1)
                return bad(l, "the StartupLocality event is not of PCR 0 or has a wrong size");
        if (l->locality >= 0 || l->extended & 1)
                return bad(l, "the StartupLocality event comes twice or after PCR 0 was extended");
        l->locality = e->data[sizeof(locality_id)];
        if (l->locality != 0 && l->locality != 3 && l->locality != 4)
                return bad(l, "a TPM is not started from this locality (0, 3, or 4 for an H-CRTM)");
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                l->values.values[alg][0][hash_size(alg) - 1] = (uint8_t) l->locality;
        return LOG_ENTRY;
}

static LogResult extend(FirmwareLog *l, const FirmwareEvent *e) {
        l->extended |= 1U << e->pcr;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (l->banks & ~e->digests.banks & bank(alg) && l->gaps[alg] == 0)
                        l->gaps[alg] = l->events;
        if (pcr_values_extend(&l->values, e->pcr, &e->digests) < 0)
                return stop(l, LOG_FAILED, "no crypto");
        return LOG_ENTRY;
}

static void finish(FirmwareLog *l, const Reader *r) {
        l->reader = *r;
        l->offset = l->base + r->pos;
        l->events++;
}

static LogResult next_event(FirmwareLog *l, FirmwareEvent *e) {
        Reader r = l->reader;
        LogResult result;

        if (reader_left(&r) == 0)
                return stop(l, LOG_END, "");
        *e = (FirmwareEvent){ .number = l->events };
        result = parse_event(l, &r, e);
        if (result == LOG_ENTRY)
                result = e->type == EV_NO_ACTION ? take_no_action(l, e) : extend(l, e);
        if (result == LOG_ENTRY)
                finish(l, &r);
        return result;
}

LogResult firmware_log_next(FirmwareLog *l, FirmwareEvent *ret) {
        if (l->last != LOG_ENTRY)
                return l->last;
        if (l->events == 0) {
                Reader r = l->reader;
                LogResult result = parse_header(l, &r);

                if (result != LOG_ENTRY)
                        return result;
                finish(l, &r);
        }
        return next_event(l, ret);
}

const char *firmware_log_why(const FirmwareLog *l) {
        return l->why;
}

uint64_t firmware_log_offset(const FirmwareLog *l) {
        return l->offset;
}

uint64_t firmware_log_events(const FirmwareLog *l) {
        return l->events;
}

BankSet firmware_log_banks(const FirmwareLog *l) {
        return l->banks;
}

unsigned firmware_log_unknown_algorithms(const FirmwareLog *l) {
        unsigned n = 0;

        for (unsigned i = 0; i < l->n_algorithms; i++)
                n += l->algorithms[i].alg == _HASH_INVALID;
        return n;
}

const PcrValues *firmware_log_values(const FirmwareLog *l) {
        return &l->values;
}

PcrSet firmware_log_extended(const FirmwareLog *l) {
        return l->extended;
}

uint64_t firmware_log_gap(const FirmwareLog *l, HashAlg alg) {
        return l->gaps[alg];
}

int firmware_log_locality(const FirmwareLog *l) {
        return l->locality;
}
