/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ELF-64 (System V ABI, gABI 4.1, figures 4-3 and 5-1): one header, one loadable segment, exit_group(0), the nonce. */

#include "lib/canary.h"

#include <errno.h>

#include "lib/base/cleanup.h"

enum { HEADER_SIZE = 64, SEGMENT_SIZE = 56, BASE = 0x400000 };

/* exit_group is 231 */
static const uint8_t code[] = { 0x31, 0xff, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05 };

int canary_program(const void *nonce, size_t n, Buffer *ret) {
        static const uint8_t identification[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
        static const char label[] = "sealwatch-canary-v1";
        const uint64_t start = HEADER_SIZE + SEGMENT_SIZE, size = start + sizeof(code) + sizeof(label) + n;

        if (n > CANARY_NONCE_MAX)
                return -EINVAL;
        buffer_bytes(ret, identification, sizeof(identification));
        buffer_u16le(ret, 2);  /* ET_EXEC */
        buffer_u16le(ret, 62); /* EM_X86_64 */
        buffer_u32le(ret, 1);
        buffer_u64le(ret, BASE + start); /* e_entry */
        buffer_u64le(ret, HEADER_SIZE);  /* e_phoff */
        buffer_u64le(ret, 0);            /* no sections */
        buffer_u32le(ret, 0);
        buffer_u16le(ret, HEADER_SIZE);
        buffer_u16le(ret, SEGMENT_SIZE);
        buffer_u16le(ret, 1); /* segments */
        buffer_u16le(ret, 0);
        buffer_u16le(ret, 0);
        buffer_u16le(ret, 0);
        buffer_u32le(ret, 1); /* PT_LOAD */
        buffer_u32le(ret, 5); /* PF_R | PF_X */
        buffer_u64le(ret, 0);
        buffer_u64le(ret, BASE);
        buffer_u64le(ret, BASE);
        buffer_u64le(ret, size); /* in the file and in memory */
        buffer_u64le(ret, size);
        buffer_u64le(ret, 0x1000);
        buffer_bytes(ret, code, sizeof(code));
        buffer_bytes(ret, label, sizeof(label));
        buffer_bytes(ret, nonce, n);
        return buffer_error(ret);
}

int canary_digest(const void *nonce, size_t n, uint8_t ret[SHA256_SIZE]) {
        _cleanup_(buffer_done) Buffer program = {};
        int r = canary_program(nonce, n, &program);

        return r < 0 ? r : sha256(program.data, program.size, ret);
}
