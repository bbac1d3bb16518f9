/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A TPM that fails on demand. */

#include "fake-tpm.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <tss2/tss2_common.h>
#include <tss2/tss2_mu.h>

#include "daemon/tpm/lock.h"
#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"

enum { FAULTS_MAX = 32, OBJECTS_MAX = 8, LOG_SIZE = 65536, READ_MAX = 8 };

typedef struct Injection {
        uint32_t code;
        unsigned skip, times;
        FakeFault fault;
        uint32_t argument;
} Injection;

struct FakeTpm {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        TpmTransport transport;

        PcrValues pcrs;
        uint32_t updates, resets;
        TPM2_HANDLE objects[OBJECTS_MAX];
        unsigned n_objects;

        Injection injections[FAULTS_MAX];
        unsigned n_injections;
        uint32_t hold; /* code */
        bool is_held, is_released;
        uint32_t disturbed_pcr;
        unsigned disturbances;

        bool is_absent;
        unsigned taken;
        unsigned epoch, opened, links;
        char log[LOG_SIZE], shown[LOG_SIZE];
        size_t n_log;
};

struct TpmLink {
        FakeTpm *fake;
        unsigned epoch;
        uint8_t response[TPM_MESSAGE_MAX];
        size_t size;
        unsigned late;
        bool is_dead;
};

static void put_u16(Buffer *b, uint16_t v) {
        buffer_u16be(b, v);
}

/* What the TPM does. Each of these answers with the response's parameters. */

static uint32_t do_get_capability(FakeTpm *f, Reader *r, Buffer *out) {
        uint32_t capability = reader_u32be(r), first = reader_u32be(r);

        buffer_u8(out, 0);
        buffer_u32be(out, capability);
        if (capability == TPM2_CAP_HANDLES) {
                unsigned n = first == TPM2_TRANSIENT_FIRST ? f->n_objects : 0;

                buffer_u32be(out, n);
                for (unsigned i = 0; i < n; i++)
                        buffer_u32be(out, f->objects[i]);
                return 0;
        }
        buffer_u32be(out, _HASH_MAX);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                uint8_t all = f->pcrs.banks & bank(alg) ? 0xff : 0; /* as the TPM lists a bank that is not allocated */

                put_u16(out, hash_tpm_id(alg));
                buffer_u8(out, 3);
                buffer_bytes(out, (uint8_t[]){ all, all, all }, 3);
        }
        return 0;
}

static uint32_t do_read_clock(FakeTpm *f, Reader *r _unused_, Buffer *out) {
        const uint8_t time[] = { 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 2 };

        buffer_bytes(out, time, sizeof(time));
        buffer_u32be(out, f->resets);
        buffer_u32be(out, 0);
        buffer_u8(out, 1);
        return 0;
}

static void extend(FakeTpm *f, uint32_t pcr, const BankDigests *digest) {
        BankDigests value = pcr_values_get(&f->pcrs, pcr), there = *digest;

        value.banks &= digest->banks; /* a bank that is not allocated is ignored, silently */
        (void) bank_digests_extend(&value, &there);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (value.banks & bank(alg))
                        memcpy(f->pcrs.values[alg][pcr], value.values[alg], DIGEST_MAX);
        f->updates++;
}

static uint32_t do_extend(FakeTpm *f, Reader *r, Buffer *out _unused_) {
        uint32_t pcr = reader_u32be(r), auth_size = reader_u32be(r), n;
        BankDigests digest = {};

        (void) reader_bytes(r, auth_size);
        n = reader_u32be(r);
        for (uint32_t i = 0; i < n && !r->failed; i++) {
                HashAlg alg = hash_from_tpm_id(reader_u16be(r));
                const uint8_t *bytes = alg == _HASH_INVALID ? NULL : reader_bytes(r, hash_size(alg));

                if (!bytes)
                        return TPM2_RC_HASH;
                memcpy(digest.values[alg], bytes, hash_size(alg));
                digest.banks |= bank(alg);
        }
        if (!reader_done(r) || pcr >= PCR_COUNT)
                return TPM2_RC_SIZE;
        extend(f, pcr, &digest);
        return 0;
}

