/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers of a TPM, to each kind of job: the first byte says which; then come the answers, each behind its length (u16, big
 * endian). When they are used up the TPM is gone. What a job says of its outcome and what it brings belong together. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "daemon/tpm/run.h"
#include "daemon/tpm/tpm.h"
#include "lib/base/alloc.h"
#include "tests/edge/tpm/fake-tpm.h"

enum { OPENS_MAX = 3 };

typedef struct Script {
        Reader answers;
        unsigned opened;
        FakeTpm *fake;  /* answers instead, */
        Buffer written; /* and what it says is kept here */
} Script;

struct ScriptLink {
        Script *script;
        TpmLink *fake;
};
typedef struct ScriptLink ScriptLink;

static int script_open(void *userdata, TpmLink **ret) {
        Script *s = userdata;
        ScriptLink *l;

        if (s->opened++ == OPENS_MAX)
                return -ENOENT;
        l = new0(ScriptLink, 1);
        REQUIRE(l);
        l->script = s;
        if (s->fake)
                REQUIRE(fake_transport(s->fake)->open(s->fake, &l->fake) == 0);
        *ret = (TpmLink *) l;
        return 0;
}

static int script_send(TpmLink *link, const uint8_t *command, size_t n) {
        ScriptLink *l = (ScriptLink *) link;

        return l->fake ? fake_transport(l->script->fake)->send(l->fake, command, n) : 0;
}

static ssize_t script_receive(TpmLink *link, uint8_t *response, usec_t timeout) {
        ScriptLink *l = (ScriptLink *) link;
        Script *s = l->script;
        const uint8_t *bytes;
        ssize_t n;

        if (s->fake) {
                n = fake_transport(s->fake)->receive(l->fake, response, timeout);
                buffer_u16be(&s->written, (uint16_t) n);
                buffer_bytes(&s->written, response, (size_t) n);
                return n;
        }
        n = reader_u16be(&s->answers) % (TPM_MESSAGE_MAX + 1);
        bytes = reader_bytes(&s->answers, (size_t) n);
        if (!bytes)
                return -EPIPE;
        memcpy(response, bytes, (size_t) n);
        return n;
}

static void script_close(TpmLink *link) {
        ScriptLink *l = (ScriptLink *) link;

        if (l && l->fake)
                fake_transport(l->script->fake)->close(l->fake);
        free(l);
}

static void nothing(void *userdata _unused_) {
}

static bool never(void *userdata _unused_) {
        return false;
}

static const ConnectionHooks hooks = { nothing, nothing, nothing, never };

static TpmExtend some_extend(uint32_t pcr) {
        TpmExtend e = { .pcr = pcr, .has_before = true, .uncertain = pcr == 13 };
        const BankSet banks = bank(HASH_SHA1) | bank(HASH_SHA256);

        e.before = bank_digests_zero(banks);
        REQUIRE(bank_digests_hash(banks, "x", 1, &e.digest) == 0);
        return e;
}

static TpmJob *make_job(unsigned type) {
        static const uint8_t bytes[34] = { 0, 11 };
        const Sealed sealed = { .name = "s",
                                .name_size = 1,
                                .bank = HASH_SHA256,
                                .pcrs = 0x80,
                                .srk_name = bytes,
                                .srk_name_size = sizeof(bytes),
                                .public = bytes,
                                .public_size = sizeof(bytes),
                                .private = bytes,
                                .private_size = sizeof(bytes) };
        TpmExtend extend = some_extend(13), cap = some_extend(12);
        TpmJob *job;

        switch (type) {
        case TPM_JOB_STATE:
                return tpm_job_state();
        case TPM_JOB_READ:
                return tpm_job_read();
        case TPM_JOB_EXTEND:
                job = tpm_job_extend(TPM_CLASS_EXTEND);
                REQUIRE(job && tpm_job_add_extend(job, &extend) == 0 && tpm_job_cap_if_reset(job, &cap) == 0);
                return job;
        case TPM_JOB_SEAL:
                return tpm_job_seal(bytes, bytes);
        default:
                job = tpm_job_harvest(&cap);
                REQUIRE(job && tpm_job_add_sealed(job, &sealed) == 0);
                return job;
        }
}

