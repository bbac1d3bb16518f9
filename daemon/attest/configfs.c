/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's TSM reports in configfs (Linux, Documentation/ABI/testing/configfs-tsm-report). An entry is a directory: what
 * is written to its attributes is the request, and each write counts its generation up; a read of a blob makes the report of
 * that generation. Others may write to the same entry, so it has a name that nobody knows, and a blob counts only while the
 * generation is the one that our writes made. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/attest/provider.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/io/fd.h"
#include "lib/snp/table.h"
#include "lib/svsm/manifest.h"

enum { TRIES = 8, NAME_BYTES = 16, ATTRIBUTE_MAX = 64 };

/* The vTPM's service, as text: AMD 58019; COCONUT-SVSM. */
#define VTPM_GUID "c476f1eb-0123-45a5-9641-b4e7dde5bfe3"

typedef struct Entry {
        int parent, dir; /* -1: none */
        char name[32 + 2 * NAME_BYTES];
        uint64_t generation; /* that our writes have made */
} Entry;

static void entry_done(Entry *e) {
        safe_close(e->dir);
        if (*e->name)
                (void) unlinkat(e->parent, e->name, AT_REMOVEDIR);
        safe_close(e->parent);
}

/* Text without the line end. A negative errno. */
static int read_attribute(const Entry *e, const char *name, char ret[ATTRIBUTE_MAX]) {
        _cleanup_close_ int fd = openat(e->dir, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -errno : read_up_to(fd, ret, ATTRIBUTE_MAX - 1);

        if (n < 0)
                return (int) n;
        ret[n] = '\0';
        ret[strcspn(ret, "\n")] = '\0';
        return 0;
}

static int read_generation(const Entry *e, uint64_t *ret) {
        char text[ATTRIBUTE_MAX];
        int r = read_attribute(e, "generation", text);
        char *end;

        if (r < 0)
                return r;
        errno = 0;
        *ret = strtoull(text, &end, 10);
        return *text < '0' || *text > '9' || *end || errno != 0 ? -EBADMSG : 0;
}

/* One write, which is one request. */
static int write_attribute(Entry *e, const char *name, const void *data, size_t n) {
        _cleanup_close_ int fd = openat(e->dir, name, O_WRONLY | O_CLOEXEC);
        ssize_t written;

        if (fd < 0)
                return -errno;
        written = write(fd, data, n);
        if (written < 0)
                return -errno;
        if ((size_t) written != n)
                return -EIO;
        /* A binary attribute takes effect when it is closed. */
        if (close(TAKE_FD(fd)) < 0)
                return -errno;
        e->generation++;
        return 0;
}

/* -ESTALE when somebody else has written to the entry. */
static int read_blob(const Entry *e, const char *name, size_t max, Buffer *ret) {
        _cleanup_close_ int fd = openat(e->dir, name, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ uint8_t *data = malloc(max + 1);
        uint64_t generation;
        ssize_t n;
        int r;

        if (!data)
                return -ENOMEM;
        n = fd < 0 ? -errno : read_up_to(fd, data, max + 1);
        if (n < 0)
                return (int) n;
        r = read_generation(e, &generation);
        if (r < 0)
                return r;
        if (generation != e->generation)
                return -ESTALE;
        if ((size_t) n > max)
                return -EFBIG;
        buffer_done(ret);
        buffer_bytes(ret, data, (size_t) n);
        return buffer_error(ret);
}

static int entry_new(const char *path, Entry *ret) {
        uint8_t random[NAME_BYTES];
        char hex[2 * NAME_BYTES + 1];

        ret->parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret->parent < 0)
                return -errno;
        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return -EIO;
        snprintf(ret->name, sizeof(ret->name), "sealwatch-%s", hex_encode(random, sizeof(random), hex));
        if (mkdirat(ret->parent, ret->name, 0700) < 0) {
                *ret->name = '\0';
                return -errno;
        }
        ret->dir = openat(ret->parent, ret->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret->dir < 0)
                return -errno;
        return read_generation(ret, &ret->generation);
}

/* What an SVSM's vTPM says of itself comes with the report; the kernel shows these attributes where there is an SVSM. */
static int ask_svsm(Entry *e) {
        int r = write_attribute(e, "service_provider", "svsm", strlen("svsm"));

        if (r >= 0)
                r = write_attribute(e, "service_guid", VTPM_GUID, strlen(VTPM_GUID));
        return r;
}

static int ask(const char *path, bool svsm, Gathered *ret) {
        _cleanup_(entry_done) Entry e = { .parent = -1, .dir = -1 };
        int r = entry_new(path, &e);

        if (r >= 0 && svsm)
                r = ask_svsm(&e);
        if (r >= 0)
                r = write_attribute(&e, "inblob", ret->report_data, sizeof(ret->report_data));
        if (r >= 0)
                r = read_blob(&e, "outblob", SNP_REPORT_SIZE, &ret->report);
        if (r >= 0)
                r = read_blob(&e, "auxblob", SNP_TABLE_MAX, &ret->certificates);
        buffer_done(&ret->manifest);
        if (r >= 0 && svsm)
                r = read_blob(&e, "manifestblob", SVSM_MANIFEST_MAX, &ret->manifest);
        return r;
}

static bool has_svsm(const char *path) {
        _cleanup_(entry_done) Entry e = { .parent = -1, .dir = -1 };

        return entry_new(path, &e) >= 0 && faccessat(e.dir, "service_provider", F_OK, 0) >= 0;
}

/* The kernel asks again by itself when the host is busy, for a minute; what it gives back then is for us to respect. After
 * -ENOTTY the key for talking to the firmware is gone. */
static AttestFailure fail(Gathered *ret, int error) {
        switch (-error) {
        case ESTALE:
        case EBUSY:
        case EAGAIN:
        case ETIMEDOUT:
                return gather_fail(ret, ATTEST_PROVIDER_BUSY, "configfs-tsm: %s", strerror(-error));
        case ENOTTY:
                return gather_fail(ret, ATTEST_PROVIDER_DEAD,
                                   "configfs-tsm: the guest's key for its firmware is gone until the next boot");
        case ENOENT:
                return gather_fail(ret, ATTEST_NO_PROVIDER, "configfs-tsm: there is none");
        case EFBIG:
                return gather_fail(ret, ATTEST_PROVIDER_FAILED, "configfs-tsm: a blob that is too large");
        case ENOMEM:
                return gather_fail(ret, ATTEST_INTERNAL, "out of memory");
        default:
                return gather_fail(ret, ATTEST_PROVIDER_FAILED, "configfs-tsm: %s", strerror(-error));
        }
}

/* Ours was overtaken, or the kernel could not count on: another entry is as good as new. */
static bool may_repeat(int error) {
        return error == -ESTALE || error == -EBUSY || error == -EAGAIN || error == -EEXIST;
}

static AttestFailure configfs_report(Gathering *g, Gathered *ret) {
        const char *path = g->options->tsm_path;
        bool svsm = has_svsm(path);
        int r = -EAGAIN;

        for (unsigned n = 0; n < TRIES && may_repeat(r) && !gather_is_stopping(g); n++) {
                r = ask(path, svsm, ret);
                if (svsm && r < 0 && !may_repeat(r) && r != -ENOTTY) {
                        svsm = false; /* one that does not attest its services: the report alone */
                        r = -EAGAIN;
                }
        }
        if (r < 0)
                return fail(ret, r);
        if (ret->report.size != SNP_REPORT_SIZE)
                return gather_fail(ret, ATTEST_PROVIDER_FAILED, "configfs-tsm: a report of %zu bytes",
                                   ret->report.size);
        return ATTEST_GATHERED;
}

/* Reports of other processors come from the same place. */
static bool configfs_is_there(Gathering *g) {
        _cleanup_(entry_done) Entry e = { .parent = -1, .dir = -1 };
        char provider[ATTRIBUTE_MAX];

        return entry_new(g->options->tsm_path, &e) >= 0 && read_attribute(&e, "provider", provider) >= 0 &&
               streq(provider, "sev_guest");
}

const Provider configfs_provider = {
        .id = EVIDENCE_PROVIDER_CONFIGFS,
        .is_there = configfs_is_there,
        .report = configfs_report,
};
