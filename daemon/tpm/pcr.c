/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* TPM2_GetCapability, TPM2_PCR_Read and TPM2_PCR_Extend. */

#include "daemon/tpm/pcr.h"

#include <string.h>

#include "daemon/tpm/connection-internal.h"
#include "lib/base/macro.h"

enum {
        PCR_SELECT_SIZE = PCR_COUNT / 8,
        /* A reader that is disturbed so often lets only the lock plan in, and gives up after as often again. */
        POLITE_TRIES = 4,
        READ_TRIES = 12,
};

static const PcrSet all_pcrs = (1U << PCR_COUNT) - 1;

static PcrSet selection_get(const TPMS_PCR_SELECTION *s) {
        PcrSet set = 0;

        for (unsigned i = 0; i < s->sizeofSelect && i < PCR_SELECT_SIZE; i++)
                set |= (PcrSet) s->pcrSelect[i] << (8 * i);
        return set;
}

TPML_PCR_SELECTION pcr_selection(HashAlg alg, PcrSet pcrs) {
        return (TPML_PCR_SELECTION){
                .count = 1,
                .pcrSelections = { { .hash = hash_tpm_id(alg),
                                     .sizeofSelect = PCR_SELECT_SIZE,
                                     .pcrSelect = { (uint8_t) pcrs, (uint8_t) (pcrs >> 8),
                                                    (uint8_t) (pcrs >> 16) } } },
        };
}

/* moreData, TPM_CAP and TPML_PCR_SELECTION, marshalled. */
static size_t capability_size(const TPML_PCR_SELECTION *list) {
        size_t size = 1 + 4 + 4;

        for (uint32_t i = 0; i < list->count; i++)
                size += 2 + 1 + (size_t) list->pcrSelections[i].sizeofSelect;
        return size;
}

TpmError pcr_read_banks(Connection *c, BankSet *ret) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        const TPML_PCR_SELECTION *list;
        TPMI_YES_NO more;
        TpmError e = COMMAND(c, Esys_GetCapability(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_PCRS, 0,
                                                   1, &more, &data));

        if (failed(e))
                return e;
        list = &data->data.assignedPCR;
        if (data->capability != TPM2_CAP_PCRS || wire_parameter_size(c->wire) != capability_size(list))
                return tpm_error_why(TPM_GARBAGE, "no list of PCR banks");
        *ret = 0;
        for (uint32_t i = 0; i < list->count; i++) {
                HashAlg alg = hash_from_tpm_id(list->pcrSelections[i].hash);

                if (alg != _HASH_INVALID && (selection_get(&list->pcrSelections[i]) & all_pcrs) == all_pcrs)
                        *ret |= bank(alg);
        }
        return (TpmError){};
}

/* Puts the digests of a response where they belong, if they are what was asked for. Returns the registers it had; 0
 * when it makes no sense. */
static PcrSet take_digests(HashAlg alg, PcrSet wanted, const TPML_PCR_SELECTION *selection, const TPML_DIGEST *digests,
                           uint8_t values[PCR_COUNT][DIGEST_MAX]) {
        PcrSet got;
        uint32_t n = 0;

        if (selection->count != 1 || selection->pcrSelections[0].hash != hash_tpm_id(alg))
                return 0;
        got = selection_get(&selection->pcrSelections[0]);
        if (got & ~wanted || (uint32_t) __builtin_popcount(got) != digests->count)
                return 0;
        for (unsigned i = 0; i < PCR_COUNT; i++) {
                if (!(got & (1U << i)))
                        continue;
                if (digests->digests[n].size != hash_size(alg))
                        return 0;
                memcpy(values[i], digests->digests[n++].buffer, hash_size(alg));
        }
        return got;
}

/* pcrUpdateCounter, TPML_PCR_SELECTION of one bank and TPML_DIGEST, marshalled. */
static size_t read_size(HashAlg alg, const TPML_PCR_SELECTION *selection, const TPML_DIGEST *digests) {
        return 4 + (4 + 2 + 1 + (size_t) selection->pcrSelections[0].sizeofSelect) +
               (4 + digests->count * (2 + hash_size(alg)));
}

