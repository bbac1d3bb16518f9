/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What makes the reports of the module tsm_double: the simulator's processor.
 *
 *     tsm-server prepare DIR   new keys; those of authorities take long where everything is emulated
 *     tsm-server serve DIR     answers until it is killed */

#include <fcntl.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tests/edge/attest/rig.h"

enum { TABLE_MAX = 64 * 1024, PATH_SIZE = 256 };

static void path_of(const char *directory, const char *name, char ret[PATH_SIZE]) {
        assert_true(snprintf(ret, PATH_SIZE, "%s/%s", directory, name) < PATH_SIZE);
}

static int prepare(const char *directory) {
        const RigChip *c = rig_chip();
        _cleanup_(buffer_done) Buffer table = {};
        _cleanup_(fclosep) FILE *f = NULL;
        char path[PATH_SIZE];

        rig_table(&c->vek, &c->ask, &c->ark, NULL, &table);
        path_of(directory, "table", path);
        if (file_write_atomic(AT_FDCWD, path, 0600, table.data, table.size) < 0)
                return 1;
        path_of(directory, "key", path);
        f = fopen(path, "we");
        return !f || PEM_write_PrivateKey(f, c->pki.keys[SNP_VCEK], NULL, NULL, 0, NULL, NULL) != 1;
}

static SimPkey read_key(const char *directory) {
        _cleanup_(fclosep) FILE *f = NULL;
        char path[PATH_SIZE];

        path_of(directory, "key", path);
        f = fopen(path, "re");
        return f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
}

static int answer(int fd, SimPkey key, const char *table, size_t table_size) {
        _cleanup_(buffer_done) Buffer b = {};
        uint8_t question[SNP_REPORT_DATA_SIZE] = {};
        SnpReport report = sim_report(3, SNP_MILAN, SNP_VCEK, 1);

        if (read(fd, question, sizeof(question)) < 0)
                return -errno;
        memcpy(report.report_data, question, sizeof(question));
        if (sim_report_sign(&report, key) < 0)
                return -EIO;
        buffer_u32le(&b, sizeof(report));
        buffer_u32le(&b, (uint32_t) table_size);
        buffer_bytes(&b, &report, sizeof(report));
        buffer_bytes(&b, table, table_size);
        return buffer_error(&b) < 0 || write(fd, b.data, b.size) != (ssize_t) b.size ? -EIO : 0;
}

static int serve(const char *directory) {
        _cleanup_close_ int fd = open("/dev/tsm-double", O_RDWR | O_CLOEXEC);
        _cleanup_free_ char *table = NULL;
        SimPkey key = read_key(directory);
        char path[PATH_SIZE];
        size_t n;

        path_of(directory, "table", path);
        if (fd < 0 || !key || file_read(AT_FDCWD, path, TABLE_MAX, &table, &n) < 0)
                return 1;
        while (answer(fd, key, table, n) >= 0)
                ;
        return 1;
}

int main(int argc, char **argv) {
        if (argc == 3 && streq(argv[1], "prepare"))
                return prepare(argv[2]);
        return argc == 3 && streq(argv[1], "serve") ? serve(argv[2]) : 2;
}
