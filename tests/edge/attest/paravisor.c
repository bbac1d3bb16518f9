/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "paravisor.h"

#include <errno.h>
#include <tss2/tss2_tpm2_types.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/sim/hcl.h"
#include "rig.h"

#define VM_ID "7DF7B373-B947-4AAA-96E5-C358F2A03D20"

enum { CHUNK = 1000, HEADER = 10 };

struct TpmLink {
        Paravisor *paravisor;
        struct TpmLink *inner; /* of the inner transport, which knows another type by this name */
};

static uint32_t u32(const uint8_t *p) {
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* A command of the paravisor's own, by the index' authorization, which is empty. Returns the response code. */
static uint32_t command(TpmLink *l, uint32_t code, uint32_t index, const Buffer *parameters,
                        uint8_t response[TPM_MESSAGE_MAX]) {
        const TpmTransport *t = &l->paravisor->inner;
        _cleanup_(buffer_done) Buffer b = {};

        buffer_u16be(&b, TPM2_ST_SESSIONS);
        buffer_u32be(&b, (uint32_t) (HEADER + 8 + 4 + 9 + parameters->size));
        buffer_u32be(&b, code);
        buffer_u32be(&b, index);
        buffer_u32be(&b, index);
        buffer_u32be(&b, 9);
        buffer_u32be(&b, TPM2_RS_PW);
        buffer_bytes(&b, (uint8_t[5]){}, 5);
        buffer_bytes(&b, parameters->data, parameters->size);
        assert_int_equal(t->send(l->inner, b.data, b.size), 0);
        assert_true(t->receive(l->inner, response, 10 * USEC_PER_SEC) >= HEADER);
        return u32(response + 6);
}

static void nv_write(TpmLink *l, uint32_t index, const uint8_t *data, size_t n) {
        uint8_t response[TPM_MESSAGE_MAX];

        for (size_t at = 0; at < n;) {
                _cleanup_(buffer_done) Buffer b = {};
                size_t chunk = MIN(n - at, (size_t) CHUNK);

                buffer_u16be(&b, (uint16_t) chunk);
                buffer_bytes(&b, data + at, chunk);
                buffer_u16be(&b, (uint16_t) at);
                assert_int_equal(command(l, TPM2_CC_NV_Write, index, &b, response), 0);
                at += chunk;
        }
}

/* Zeros where there is none, as the paravisor has it. */
static void read_user_data(TpmLink *l, uint8_t ret[64]) {
        uint8_t response[TPM_MESSAGE_MAX];
        _cleanup_(buffer_done) Buffer b = {};

        buffer_u16be(&b, 64);
        buffer_u16be(&b, 0);
        memset(ret, 0, 64);
        if (command(l, TPM2_CC_NV_Read, PARAVISOR_USER_DATA, &b, response) == 0)
                memcpy(ret, response + HEADER + 4 + 2, 64);
}

static void write_blob(TpmLink *l) {
        Paravisor *p = l->paravisor;
        _cleanup_(buffer_done) Buffer claims = {}, blob = {};
        const SimKey ak = { .public.x = { p->modulus.data, p->modulus.size } };
        HclBlob parts = { .version = 2, .hash = HASH_SHA256 };
        uint8_t data[SNP_REPORT_DATA_SIZE];
        SnpReport report;

        assert_int_equal(sim_hcl_claims(&ak, VM_ID, p->no_user_data ? NULL : p->taken, &claims), 0);
        parts.claims = (Bytes){ claims.data, claims.size };
        assert_int_equal(hcl_report_data(&parts, data), 0);
        report = rig_report(data);
        parts.report = (Bytes){ (const uint8_t *) &report, sizeof(report) };
        sim_hcl_write(&parts, p->size, &blob);
        if (p->garbage.size > 0)
                nv_write(l, PARAVISOR_REPORT, p->garbage.data, p->garbage.size);
        else
                nv_write(l, PARAVISOR_REPORT, blob.data, blob.size);
}

static void refresh(TpmLink *l) {
        static const uint8_t foreign[64] = "somebody else's nonce";
        Paravisor *p = l->paravisor;

        if (p->off || (p->refreshes > 0 && p->now - p->last < PARAVISOR_PERIOD))
                return;
        p->last = p->now;
        p->refreshes++;
        if (p->foreign > 0) {
                p->foreign--;
                nv_write(l, PARAVISOR_USER_DATA, foreign, sizeof(foreign));
        }
        if (p->late > 0)
                p->late--;
        else
                read_user_data(l, p->taken);
        write_blob(l);
}

/* In the middle of a client's read another one has read from offset 0, after it wrote user data of its own. */
static void tear(TpmLink *l) {
        Paravisor *p = l->paravisor;
        uint8_t before[64];

        if (p->torn == 0)
                return;
        p->torn--;
        memcpy(before, p->taken, sizeof(before));
        memset(p->taken, 'x', sizeof(p->taken));
        write_blob(l);
        memcpy(p->taken, before, sizeof(before));
}

static int paravisor_open(void *userdata, TpmLink **ret) {
        Paravisor *p = userdata;
        TpmLink *l = new0(TpmLink, 1);
        int r;

        if (!l)
                return -ENOMEM;
        l->paravisor = p;
        r = p->inner.open(p->inner.userdata, &l->inner);
        if (r < 0)
                free(l);
        else
                *ret = l;
        return r;
}

/* NV_Read: authority, index, authorization, size u16, offset u16. */
static int paravisor_send(TpmLink *l, const uint8_t *bytes, size_t n) {
        Paravisor *p = l->paravisor;

        if (n > HEADER + 12 && u32(bytes + 6) == TPM2_CC_NV_Read && u32(bytes + HEADER + 4) == PARAVISOR_REPORT) {
                bool first = bytes[n - 2] == 0 && bytes[n - 1] == 0;

                p->reads += first;
                if (first)
                        refresh(l);
                else
                        tear(l);
        }
        return p->inner.send(l->inner, bytes, n);
}

static ssize_t paravisor_receive(TpmLink *l, uint8_t *response, usec_t timeout) {
        return l->paravisor->inner.receive(l->inner, response, timeout);
}

static void paravisor_close(TpmLink *l) {
        if (!l)
                return;
        l->paravisor->inner.close(l->inner);
        free(l);
}

void paravisor_init(Paravisor *p, const char *conf) {
        const char *why;

        *p = (Paravisor){ .size = 2048 };
        assert_int_equal(transport_from_conf(conf, &p->inner, &why), 0);
        p->outer = (TpmTransport){
                .userdata = p,
                .open = paravisor_open,
                .send = paravisor_send,
                .receive = paravisor_receive,
                .close = paravisor_close,
        };
}

void paravisor_done(Paravisor *p) {
        buffer_done(&p->modulus);
        buffer_done(&p->garbage);
        transport_done(&p->inner);
}