/* pcrUpdateCounter as it was in the first of several reads, and whether it moved since. */
typedef struct Moment {
        bool is_set, has_moved;
        uint32_t counter;
} Moment;

static void moment_note(Moment *m, uint32_t counter) {
        m->has_moved |= m->is_set && m->counter != counter;
        m->is_set = true;
        m->counter = counter;
}

/* Reads registers of one bank; a TPM gives some eight at a time. */
static TpmError read_bank(Connection *c, HashAlg alg, PcrSet pcrs, uint8_t values[PCR_COUNT][DIGEST_MAX], Moment *m) {
        while (pcrs) {
                _cleanup_esys_ TPML_PCR_SELECTION *selection = NULL;
                _cleanup_esys_ TPML_DIGEST *digests = NULL;
                TPML_PCR_SELECTION wanted = pcr_selection(alg, pcrs);
                uint32_t counter;
                PcrSet got;
                TpmError e = COMMAND(c, Esys_PCR_Read(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted,
                                                      &counter, &selection, &digests));

                if (failed(e))
                        return e;
                got = take_digests(alg, pcrs, selection, digests, values);
                if (got == 0 || wire_parameter_size(c->wire) != read_size(alg, selection, digests))
                        return tpm_error_why(TPM_GARBAGE, "PCR values that were not asked for, or none");
                moment_note(m, counter);
                pcrs &= ~got;
        }
        return (TpmError){};
}

static TpmError read_all_once(Connection *c, PcrValues *ret, bool *ret_moved) {
        Moment m = {};

        *ret = (PcrValues){ .banks = c->banks };
        for (HashAlg alg = 0; alg < _HASH_MAX && !m.has_moved; alg++) {
                TpmError e;

                if (!(ret->banks & bank(alg)))
                        continue;
                e = read_bank(c, alg, all_pcrs, ret->values[alg], &m);
                if (failed(e))
                        return e;
        }
        *ret_moved = m.has_moved;
        return (TpmError){};
}

/* Twelve commands for four banks. That no register moved in between is told by pcrUpdateCounter, which counts every
 * change but those of the registers in TPM_PT_PCR_NO_INCREMENT (16 and 21 to 23 of a PC client). */
TpmError pcr_read_all(Connection *c, PcrValues *ret) {
        const TpmClass urgency = c->urgency;
        TpmError e = {};
        bool moved = true;

        for (unsigned n = 0; n < READ_TRIES && moved && !failed(e); n++) {
                if (n >= POLITE_TRIES)
                        c->urgency = MIN(urgency, TPM_CLASS_EXTEND); /* whoever extends now waits for some commands */
                e = read_all_once(c, ret, &moved);
        }
        c->urgency = urgency;
        if (!failed(e) && moved)
                return tpm_error_why(TPM_BUSY, "registers move all the time");
        return e;
}

TpmError pcr_read_some(Connection *c, HashAlg alg, PcrSet pcrs, uint8_t values[PCR_COUNT][DIGEST_MAX]) {
        Moment m = {};

        return read_bank(c, alg, pcrs, values, &m);
}

TpmError pcr_read_one(Connection *c, uint32_t pcr, BankSet banks, BankDigests *ret) {
        BankDigests value = { .banks = banks };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                uint8_t values[PCR_COUNT][DIGEST_MAX];
                Moment m = {};
                TpmError e;

                if (!(banks & bank(alg)))
                        continue;
                e = read_bank(c, alg, 1U << pcr, values, &m);
                if (failed(e))
                        return e;
                memcpy(value.values[alg], values[pcr], hash_size(alg));
        }
        *ret = value;
        return (TpmError){};
}

TpmError pcr_extend(Connection *c, uint32_t pcr, const BankDigests *digest) {
        TPML_DIGEST_VALUES values = {};

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                TPMT_HA *value = &values.digests[values.count];

                if (!(digest->banks & bank(alg)))
                        continue;
                value->hashAlg = hash_tpm_id(alg);
                memcpy(&value->digest, digest->values[alg], hash_size(alg));
                values.count++;
        }
        return COMMAND(c, Esys_PCR_Extend(c->esys, (ESYS_TR) (ESYS_TR_PCR0 + pcr), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                          ESYS_TR_NONE, &values));
}
