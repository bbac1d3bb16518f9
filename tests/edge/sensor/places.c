/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File systems for the tests, in a mount namespace that goes with the process. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness-internal.h"
#include "lib/io/fd.h"

const char *const place_names[_PLACE_MAX] = {
        [ON_EXT4] = "ext4",   [ON_BTRFS] = "btrfs",     [ON_SUBVOLUME] = "btrfs/volume",
        [ON_TMPFS] = "tmpfs", [ON_OVERLAY] = "overlay", [ON_XFS] = "xfs",
};

static char root[64];
static bool is_there[_PLACE_MAX];

bool place_is_there(Place p) {
        return is_there[p];
}

const char *in_root(const char *name) {
        static char buffers[64][PATH_MAX];
        static unsigned next;
        char *buffer = buffers[next++ % ELEMENTSOF(buffers)];

        snprintf(buffer, PATH_MAX, "%s/%s", root, name);
        return buffer;
}

const char *at(Place p, const char *name) {
        char relative[PATH_MAX / 2];

        snprintf(relative, sizeof(relative), "%s/%s", place_names[p], name);
        return in_root(relative);
}

void skip_all(const char *why) {
        fprintf(stderr, "SKIP: %s\n", why);
        exit(EXIT_SKIP);
}

/* Runs a tool quietly. */
static bool tool(const char *command) {
        char line[PATH_MAX];
        int status;

        snprintf(line, sizeof(line), "PATH=/usr/sbin:/usr/bin:/sbin:/bin; cd %s && %s >tool.log 2>&1", root, command);
        status = system(line);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void mount_loop(Place p, const char *make, bool must) {
        char command[256];

        snprintf(command, sizeof(command),
                 "mkdir %1$s && truncate -s 320M %1$s.img && %2$s %1$s.img && mount -o loop %1$s.img %1$s",
                 place_names[p], make);
        is_there[p] = tool(command);
        if (!is_there[p] && must)
                skip_all(make);
}

static void mount_all(void) {
        char options[3 * PATH_MAX];

        mount_loop(ON_EXT4, "mkfs.ext4 -q", true);
        mount_loop(ON_BTRFS, "mkfs.btrfs -q", true);
        mount_loop(ON_XFS, "mkfs.xfs -q", false);
        if (!tool("btrfs subvolume create btrfs/volume"))
                skip_all("no btrfs subvolume");
        is_there[ON_SUBVOLUME] = true;
        if (!tool("mkdir tmpfs overlay ext4/lower upper && mount -t tmpfs tmpfs tmpfs && mount -t tmpfs tmpfs upper "
                  "&& "
                  "mkdir upper/upper upper/work"))
                skip_all("no tmpfs");
        is_there[ON_TMPFS] = true;
        snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", in_root("ext4/lower"),
                 in_root("upper/upper"), in_root("upper/work"));
        if (mount("overlay", in_root("overlay"), "overlay", 0, options) < 0)
                skip_all("no overlayfs");
        is_there[ON_OVERLAY] = true;
}

void places_init(void) {
        if (geteuid() != 0)
                skip_all("needs root");
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                skip_all("no mount namespace");
        snprintf(root, sizeof(root), "/tmp/sealwatch-test-XXXXXX");
        if (!mkdtemp(root))
                skip_all("no temporary directory");
        if (mount("tmpfs", root, "tmpfs", 0, "mode=755") < 0)
                skip_all("no tmpfs");
        mount_all();
}

/* The mounts end with the namespace; the mount point does not. */
void places_end(void) {
        (void) !chdir("/");
        (void) umount2(root, MNT_DETACH);
        (void) rmdir(root);
}

static int open_checked(const char *path, int flags, mode_t mode) {
        int fd = open(path, flags | O_CLOEXEC, mode);

        if (fd < 0)
                fail_msg("%s: %s", path, strerror(errno));
        return fd;
}

static size_t read_file(const char *path, uint8_t *data, size_t size) {
        _cleanup_close_ int fd = open_checked(path, O_RDONLY, 0);
        ssize_t n = read_up_to(fd, data, size);

        assert_true(n >= 0 && (size_t) n < size);
        return (size_t) n;
}

static uint8_t scratch[4 << 20];

void copy_file(const char *from, const char *to) {
        size_t n = read_file(from, scratch, sizeof(scratch));
        _cleanup_close_ int fd = open_checked(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);

        assert_int_equal(write_all(fd, scratch, n), 0);
        assert_int_equal(fchmod(fd, 0755), 0);
}

void write_text(const char *path, const char *text) {
        _cleanup_close_ int fd = open_checked(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

        assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

void patch_file(const char *path, const char *from) {
        size_t n = read_file(from, scratch, sizeof(scratch));
        _cleanup_close_ int fd = open_checked(path, O_WRONLY, 0);

        assert_int_equal(pwrite_all(fd, scratch, n, 0), 0);
}

void digest_of(const char *path, uint8_t ret[SHA256_SIZE]) {
        size_t n = read_file(path, scratch, sizeof(scratch));

        assert_int_equal(sha256(scratch, n, ret), 0);
}

int try_open(const char *path, int flags) {
        _cleanup_close_ int fd = open(path, flags | O_CLOEXEC);

        return fd < 0 ? -errno : 0;
}

void settle_file(const char *path) {
        struct timespec now;
        struct stat st;

        for (;;) {
                assert_int_equal(stat(path, &st), 0);
                clock_gettime(CLOCK_REALTIME, &now);
                if (st.st_ctim.tv_sec + 2 < now.tv_sec)
                        return;
                usleep(50000);
        }
}

static char cgroups[3][300];

static void make_cgroups(void) {
        const char *unified = "/sys/fs/cgroup/unified";

        if (cgroups[0][0])
                return;
        snprintf(cgroups[0], sizeof(cgroups[0]), "%s/sealwatch-test-%d",
                 access(unified, F_OK) == 0 ? unified : "/sys/fs/cgroup", getpid());
        snprintf(cgroups[1], sizeof(cgroups[1]), "%.200s/below", cgroups[0]);
        snprintf(cgroups[2], sizeof(cgroups[2]), "%.200s-beside", cgroups[0]);
        for (size_t i = 0; i < ELEMENTSOF(cgroups); i++)
                if (mkdir(cgroups[i], 0755) < 0)
                        fail_msg("%s: %s", cgroups[i], strerror(errno));
}

const char *own_cgroup(void) {
        make_cgroups();
        return cgroups[0];
}

const char *own_cgroup_name(void) {
        return strrchr(own_cgroup(), '/');
}

const char *cgroup_below(void) {
        make_cgroups();
        return cgroups[1];
}

const char *cgroup_beside(void) {
        make_cgroups();
        return cgroups[2];
}

void cgroups_end(void) {
        for (size_t i = ELEMENTSOF(cgroups); i > 0; i--)
                if (cgroups[i - 1][0])
                        (void) rmdir(cgroups[i - 1]);
}
