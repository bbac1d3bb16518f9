/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tsm-fuse.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/svsm/manifest.h"
#include "rig.h"
#include "tests/edge/fuse-device.h"

enum { ENTRIES_MAX = 8, NODES = 32, BLOB_MAX = 64 };

typedef enum Attribute {
        INBLOB = 1,
        OUTBLOB,
        AUXBLOB,
        PROVIDER,
        GENERATION,
        PRIVLEVEL,
        PRIVLEVEL_FLOOR,
        SERVICE_PROVIDER,
        SERVICE_GUID,
        SERVICE_MANIFEST_VERSION,
        MANIFESTBLOB,
        _ATTRIBUTE_MAX,
} Attribute;

static const struct {
        const char *name;
        bool svsm;
} attributes[_ATTRIBUTE_MAX] = {
        [INBLOB] = { "inblob" },
        [OUTBLOB] = { "outblob" },
        [AUXBLOB] = { "auxblob" },
        [PROVIDER] = { "provider" },
        [GENERATION] = { "generation" },
        [PRIVLEVEL] = { "privlevel" },
        [PRIVLEVEL_FLOOR] = { "privlevel_floor" },
        [SERVICE_PROVIDER] = { "service_provider", true },
        [SERVICE_GUID] = { "service_guid", true },
        [SERVICE_MANIFEST_VERSION] = { "service_manifest_version", true },
        [MANIFESTBLOB] = { "manifestblob", true },
};

typedef struct Entry {
        bool used, svsm;
        char name[64];
        uint8_t pending[BLOB_MAX], in[BLOB_MAX];
        size_t n_pending, n_in;
        uint64_t written, read; /* generations */
        SnpReport report;
} Entry;

TsmDouble tsm_double;
static Entry entries[ENTRIES_MAX];
static int device = -1;
static pthread_t thread;
static const char *mounted;

/* Node: 1 is the root, then each entry has NODES of them: itself, and its attributes. */
static uint64_t node_of(const Entry *e, unsigned attribute) {
        return (uint64_t) (e - entries + 1) * NODES + attribute;
}

static Entry *entry_of(uint64_t node) {
        return node < NODES || node >= NODES * (ENTRIES_MAX + 1) ? NULL : &entries[node / NODES - 1];
}

static struct fuse_attr attr_of(uint64_t node) {
        bool is_file = node > 1 && node % NODES != 0;

        return (struct fuse_attr){
                .ino = node, .mode = is_file ? S_IFREG | 0600 : S_IFDIR | 0700, .nlink = 1, .blksize = 4096
        };
}

static void reply_entry(const struct fuse_in_header *in, uint64_t node) {
        const struct fuse_entry_out out = { .nodeid = node, .attr = attr_of(node) };

        fuse_reply(in, 0, &out, sizeof(out));
}

static void on_lookup(const struct fuse_in_header *in, const char *name) {
        const Entry *parent = entry_of(in->nodeid);

        for (size_t i = 0; !parent && i < ENTRIES_MAX; i++)
                if (entries[i].used && streq(entries[i].name, name))
                        return reply_entry(in, node_of(&entries[i], 0));
        for (Attribute a = 1; parent && a < _ATTRIBUTE_MAX; a++)
                if (streq(attributes[a].name, name) && (!attributes[a].svsm || tsm_double.has_svsm))
                        return reply_entry(in, node_of(parent, a));
        fuse_reply(in, -ENOENT, NULL, 0);
}

static void on_mkdir(const struct fuse_in_header *in, const char *name) {
        if (tsm_double.collisions > 0) {
                tsm_double.collisions--;
                return fuse_reply(in, -EEXIST, NULL, 0);
        }
        for (size_t i = 0; i < ENTRIES_MAX; i++)
                if (!entries[i].used) {
                        entries[i] = (Entry){ .used = true };
                        snprintf(entries[i].name, sizeof(entries[i].name), "%s", name);
                        snprintf(tsm_double.last_name, sizeof(tsm_double.last_name), "%s", name);
                        tsm_double.made++;
                        return reply_entry(in, node_of(&entries[i], 0));
                }
        fuse_reply(in, -ENOSPC, NULL, 0);
}

static void on_rmdir(const struct fuse_in_header *in, const char *name) {
        for (size_t i = 0; i < ENTRIES_MAX; i++)
                if (entries[i].used && streq(entries[i].name, name)) {
                        entries[i].used = false;
                        tsm_double.removed++;
                        return fuse_reply(in, 0, NULL, 0);
                }
        fuse_reply(in, -ENOENT, NULL, 0);
}

static int commit(Entry *e) {
        memcpy(e->in, e->pending, e->n_pending);
        e->n_in = e->n_pending;
        e->n_pending = 0;
        e->written++;
        return 0;
}

