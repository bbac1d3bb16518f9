/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon and sealwatch-fetch say to each other, over a stream: one request, one answer, the end. Neither trusts
 * the other's bytes. Integers are little endian.
 *
 * request   "SWFQ" | version u8, 1 | source u8 | parts u8 | role u8 | product u8 | 3 zeros | REPORTED_TCB, 8 bytes | CHIP_ID, 64
 * answer    "SWFA" | version u8, 1 | status u8 | 2 zeros | sizes of VEK, chain, list and text, u32 each | they, in this order */

#include "lib/base/bytes.h"
#include "lib/pem.h"
#include "lib/snp/certificate.h"

typedef enum FetchSource {
        FETCH_AZURE, /* the host's own endpoint; VEK and chain of this machine, whatever is asked for */
        FETCH_AMD,   /* AMD's key service (AMD 57230) */
        _FETCH_SOURCE_MAX,
} FetchSource;

typedef enum FetchPart {
        FETCH_VEK,
        FETCH_CHAIN,
        FETCH_CRL,
        _FETCH_PART_MAX,
} FetchPart;

typedef enum FetchStatus {
        FETCH_OK,          /* what was asked for is there */
        FETCH_UNREACHABLE, /* no connection, no name, too slow */
        FETCH_BUSY,        /* asked too often */
        FETCH_REFUSED,     /* any other status of HTTP, a redirection among them */
        FETCH_BAD,         /* too large, or nothing that could be it */
        FETCH_UNKNOWN,     /* the request makes no sense */
        FETCH_FAILED,      /* out of memory and the like */
        _FETCH_STATUS_MAX,
} FetchStatus;

const char *fetch_status_name(FetchStatus status);

enum {
        FETCH_REQUEST_SIZE = 84,
        FETCH_HEADER_SIZE = 24, /* of an answer */
        FETCH_PATH_MAX = 256,
        FETCH_TEXT_MAX = 200,
};

/* Bytes that a part may have. */
extern const size_t fetch_part_max[_FETCH_PART_MAX];

typedef struct FetchRequest {
        FetchSource source;
        unsigned parts; /* 1 << FetchPart */
        SnpRole role;   /* SNP_VCEK or SNP_VLEK, which nobody but the host hands out */
        SnpProduct product;
        uint8_t tcb[SNP_TCB_SIZE], chip_id[SNP_CHIP_ID_SIZE];
} FetchRequest;

typedef struct FetchAnswer {
        FetchStatus status;
        DerObject parts[_FETCH_PART_MAX]; /* borrowed; PEM or DER, as they came. Size 0: not there */
        char text[FETCH_TEXT_MAX + 1];    /* why not, in printable ASCII */
} FetchAnswer;

void fetch_request_write(const FetchRequest *r, Buffer *ret);

/* 0, or -EINVAL for bytes that are no request. */
int fetch_request_parse(const void *data, size_t n, FetchRequest *ret);

/* Parts within their limits, printable text. */
void fetch_answer_write(const FetchAnswer *a, Buffer *ret);

/* How many bytes an answer has that starts like this (FETCH_HEADER_SIZE bytes); 0: it is none. */
size_t fetch_answer_size(const uint8_t header[FETCH_HEADER_SIZE]);

/* 0, or -EINVAL for bytes that are no answer, whole. */
int fetch_answer_parse(const void *data, size_t n, FetchAnswer *ret);

/* Where AMD's key service has it, from the first slash on: "/vcek/v1/Milan/cert_chain". 0; -EINVAL for a VLEK, for a chip
 * without an id, and for a TCB that is not of the product. */
int fetch_amd_path(const FetchRequest *r, FetchPart part, char ret[FETCH_PATH_MAX]);
