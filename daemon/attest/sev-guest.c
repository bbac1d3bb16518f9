/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /dev/sev-guest (linux/sev-guest.h; Linux, Documentation/virt/coco/sev-guest.rst). A request that fails in the middle costs
 * the guest its key for talking to the firmware, for good: so nothing is repeated but what the host said it was too busy
 * for, and a device that is dead is not asked again. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sev-guest.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/attest/provider.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "lib/snp/table.h"

enum {
        CERTIFICATES_MAX = 0x4000, /* what the driver takes (SEV_FW_BLOB_MAX_SIZE) */
        RESPONSE_HEADER = 32, /* MSG_REPORT_RSP (AMD 56860): status u32, size u32, 24 reserved bytes, the report */
        BUSY_TRIES = 3,
        VMM_INVALID_LEN = 1, /* EXIT_INFO_2 (AMD 56421, GHCB 4.1.8) */
        VMM_BUSY = 2,
};

#define BUSY_PAUSE (2 * USEC_PER_SEC) /* the driver's own (SNP_REQ_RETRY_DELAY) */

static_assert(sizeof(struct snp_guest_request_ioctl) == 32, "the kernel's layout");
static_assert(sizeof(struct snp_ext_report_req) == 112, "the kernel's layout");

typedef struct Answer {
        int error; /* 0 or a negative errno */
        uint32_t firmware, vmm;
        struct snp_report_resp response;
} Answer;

static void request(Gathering *g, int fd, unsigned long number, void *data, Answer *ret) {
        int (*call)(int fd, unsigned long request, void *argument) = g->options->ioctl;
        struct snp_guest_request_ioctl r = {
                .msg_version = 1,
                .req_data = (uintptr_t) data,
                .resp_data = (uintptr_t) &ret->response,
        };
        int done = call ? call(fd, number, &r) : ioctl(fd, number, &r);

        ret->error = done < 0 ? -errno : 0;
        ret->firmware = (uint32_t) r.exitinfo2;
        ret->vmm = (uint32_t) (r.exitinfo2 >> 32);
}

/* The level that we run at: its key is the driver's, and a report for a higher one is not to be had. */
static uint32_t own_vmpl(void) {
        _cleanup_free_ char *text = NULL;
        size_t n;

        if (file_read(AT_FDCWD, "/sys/devices/system/cpu/sev/vmpl", 16, &text, &n) < 0 || *text < '0' ||
            *text > '0' + SNP_VMPL_MAX)
                return 0;
        return (uint32_t) (*text - '0');
}

static struct snp_report_req report_request(const Gathered *ret) {
        struct snp_report_req r = { .vmpl = own_vmpl() };

        memcpy(r.user_data, ret->report_data, sizeof(r.user_data));
        return r;
}

static bool is_busy(const Answer *a) {
        return a->error == -EAGAIN || a->error == -EBUSY || a->error == -ETIMEDOUT ||
               (a->error == -EIO && a->vmm == VMM_BUSY);
}

/* With the host's certificates, where they fit into what the driver takes; else without. Each request may take the driver a
 * minute when the host throttles, in which nobody can break it off (nor should: see above): none is begun when the daemon
 * ends. */
static int ask(Gathering *g, int fd, const Gathered *ret, uint8_t *certificates, Answer *answer) {
        struct snp_ext_report_req extended = {
                .data = report_request(ret),
                .certs_address = (uintptr_t) certificates,
                .certs_len = CERTIFICATES_MAX,
        };
        struct snp_report_req plain = report_request(ret);

        request(g, fd, SNP_GET_EXT_REPORT, &extended, answer);
        if (answer->error != -EIO || answer->vmm != VMM_INVALID_LEN || gather_is_stopping(g))
                return answer->error;
        memset(certificates, 0, CERTIFICATES_MAX);
        request(g, fd, SNP_GET_REPORT, &plain, answer);
        return answer->error;
}

static AttestFailure fail(Gathering *g, Gathered *ret, const Answer *a) {
        if (is_busy(a))
                return gather_fail(ret, ATTEST_PROVIDER_BUSY, "sev-guest: the host asks us to wait: %s",
                                   strerror(-a->error));
        g->sev_guest_dead = a->error == -ENOTTY;
        if (g->sev_guest_dead)
                return gather_fail(ret, ATTEST_PROVIDER_DEAD,
                                   "sev-guest: the guest's key for its firmware is gone until the next boot");
        return gather_fail(ret, ATTEST_PROVIDER_FAILED, "sev-guest: %s (firmware 0x%x, host 0x%x)",
                           strerror(-a->error), a->firmware, a->vmm);
}

/* The table ends before the buffer does. One that is none is kept whole, for the endorsements' own complaint. */
static void keep_certificates(const uint8_t *certificates, Gathered *ret) {
        size_t size = CERTIFICATES_MAX, offset;
        const char *why;
        SnpTable t;

        if (snp_table_parse(certificates, CERTIFICATES_MAX, &t, &offset, &why) >= 0)
                size = t.size;
        buffer_bytes(&ret->certificates, certificates, size);
}

static AttestFailure take(const Answer *a, const uint8_t *certificates, Gathered *ret) {
        uint32_t status = snp_u32(a->response.data), size = snp_u32(a->response.data + 4);

        if (status != 0 || size != SNP_REPORT_SIZE)
                return gather_fail(ret, ATTEST_PROVIDER_FAILED, "sev-guest: status 0x%x, a report of %u bytes", status,
                                   size);
        buffer_bytes(&ret->report, a->response.data + RESPONSE_HEADER, SNP_REPORT_SIZE);
        keep_certificates(certificates, ret);
        return buffer_error(&ret->report) < 0 || buffer_error(&ret->certificates) < 0
                       ? gather_fail(ret, ATTEST_INTERNAL, "out of memory")
                       : ATTEST_GATHERED;
}

static void unmap(void *p) {
        munmap(*(void **) p, CERTIFICATES_MAX);
}

static AttestFailure ask_until_free(Gathering *g, int fd, Gathered *ret) {
        _cleanup_(unmap) void *certificates = mmap(NULL, CERTIFICATES_MAX, PROT_READ | PROT_WRITE,
                                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* whole pages, aligned */
        Answer answer = {};

        if (certificates == MAP_FAILED)
                return gather_fail(ret, ATTEST_INTERNAL, "out of memory");
        for (unsigned n = 1; ask(g, fd, ret, certificates, &answer) < 0; n++)
                if (!is_busy(&answer) || n == BUSY_TRIES || !gather_pause(g, BUSY_PAUSE))
                        return fail(g, ret, &answer);
        return take(&answer, certificates, ret);
}

static AttestFailure sev_guest_report(Gathering *g, Gathered *ret) {
        _cleanup_close_ int fd = -1;

        if (g->sev_guest_dead)
                return gather_fail(ret, ATTEST_PROVIDER_DEAD, "sev-guest: it was found dead, and is not asked again");
        fd = open(g->options->sev_guest_path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return gather_fail(ret, errno == ENOENT ? ATTEST_NO_PROVIDER : ATTEST_PROVIDER_FAILED, "sev-guest: %s",
                                   strerror(errno));
        return ask_until_free(g, fd, ret);
}

static bool sev_guest_is_there(Gathering *g) {
        return access(g->options->sev_guest_path, F_OK) >= 0;
}

const Provider sev_guest_provider = {
        .id = EVIDENCE_PROVIDER_SEV_GUEST,
        .is_there = sev_guest_is_there,
        .report = sev_guest_report,
};
