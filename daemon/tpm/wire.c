/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A TCTI over a transport. */

#include "daemon/tpm/wire.h"

#include <errno.h>
#include <tss2/tss2_tpm2_types.h>

#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"

#define WIRE_MAGIC UINT64_C(0x5357544354490001)

enum { HEADER_SIZE = 10 };

struct Wire {
        TSS2_TCTI_CONTEXT_COMMON_V1 common; /* first, so that a TSS2_TCTI_CONTEXT is one */
        const TpmTransport *transport;
        TpmLink *link;
        usec_t deadline;
        uint16_t tag; /* of the command that awaits its response */
        uint32_t code;
        bool awaited;
        size_t size; /* of the response that was received and not handed out yet; 0: none */
        bool is_success;
        size_t last_size; /* of the response that was handed out last */
        uint8_t response[TPM_MESSAGE_MAX];
};

static Wire *wire_of(TSS2_TCTI_CONTEXT *tcti) {
        return (Wire *) tcti;
}

static TSS2_RC wire_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command) {
        Wire *w = wire_of(tcti);
        Reader r = reader_new(command, size);

        if (w->awaited)
                return TSS2_TCTI_RC_BAD_SEQUENCE;
        w->tag = reader_u16be(&r);
        (void) reader_u32be(&r);
        w->code = reader_u32be(&r);
        w->size = 0;
        if (w->transport->send(w->link, command, size) < 0)
                return TSS2_TCTI_RC_NO_CONNECTION;
        w->awaited = true;
        return TSS2_RC_SUCCESS;
}

/* tpm2-tss does not compare what it unmarshals with the size of the response: it would complete a short one from what
 * its buffer held before. So that it finds zeros there the buffer is cleared, where a response has a fixed size that
 * is checked here, and of the others wire_parameter_size() tells. */
static bool size_is_possible(uint32_t code, size_t n) {
        switch (code) {
        case TPM2_CC_ReadClock:
                return n == HEADER_SIZE + 8 + 8 + 4 + 4 + 1; /* TPMS_TIME_INFO */
        case TPM2_CC_PCR_Extend:
                return n == HEADER_SIZE + 4 + 5; /* parameter size, acknowledgement of the password session */
        default:
                return true;
        }
}

static bool response_is_valid(Wire *w, size_t n) {
        Reader r = reader_new(w->response, n);
        uint16_t tag = reader_u16be(&r);
        uint32_t size = reader_u32be(&r), code = reader_u32be(&r), layer = code & TSS2_RC_LAYER_MASK;

        if (r.failed || size != n)
                return false;
        w->is_success = code == TPM2_RC_SUCCESS;
        if (w->is_success)
                return tag == w->tag && size_is_possible(w->code, n);
        /* Codes of TPM 2.0 have one of these bits, and those of the kernel's resource manager its layer; everything
         * else could pass for an error of the software stack. */
        return tag == TPM2_ST_NO_SESSIONS && n == HEADER_SIZE && code & (TPM2_RC_FMT1 | TPM2_RC_VER1) &&
               (layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER);
}

static TSS2_RC wire_fetch(Wire *w) {
        ssize_t n = w->transport->receive(w->link, w->response, w->deadline);

        if (n == -ETIMEDOUT)
                return WIRE_RC_LATE;
        w->awaited = false;
        if (n == -EMSGSIZE)
                return TSS2_TCTI_RC_MALFORMED_RESPONSE;
        if (n < 0)
                return TSS2_TCTI_RC_IO_ERROR;
        if (!response_is_valid(w, (size_t) n))
                return TSS2_TCTI_RC_MALFORMED_RESPONSE;
        w->size = (size_t) n;
        return TSS2_RC_SUCCESS;
}

/* ESYS asks with response NULL for the size first, then for the bytes. It is told TPM_MESSAGE_MAX, which is what its
 * buffer has, so that the bytes behind the response can be cleared. Not behind an error: to repeat a command after
 * RETRY, ESYS restores its header and counts on the rest being there still. Its timeout is always "for ever" in the
 * synchronous calls; ours is the deadline. */
static TSS2_RC wire_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response, int32_t timeout _unused_) {
        Wire *w = wire_of(tcti);
        TSS2_RC rc = w->size > 0 ? TSS2_RC_SUCCESS : w->awaited ? wire_fetch(w) : TSS2_TCTI_RC_BAD_SEQUENCE;

        if (rc != TSS2_RC_SUCCESS)
                return rc;
        if (!response) {
                *size = TPM_MESSAGE_MAX;
                return TSS2_RC_SUCCESS;
        }
        if (*size < w->size)
                return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
        memcpy(response, w->response, w->size);
        if (w->is_success)
                memset(response + w->size, 0, *size - w->size);
        *size = w->last_size = w->size;
        w->size = 0;
        return TSS2_RC_SUCCESS;
}

static TSS2_RC wire_cancel(TSS2_TCTI_CONTEXT *tcti _unused_) {
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC wire_poll_handles(TSS2_TCTI_CONTEXT *tcti _unused_, TSS2_TCTI_POLL_HANDLE *handles _unused_,
                                 size_t *n _unused_) {
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC wire_locality(TSS2_TCTI_CONTEXT *tcti _unused_, uint8_t locality _unused_) {
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

int wire_new(const TpmTransport *transport, usec_t deadline, Wire **ret) {
        _cleanup_free_ Wire *w = new0(Wire, 1);
        int r;

        if (!w)
                return -ENOMEM;
        *w = (Wire){
                .common = { .magic = WIRE_MAGIC,
                            .version = 1,
                            .transmit = wire_transmit,
                            .receive = wire_receive,
                            .cancel = wire_cancel,
                            .getPollHandles = wire_poll_handles,
                            .setLocality = wire_locality },
                .transport = transport,
                .deadline = deadline,
        };
        r = transport->open(transport->userdata, &w->link);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

Wire *wire_free(Wire *w) {
        if (!w)
                return NULL;
        w->transport->close(w->link);
        free(w);
        return NULL;
}

TSS2_TCTI_CONTEXT *wire_tcti(Wire *w) {
        return (TSS2_TCTI_CONTEXT *) w;
}

size_t wire_parameter_size(const Wire *w) {
        return w->last_size - HEADER_SIZE;
}

bool wire_is_late(const Wire *w) {
        return w->awaited;
}

bool wire_settle(Wire *w) {
        if (w->awaited)
                (void) wire_fetch(w); /* anything but another timeout ends it */
        return !w->awaited;
}