static uint32_t do_read(FakeTpm *f, Reader *r, Buffer *out) {
        _cleanup_(buffer_done) Buffer digests = {};
        PcrSet wanted, got = 0;
        uint32_t n = 0;
        HashAlg alg;

        (void) reader_u32be(r); /* one selection */
        alg = hash_from_tpm_id(reader_u16be(r));
        (void) reader_u8(r);
        wanted = reader_u8(r);
        wanted |= (PcrSet) reader_u8(r) << 8;
        wanted |= (PcrSet) reader_u8(r) << 16;
        if (!reader_done(r) || alg == _HASH_INVALID)
                return TPM2_RC_SIZE;
        if (f->disturbances > 0) {
                f->disturbances--;
                extend(f, f->disturbed_pcr, &(BankDigests){ .banks = f->pcrs.banks });
        }
        for (unsigned i = 0; i < PCR_COUNT && n < READ_MAX; i++) {
                if (!(wanted & (1U << i)) || !(f->pcrs.banks & bank(alg)))
                        continue;
                got |= 1U << i;
                n++;
                put_u16(&digests, (uint16_t) hash_size(alg));
                buffer_bytes(&digests, f->pcrs.values[alg][i], hash_size(alg));
        }
        buffer_u32be(out, f->updates);
        buffer_u32be(out, 1);
        put_u16(out, hash_tpm_id(alg));
        buffer_u8(out, 3);
        buffer_bytes(out, (uint8_t[]){ (uint8_t) got, (uint8_t) (got >> 8), (uint8_t) (got >> 16) }, 3);
        buffer_u32be(out, n);
        buffer_bytes(out, digests.data, digests.size);
        return 0;
}

/* The same public area for the storage root key and for whatever was left behind. */
static uint32_t do_read_public(FakeTpm *f _unused_, Reader *r _unused_, Buffer *out) {
        const TPM2B_PUBLIC public = {
                .publicArea = { .type = TPM2_ALG_ECC,
                                .nameAlg = TPM2_ALG_SHA256,
                                .objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
                                                    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                                    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH,
                                .parameters.eccDetail = { .symmetric = { .algorithm = TPM2_ALG_AES,
                                                                         .keyBits.aes = 128,
                                                                         .mode.aes = TPM2_ALG_CFB },
                                                          .scheme.scheme = TPM2_ALG_NULL,
                                                          .curveID = TPM2_ECC_NIST_P256,
                                                          .kdf.scheme = TPM2_ALG_NULL } },
        };
        uint8_t bytes[sizeof(public)], digest[SHA256_SIZE];
        size_t size = 0;

        if (Tss2_MU_TPM2B_PUBLIC_Marshal(&public, bytes, sizeof(bytes), &size) != TSS2_RC_SUCCESS ||
            sha256(bytes + 2, size - 2, digest) < 0)
                return TPM2_RC_FAILURE;
        buffer_bytes(out, bytes, size);
        for (int i = 0; i < 2; i++) { /* Name and qualified Name */
                put_u16(out, 2 + SHA256_SIZE);
                put_u16(out, TPM2_ALG_SHA256);
                buffer_bytes(out, digest, sizeof(digest));
        }
        return 0;
}

static uint32_t do_flush(FakeTpm *f, Reader *r, Buffer *out _unused_) {
        TPM2_HANDLE handle = reader_u32be(r);

        for (unsigned i = 0; i < f->n_objects; i++)
                if (f->objects[i] == handle) {
                        f->objects[i] = f->objects[--f->n_objects];
                        return 0;
                }
        return TPM2_RC_HANDLE | TPM2_RC_P | TPM2_RC_1;
}

static const struct {
        uint32_t code;
        char letter;
        uint32_t (*carry_out)(FakeTpm *f, Reader *r, Buffer *out);
} commands[] = {
        { TPM2_CC_GetCapability, 'C', do_get_capability },
        { TPM2_CC_ReadClock, 'T', do_read_clock },
        { TPM2_CC_PCR_Extend, 'a', do_extend },
        { TPM2_CC_PCR_Read, 'R', do_read },
        { TPM2_CC_ReadPublic, 'P', do_read_public },
        { TPM2_CC_FlushContext, 'F', do_flush },
};

static void log_command(FakeTpm *f, char letter, const uint8_t *command) {
        if (letter == 'a')
                letter = (char) ('a' + command[13]); /* the register's number, in the low byte of the handle */
        if (f->n_log < LOG_SIZE - 1)
                f->log[f->n_log++] = letter;
}

static void write_response(TpmLink *l, uint16_t tag, uint32_t rc, const Buffer *parameters) {
        _cleanup_(buffer_done) Buffer b = {};
        bool with_session = tag == TPM2_ST_SESSIONS && rc == 0;

        put_u16(&b, rc == 0 ? tag : TPM2_ST_NO_SESSIONS);
        buffer_u32be(&b, (uint32_t) (10 + (rc == 0 ? parameters->size : 0) + (with_session ? 4 + 5 : 0)));
        buffer_u32be(&b, rc);
        if (with_session)
                buffer_u32be(&b, (uint32_t) parameters->size);
        if (rc == 0)
                buffer_bytes(&b, parameters->data, parameters->size);
        if (with_session)
                buffer_bytes(&b, (uint8_t[]){ 0, 0, 1, 0, 0 }, 5);
        memcpy(l->response, b.data, b.size);
        l->size = b.size;
}

