/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests for endorsements, and their answers. */

#include "lib/snp/fetch.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/hex.h"

enum { VERSION = 1 };

static const char request_magic[] = "SWFQ", answer_magic[] = "SWFA";

static const char *const status_names[] = {
        [FETCH_OK] = "ok",         [FETCH_UNREACHABLE] = "unreachable",
        [FETCH_BUSY] = "busy",     [FETCH_REFUSED] = "refused",
        [FETCH_BAD] = "bad",       [FETCH_UNKNOWN] = "unknown",
        [FETCH_FAILED] = "failed",
};
static_assert(ELEMENTSOF(status_names) == _FETCH_STATUS_MAX, "a name per status");

const size_t fetch_part_max[_FETCH_PART_MAX] = {
        [FETCH_VEK] = 16 * 1024,
        [FETCH_CHAIN] = 64 * 1024,
        [FETCH_CRL] = 1024 * 1024,
};

const char *fetch_status_name(FetchStatus status) {
        return status_names[status];
}

void fetch_request_write(const FetchRequest *r, Buffer *ret) {
        buffer_string(ret, request_magic);
        buffer_u8(ret, VERSION);
        buffer_u8(ret, (uint8_t) r->source);
        buffer_u8(ret, (uint8_t) r->parts);
        buffer_u8(ret, (uint8_t) r->role);
        buffer_u8(ret, (uint8_t) r->product);
        buffer_bytes(ret, (uint8_t[3]){}, 3);
        buffer_bytes(ret, r->tcb, sizeof(r->tcb));
        buffer_bytes(ret, r->chip_id, sizeof(r->chip_id));
}

int fetch_request_parse(const void *data, size_t n, FetchRequest *ret) {
        Reader in = reader_new(data, n);
        const uint8_t *magic = reader_bytes(&in, 4);
        uint8_t version = reader_u8(&in);
        FetchRequest r = { .source = reader_u8(&in), .parts = reader_u8(&in) };
        const uint8_t *zeros, *tcb, *chip_id;

        r.role = reader_u8(&in);
        r.product = reader_u8(&in);
        zeros = reader_bytes(&in, 3);
        tcb = reader_bytes(&in, sizeof(r.tcb));
        chip_id = reader_bytes(&in, sizeof(r.chip_id));
        if (!reader_done(&in) || memcmp(magic, request_magic, 4) != 0 || version != VERSION ||
            r.source >= _FETCH_SOURCE_MAX || r.parts == 0 || r.parts >= 1U << _FETCH_PART_MAX || r.role > SNP_VLEK ||
            r.product >= _SNP_PRODUCT_MAX || !snp_is_zero(zeros, 3))
                return -EINVAL;
        memcpy(r.tcb, tcb, sizeof(r.tcb));
        memcpy(r.chip_id, chip_id, sizeof(r.chip_id));
        *ret = r;
        return 0;
}

void fetch_answer_write(const FetchAnswer *a, Buffer *ret) {
        buffer_string(ret, answer_magic);
        buffer_u8(ret, VERSION);
        buffer_u8(ret, (uint8_t) a->status);
        buffer_u16le(ret, 0);
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                buffer_u32le(ret, (uint32_t) a->parts[p].size);
        buffer_u32le(ret, (uint32_t) strlen(a->text));
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                buffer_bytes(ret, a->parts[p].data, a->parts[p].size);
        buffer_string(ret, a->text);
}

/* False when it is none. */
static bool read_header(Reader *in, FetchAnswer *a, uint32_t *ret_text) {
        const uint8_t *magic = reader_bytes(in, 4);
        uint8_t version = reader_u8(in);
        bool good;

        a->status = reader_u8(in);
        good = magic && memcmp(magic, answer_magic, 4) == 0 && version == VERSION && a->status < _FETCH_STATUS_MAX &&
               reader_u16le(in) == 0;
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++) {
                a->parts[p].size = reader_u32le(in);
                good = good && a->parts[p].size <= fetch_part_max[p];
        }
        *ret_text = reader_u32le(in);
        return good && !in->failed && *ret_text <= FETCH_TEXT_MAX;
}

size_t fetch_answer_size(const uint8_t header[FETCH_HEADER_SIZE]) {
        Reader in = reader_new(header, FETCH_HEADER_SIZE);
        FetchAnswer a = {};
        uint32_t text;
        size_t size = FETCH_HEADER_SIZE;

        if (!read_header(&in, &a, &text))
                return 0;
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                size += a.parts[p].size;
        return size + text;
}

int fetch_answer_parse(const void *data, size_t n, FetchAnswer *ret) {
        Reader in = reader_new(data, n);
        FetchAnswer a = {};
        const uint8_t *text;
        uint32_t size;

        if (!read_header(&in, &a, &size))
                return -EINVAL;
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                a.parts[p].data = reader_bytes(&in, a.parts[p].size);
        text = reader_bytes(&in, size);
        if (!reader_done(&in))
                return -EINVAL;
        for (uint32_t i = 0; i < size; i++) {
                if (text[i] < ' ' || text[i] > '~')
                        return -EINVAL;
                a.text[i] = (char) text[i];
        }
        *ret = a;
        return 0;
}

/* Two digits at least, as everybody asks. */
static int vcek_path(const FetchRequest *r, char ret[FETCH_PATH_MAX]) {
        const size_t id_size = r->product == SNP_TURIN ? SNP_CHIP_ID_SHORT_SIZE : SNP_CHIP_ID_SIZE;
        char id[2 * SNP_CHIP_ID_SIZE + 1], fmc[16] = "";
        SnpTcb tcb;

        if (r->role != SNP_VCEK || snp_is_zero(r->chip_id, sizeof(r->chip_id)) ||
            !snp_tcb_decode(r->product, r->tcb, &tcb))
                return -EINVAL;
        if (snp_product_has_part(r->product, TCB_FMC))
                snprintf(fmc, sizeof(fmc), "fmcSPL=%02u&", tcb.parts[TCB_FMC]);
        snprintf(ret, FETCH_PATH_MAX, "/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u",
                 snp_product_name(r->product), hex_encode(r->chip_id, id_size, id), fmc, tcb.parts[TCB_BOOTLOADER],
                 tcb.parts[TCB_TEE], tcb.parts[TCB_SNP], tcb.parts[TCB_MICROCODE]);
        return 0;
}

int fetch_amd_path(const FetchRequest *r, FetchPart part, char ret[FETCH_PATH_MAX]) {
        if (part == FETCH_VEK)
                return vcek_path(r, ret);
        snprintf(ret, FETCH_PATH_MAX, "/%s/v1/%s/%s", r->role == SNP_VLEK ? "vlek" : "vcek",
                 snp_product_name(r->product), part == FETCH_CHAIN ? "cert_chain" : "crl");
        return 0;
}