static void on_write(const struct fuse_in_header *in, const struct fuse_write_in *w) {
        const struct fuse_write_out out = { .size = w->size };
        Entry *e = entry_of(in->nodeid);
        const char *data = (const char *) (w + 1);

        if (tsm_double.write_errors > 0) {
                tsm_double.write_errors--;
                return fuse_reply(in, -tsm_double.write_error, NULL, 0);
        }
        switch (in->nodeid % NODES) {
        case INBLOB:
                if (w->offset + w->size > BLOB_MAX)
                        return fuse_reply(in, -EINVAL, NULL, 0);
                memcpy(e->pending + w->offset, data, w->size);
                e->n_pending = w->offset + w->size;
                break;
        case SERVICE_PROVIDER:
                if (w->size != 4 || memcmp(data, "svsm", 4) != 0)
                        return fuse_reply(in, -EINVAL, NULL, 0);
                e->svsm = true;
                e->written++;
                break;
        case SERVICE_GUID:
                if (w->size != 36 || memcmp(data, "c476f1eb-0123-45a5-9641-b4e7dde5bfe3", 36) != 0)
                        return fuse_reply(in, -EINVAL, NULL, 0);
                e->written++;
                break;
        default:
                return fuse_reply(in, -EACCES, NULL, 0);
        }
        fuse_reply(in, 0, &out, sizeof(out));
}

/* As try_advance_... in the kernel: a read makes the report of the generation that was written. */
static int make_report(Entry *e) {
        uint8_t data[SNP_REPORT_DATA_SIZE];

        if (tsm_double.read_errors > 0) {
                tsm_double.read_errors--;
                return -tsm_double.read_error;
        }
        if (e->n_in != BLOB_MAX)
                return -EINVAL;
        if (e->svsm && tsm_double.svsm_error)
                return -tsm_double.svsm_error;
        if (e->read == e->written)
                return 0;
        memcpy(data, e->in, sizeof(data));
        if (e->svsm)
                (void) svsm_report_data(e->in, tsm_double.manifest.data, tsm_double.manifest.size, data);
        e->report = rig_report(data);
        e->read = e->written;
        tsm_double.reports++;
        return 0;
}

static void reply_slice(const struct fuse_in_header *in, const struct fuse_read_in *r, const void *data, size_t n) {
        size_t start = MIN(r->offset, n);

        fuse_reply(in, 0, (const char *) data + start, MIN((size_t) r->size, n - start));
}

static void on_read(const struct fuse_in_header *in, const struct fuse_read_in *r) {
        Entry *e = entry_of(in->nodeid);
        Attribute a = in->nodeid % NODES;
        char text[64];
        int error = a == OUTBLOB || a == AUXBLOB || a == MANIFESTBLOB ? make_report(e) : 0;

        if (error < 0)
                return fuse_reply(in, error, NULL, 0);
        switch (a) {
        case OUTBLOB:
                reply_slice(in, r, &e->report, tsm_double.report_size);
                if (r->offset == 0 && tsm_double.meddlings > 0) {
                        tsm_double.meddlings--;
                        e->written++;
                }
                return;
        case AUXBLOB:
                return reply_slice(in, r, tsm_double.table.data, tsm_double.table.size);
        case MANIFESTBLOB:
                return reply_slice(in, r, tsm_double.manifest.data, tsm_double.manifest.size);
        case PROVIDER:
                snprintf(text, sizeof(text), "%s\n", tsm_double.provider);
                return reply_slice(in, r, text, strlen(text));
        case GENERATION:
                snprintf(text, sizeof(text), "%llu\n", (unsigned long long) e->written);
                return reply_slice(in, r, text, strlen(text));
        default:
                return fuse_reply(in, -EACCES, NULL, 0);
        }
}

static void serve(const struct fuse_in_header *in, const void *body) {
        const struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
        const struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };

        switch (in->opcode) {
        case FUSE_LOOKUP:
                return on_lookup(in, body);
        case FUSE_GETATTR:
                return fuse_reply(in, 0, &attr, sizeof(attr));
        case FUSE_MKDIR:
                return on_mkdir(in, (const char *) body + sizeof(struct fuse_mkdir_in));
        case FUSE_RMDIR:
                return on_rmdir(in, body);
        case FUSE_OPEN:
                return fuse_reply(in, 0, &open_out, sizeof(open_out));
        case FUSE_OPENDIR:
                return fuse_reply(in, 0, &(struct fuse_open_out){}, sizeof(struct fuse_open_out));
        case FUSE_READ:
                return on_read(in, body);
        case FUSE_WRITE:
                return on_write(in, body);
        case FUSE_FLUSH:
                if (in->nodeid % NODES == INBLOB && entry_of(in->nodeid)->n_pending > 0)
                        return fuse_reply(in, commit(entry_of(in->nodeid)), NULL, 0);
                return fuse_reply(in, 0, NULL, 0);
        case FUSE_RELEASE:
        case FUSE_RELEASEDIR:
                return fuse_reply(in, 0, NULL, 0);
        }
        fuse_reply(in, -ENOSYS, NULL, 0);
}

static void *serve_all(void *userdata _unused_) {
        fuse_serve(device, serve);
        return NULL;
}

void tsm_double_reset(void) {
        buffer_done(&tsm_double.table);
        buffer_done(&tsm_double.manifest);
        tsm_double = (TsmDouble){ .provider = "sev_guest", .report_size = SNP_REPORT_SIZE };
}

bool tsm_double_start(const char *directory) {
        device = fuse_mount(directory, "");
        if (device < 0)
                return false;
        mounted = directory;
        return pthread_create(&thread, NULL, serve_all, NULL) == 0;
}

void tsm_double_stop(void) {
        (void) umount2(mounted, MNT_DETACH);
        pthread_join(thread, NULL);
        close(device);
}