static void carry_out(FakeTpm *f, TpmLink *l, const uint8_t *command, size_t n) {
        _cleanup_(buffer_done) Buffer parameters = {};
        Reader r = reader_new(command, n);
        uint16_t tag = reader_u16be(&r);
        uint32_t size = reader_u32be(&r), code = reader_u32be(&r), rc = TPM2_RC_COMMAND_CODE;
        char letter = '?';

        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (commands[i].code == code) {
                        letter = commands[i].letter;
                        rc = size == n ? commands[i].carry_out(f, &r, &parameters) : TPM2_RC_COMMAND_SIZE;
                }
        log_command(f, letter, command);
        write_response(l, tag, rc, &parameters);
}

/* Faults. */

static const Injection *next_fault(FakeTpm *f, uint32_t code) {
        for (unsigned i = 0; i < f->n_injections; i++) {
                Injection *one = &f->injections[i];

                if (one->times == 0 || (one->code != 0 && one->code != code))
                        continue;
                if (one->skip > 0) {
                        one->skip--;
                        return NULL;
                }
                one->times--;
                return one;
        }
        return NULL;
}

static void reset(FakeTpm *f) {
        f->pcrs = (PcrValues){ .banks = f->pcrs.banks };
        f->resets++;
        f->epoch++;
        f->n_objects = 0;
}

static void put_u32_at(uint8_t *at, uint32_t v) {
        for (int i = 0; i < 4; i++)
                at[i] = (uint8_t) (v >> (24 - 8 * i));
}

/* Spoils the answer that the command got. */
static void spoil(TpmLink *l, const Injection *fault) {
        uint32_t x = fault->argument;

        switch (fault->fault) {
        case FAKE_CUT:
                put_u32_at(l->response + 2, x);
                l->size = x;
                break;
        case FAKE_SHORT:
                l->size = MIN(l->size, (size_t) x);
                break;
        case FAKE_TAG:
                l->response[0] = (uint8_t) (x >> 8);
                l->response[1] = (uint8_t) x;
                break;
        case FAKE_SIZE:
                put_u32_at(l->response + 2, x);
                break;
        case FAKE_CODE:
                put_u32_at(l->response + 6, x);
                break;
        case FAKE_RANDOM:
                x = x * 2654435761u + 1;
                l->size = 1 + x % 200;
                for (size_t i = 0; i < l->size; i++) {
                        x = x * 1664525 + 1013904223;
                        l->response[i] = (uint8_t) (x >> 24);
                }
                break;
        default:
                break;
        }
}

static int apply(FakeTpm *f, TpmLink *l, const Injection *fault, const uint8_t *command, size_t n) {
        switch (fault->fault) {
        case FAKE_SEND_FAILS:
                l->is_dead = true;
                return -EPIPE;
        case FAKE_RC:
                write_response(l, TPM2_ST_NO_SESSIONS, fault->argument, &(Buffer){});
                return 0;
        case FAKE_RESET_BEFORE:
                reset(f);
                break;
        case FAKE_LOST_BEFORE:
                break;
        default:
                carry_out(f, l, command, n);
                l->late = fault->fault == FAKE_LATE ? fault->argument : 0;
                spoil(l, fault);
        }
        l->is_dead = fault->fault == FAKE_LOST_AFTER || fault->fault == FAKE_LOST_BEFORE ||
                     fault->fault == FAKE_RESET_BEFORE;
        return 0;
}

static void hold(FakeTpm *f, uint32_t code) {
        if (f->hold != code)
                return;
        f->hold = 0;
        f->is_held = true;
        pthread_cond_broadcast(&f->changed);
        while (!f->is_released)
                pthread_cond_wait(&f->changed, &f->lock);
        f->is_held = f->is_released = false;
}

/* The transport. */

static int fake_open(void *userdata, TpmLink **ret) {
        FakeTpm *f = userdata;
        TpmLink *l;
        HOLD(&f->lock);

        if (f->is_absent)
                return -ENOENT;
        if (f->taken > 0) {
                f->taken--;
                return -EAGAIN;
        }
        l = new0(TpmLink, 1);
        if (!l)
                return -ENOMEM;
        l->fake = f;
        l->epoch = f->epoch;
        f->opened++;
        f->links++;
        *ret = l;
        return 0;
}

