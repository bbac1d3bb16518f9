/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One event-log record, byte for byte as the kernel's legacy binary_runtime_measurements holds it (Linux
 * security/integrity/ima/ima_fs.c, ima_measurements_show(); always little endian here):
 *
 *   u32 pcr | 20 bytes SHA-1 of the template data | u32 name length | template name | u32 data length | data
 *
 * The template data is a list of fields, each u32 length and bytes (ima_template_lib.c):
 *
 *   ima-ng   d-ng: "sha256:" NUL and 32 bytes | n-ng: path and NUL
 *   ima-buf  d-ng | n-ng: event name and NUL | buf: bytes; d-ng is the digest of buf
 *
 * What is extended is H_bank(template data). A violation (ima-ng only) has a zero SHA-1 and a zero file digest, and
 * 0xff bytes are extended. Two rules are ours: the algorithm in d-ng is always sha256, and template data never
 * exceeds RECORD_DATA_MAX (evmctl 1.5 refuses more). */

#include <stdbool.h>

#include "lib/base/bytes.h"
#include "lib/pcr.h"

enum {
        RECORD_DATA_MAX = 4096,
        RECORD_HEAD_SIZE = 4 + SHA1_SIZE + 4 + 4, /* all but the template name and its data */
        RECORD_SIZE_MAX = RECORD_HEAD_SIZE + 8 + RECORD_DATA_MAX,
        RECORD_PATH_MAX = RECORD_DATA_MAX - (4 + 8 + SHA256_SIZE) - 4 - 1,
};

typedef enum RecordTemplate {
        TEMPLATE_NG,  /* "ima-ng": content of a file that may run */
        TEMPLATE_BUF, /* "ima-buf": everything else */
        _TEMPLATE_MAX,
} RecordTemplate;

/* A parsed record; pointers lead into the parsed bytes. */
typedef struct RecordView {
        uint32_t pcr;
        RecordTemplate template;
        bool violation;
        const uint8_t *bytes; /* the whole record */
        size_t size;
        const uint8_t *data; /* the template data */
        size_t data_size;
        const uint8_t *digest; /* SHA256_SIZE bytes: of the file, or of buf */
        const char *name;      /* path or event name, NUL-terminated */
        size_t name_size;      /* without the NUL */
        const uint8_t *buf;    /* TEMPLATE_BUF only */
        size_t buf_size;
} RecordView;

typedef enum RecordResult {
        RECORD_OK,
        RECORD_END,       /* no bytes left */
        RECORD_TRUNCATED, /* the bytes end inside the record */
        RECORD_BAD,       /* not a record of ours */
        RECORD_FAILED,    /* the crypto library failed: undecided */
} RecordResult;

/* Parses the record at the reader's position and moves past it; the reader stays where it is unless RECORD_OK.
 * Checks everything that one record can say about itself: lengths, template, algorithm, the SHA-1 of the data, the
 * digest of buf. On RECORD_BAD and RECORD_TRUNCATED *reterr_why is a static sentence. */
RecordResult record_parse(Reader *r, RecordView *ret, const char **reterr_why);

/* Append one record. Failures stick to the buffer (see buffer_error()); -EINVAL when a limit is exceeded or path or
 * name are empty, -EIO from the crypto library. */
int record_put_file(Buffer *b, uint32_t pcr, const uint8_t digest[SHA256_SIZE], const char *path);
int record_put_violation(Buffer *b, uint32_t pcr, const char *path);
int record_put_event(Buffer *b, uint32_t pcr, const char *name, const void *buf, size_t buf_size);

/* What the record extends: H_bank(data), or the violation value. */
int record_extend_value(const RecordView *record, BankSet banks, BankDigests *ret);