static TpmError run_job(Connection *c, TpmJob *job) {
        TpmResult *result = &job->answer->result;

        switch (job->type) {
        case TPM_JOB_STATE:
                return state_run(c, result);
        case TPM_JOB_READ:
                return read_run(c, result);
        case TPM_JOB_EXTEND:
                return extend_run(c, job);
        case TPM_JOB_SEAL:
                return seal_run(c, job, result);
        default:
                return harvest_run(c, job, result);
        }
}

static void check_result(TpmError e, const TpmJob *job) {
        const TpmResult *result = &job->answer->result;
        char detail[160];

        REQUIRE(e.outcome < _TPM_OUTCOME_MAX);
        if (e.outcome != TPM_OK) {
                tpm_error_describe(e, detail, sizeof(detail));
                REQUIRE(*detail);
        }
        if (job->type == TPM_JOB_STATE || job->type == TPM_JOB_READ)
                REQUIRE(!result->state == (e.outcome != TPM_OK));
        if (job->type == TPM_JOB_STATE && result->state)
                REQUIRE(result->state->srk_name.size > 2 && result->state->srk_name.size <= 2 + DIGEST_MAX);
        if (job->type == TPM_JOB_EXTEND)
                REQUIRE(job->extend.done <= job->extend.n && (e.outcome != TPM_OK || extend_is_complete(job)));
        if (job->type == TPM_JOB_SEAL && e.outcome == TPM_OK)
                REQUIRE(result->seal.public.size > 0 && result->seal.private.size > 0);
}

static void run_script(Script *s, unsigned type) {
        const TpmTransport transport = { .userdata = s,
                                         .open = script_open,
                                         .send = script_send,
                                         .receive = script_receive,
                                         .close = script_close };
        Life life = { .lock = PTHREAD_MUTEX_INITIALIZER };
        Connection c = {
                .transport = &transport, .deadline = 1, .life = &life, .hooks = &hooks, .urgency = TPM_CLASS_REST
        };
        _cleanup_(tpm_job_freep) TpmJob *job = make_job(type);

        REQUIRE(job);
        check_result(run_job(&c, job), job);
        connection_close(&c);
}

static unsigned type_of(uint8_t byte) {
        return TPM_JOB_STATE + byte % (_TPM_JOB_MAX - TPM_JOB_STATE);
}

static void run(const uint8_t *data, size_t size) {
        Script s = {};

        if (size == 0)
                return;
        tpm_silence_library();
        s.answers = reader_new(data + 1, size - 1);
        run_script(&s, type_of(data[0]));
}

/* The sizes in the headers. */
static void repair(uint8_t *data, size_t size) {
        enum { SIZE_OFFSET = 2 };

        for (size_t at = 1; at + 2 + SIZE_OFFSET + 4 <= size;) {
                size_t n = (size_t) (data[at] << 8 | data[at + 1]);
                uint8_t *field = data + at + 2 + SIZE_OFFSET;

                if (n >= SIZE_OFFSET + 4)
                        for (int i = 0; i < 4; i++)
                                field[i] = (uint8_t) (n >> (8 * (3 - i)));
                at += 2 + n;
        }
}

static void seed(unsigned type, uint32_t fault_code, FakeFault fault, uint32_t argument) {
        Script s = { .fake = fake_new(bank(HASH_SHA1) | bank(HASH_SHA256), false) };

        REQUIRE(s.fake);
        buffer_u8(&s.written, (uint8_t) (type - TPM_JOB_STATE));
        if (fault_code)
                fake_inject(s.fake, fault_code, 0, fault, 1, argument);
        run_script(&s, type);
        fuzz_seed(s.written.data, s.written.size);
        buffer_done(&s.written);
        fake_free(s.fake);
}

static void seeds(void) {
        tpm_silence_library();
        for (unsigned type = TPM_JOB_STATE; type < _TPM_JOB_MAX; type++) {
                seed(type, 0, FAKE_RC, 0);
                seed(type, TPM2_CC_GetCapability, FAKE_CUT, 30);
                seed(type, TPM2_CC_PCR_Read, FAKE_RC, TPM2_RC_RETRY);
                seed(type, TPM2_CC_ReadPublic, FAKE_RC, TPM2_RC_HANDLE);
        }
}

const FuzzTarget fuzz_target = { run, seeds, repair };