static int fake_send(TpmLink *l, const uint8_t *command, size_t n) {
        FakeTpm *f = l->fake;
        const Injection *fault;
        uint32_t code;
        HOLD(&f->lock);

        if (n < 10)
                return -EINVAL;
        code = (uint32_t) command[8] << 8 | command[9];
        hold(f, code);
        if (l->is_dead || l->epoch != f->epoch)
                return -EPIPE;
        fault = next_fault(f, code);
        if (fault)
                return apply(f, l, fault, command, n);
        carry_out(f, l, command, n);
        return 0;
}

static ssize_t fake_receive(TpmLink *l, uint8_t *response, usec_t timeout _unused_) {
        HOLD(&l->fake->lock);

        if (l->is_dead)
                return -EPIPE;
        if (l->late > 0) {
                l->late--;
                return -ETIMEDOUT;
        }
        memcpy(response, l->response, l->size);
        return (ssize_t) l->size;
}

static void fake_close(TpmLink *l) {
        if (!l)
                return;
        pthread_mutex_lock(&l->fake->lock);
        l->fake->links--;
        pthread_mutex_unlock(&l->fake->lock);
        free(l);
}

/* The test's side. */

FakeTpm *fake_new(BankSet banks, bool resource_manager) {
        FakeTpm *f = new0(FakeTpm, 1);

        if (!f)
                return NULL;
        pthread_mutex_init(&f->lock, NULL);
        pthread_cond_init(&f->changed, NULL);
        f->pcrs.banks = banks;
        f->resets = 7;
        f->transport = (TpmTransport){
                .userdata = f,
                .resource_manager = resource_manager,
                .open = fake_open,
                .send = fake_send,
                .receive = fake_receive,
                .close = fake_close,
        };
        return f;
}

void fake_free(FakeTpm *f) {
        if (!f)
                return;
        pthread_mutex_destroy(&f->lock);
        pthread_cond_destroy(&f->changed);
        free(f);
}

const TpmTransport *fake_transport(FakeTpm *f) {
        return &f->transport;
}

void fake_inject(FakeTpm *f, uint32_t code, unsigned skip, FakeFault fault, unsigned times, uint32_t argument) {
        HOLD(&f->lock);

        assert(f->n_injections < FAULTS_MAX);
        f->injections[f->n_injections++] = (Injection){ code, skip, times, fault, argument };
}

void fake_hold(FakeTpm *f, uint32_t code) {
        HOLD(&f->lock);

        f->hold = code;
}

void fake_wait_held(FakeTpm *f) {
        HOLD(&f->lock);

        while (!f->is_held)
                pthread_cond_wait(&f->changed, &f->lock);
}

void fake_release(FakeTpm *f) {
        HOLD(&f->lock);

        f->is_released = true;
        pthread_cond_broadcast(&f->changed);
}

void fake_set_absent(FakeTpm *f, bool absent) {
        HOLD(&f->lock);

        f->is_absent = absent;
        f->epoch++;
}

void fake_reset(FakeTpm *f, bool keep_links) {
        HOLD(&f->lock);

        reset(f);
        f->epoch -= keep_links;
}

void fake_set_taken(FakeTpm *f, unsigned times) {
        HOLD(&f->lock);

        f->taken = times;
}

void fake_set_banks(FakeTpm *f, BankSet banks) {
        HOLD(&f->lock);

        f->pcrs.banks = banks;
}

void fake_leave_object(FakeTpm *f, TPM2_HANDLE handle) {
        HOLD(&f->lock);

        assert(f->n_objects < OBJECTS_MAX);
        f->objects[f->n_objects++] = handle;
}

unsigned fake_objects(FakeTpm *f) {
        HOLD(&f->lock);

        return f->n_objects;
}

void fake_extend(FakeTpm *f, uint32_t pcr, const BankDigests *digest) {
        HOLD(&f->lock);

        extend(f, pcr, digest);
}

void fake_disturb_reads(FakeTpm *f, uint32_t pcr, unsigned n) {
        HOLD(&f->lock);

        f->disturbed_pcr = pcr;
        f->disturbances = n;
}

BankDigests fake_pcr(FakeTpm *f, uint32_t pcr) {
        HOLD(&f->lock);

        return pcr_values_get(&f->pcrs, pcr);
}

unsigned fake_opened(FakeTpm *f) {
        HOLD(&f->lock);

        return f->opened;
}

unsigned fake_links(FakeTpm *f) {
        HOLD(&f->lock);

        return f->links;
}

const char *fake_log(FakeTpm *f) {
        HOLD(&f->lock);

        memcpy(f->shown, f->log, f->n_log);
        f->shown[f->n_log] = '\0';
        return f->shown;
}

void fake_clear_log(FakeTpm *f) {
        HOLD(&f->lock);

        f->n_log = 0;
}
