/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Between ESYS and swtpm. */

#include "sniffer.h"

#include <errno.h>
#include <tss2/tss2_tpm2_types.h>

#include "cmocka-all.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

struct TpmLink {
        Sniffer *sniffer;
        struct TpmLink *inner; /* of the inner transport, which knows another type by this name */
};

static int sniffer_open(void *userdata, TpmLink **ret) {
        Sniffer *s = userdata;
        TpmLink *l = new0(TpmLink, 1);
        int r;

        if (!l)
                return -ENOMEM;
        l->sniffer = s;
        r = s->inner.open(s->inner.userdata, &l->inner);
        if (r < 0)
                free(l);
        else
                *ret = l;
        return r;
}

/* As any other client could, were the connection not ours. */
static void meddle(TpmLink *l) {
        _cleanup_(buffer_done) Buffer b = {};
        uint8_t response[TPM_MESSAGE_MAX];

        buffer_u16be(&b, TPM2_ST_SESSIONS);
        buffer_u32be(&b, 10 + 4 + 4 + 9 + 4 + 2 + 32);
        buffer_u32be(&b, TPM2_CC_PCR_Extend);
        buffer_u32be(&b, 10);
        buffer_u32be(&b, 9);
        buffer_u32be(&b, TPM2_RS_PW);
        buffer_bytes(&b, (uint8_t[5]){}, 5);
        buffer_u32be(&b, 1);
        buffer_u16be(&b, TPM2_ALG_SHA256);
        buffer_bytes(&b, (uint8_t[32]){ 1 }, 32);
        assert_int_equal(l->sniffer->inner.send(l->inner, b.data, b.size), 0);
        assert_true(l->sniffer->inner.receive(l->inner, response, USEC_PER_SEC) > 10);
}

static int sniffer_send(TpmLink *l, const uint8_t *command, size_t n) {
        Sniffer *s = l->sniffer;
        uint32_t code = (uint32_t) command[8] << 8 | command[9];

        buffer_bytes(&s->seen, command, n);
        if (s->n_codes < ELEMENTSOF(s->codes))
                s->codes[s->n_codes++] = code;
        if (s->on_command)
                s->on_command(s->userdata, code);
        if (code == TPM2_CC_Unseal) {
                s->unseals++;
                if (s->breaks > 0) {
                        s->breaks--;
                        return -EPIPE;
                }
        }
        if (code == s->meddle_at && s->meddlings > 0) {
                s->meddlings--;
                meddle(l);
        }
        return s->inner.send(l->inner, command, n);
}

static ssize_t sniffer_receive(TpmLink *l, uint8_t *response, usec_t timeout) {
        ssize_t n = l->sniffer->inner.receive(l->inner, response, timeout);

        if (n > 0)
                buffer_bytes(&l->sniffer->seen, response, (size_t) n);
        return n;
}

static void sniffer_close(TpmLink *l) {
        if (!l)
                return;
        l->sniffer->inner.close(l->inner);
        free(l);
}

void sniffer_init(Sniffer *s, const char *conf) {
        const char *why;

        *s = (Sniffer){ .meddle_at = TPM2_CC_Unseal };
        assert_int_equal(transport_from_conf(conf, &s->inner, &why), 0);
        s->outer = (TpmTransport){
                .userdata = s,
                .open = sniffer_open,
                .send = sniffer_send,
                .receive = sniffer_receive,
                .close = sniffer_close,
        };
}

void sniffer_done(Sniffer *s) {
        buffer_done(&s->seen);
        transport_done(&s->inner);
}
