/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Types of file systems. Magic numbers: linux/magic.h and the file systems' own headers; 0 where only the name
 * matters. */

#include "daemon/sensor/fanotify/fstypes.h"

#include <stddef.h>

#include "lib/base/macro.h"

static const struct {
        const char *name;
        uint64_t magic;
        FsClass class;
        bool cacheable;
} types[] = {
        { "ext2", 0xef53, FS_LOCAL, true }, /* and ext3, ext4 */
        { "xfs", 0x58465342, FS_LOCAL, true },
        { "btrfs", 0x9123683e, FS_LOCAL, true },
        { "squashfs", 0x73717368, FS_LOCAL, true },
        { "erofs", 0xe0f5e1e2, FS_LOCAL, true },

        { "fuse", 0x65735546, FS_REMOTE }, /* and fuse.*, fuseblk, virtiofs */
        { "fuseblk", 0x65735546, FS_REMOTE },
        { "virtiofs", 0x65735546, FS_REMOTE },
        { "nfs", 0x6969, FS_REMOTE },
        { "nfs4", 0x6969, FS_REMOTE },
        { "cifs", 0xff534d42, FS_REMOTE },
        { "smb3", 0xff534d42, FS_REMOTE },
        { "smb", 0xfe534d42, FS_REMOTE },
        { "9p", 0x01021997, FS_REMOTE },
        { "ceph", 0x00c36400, FS_REMOTE },
        { "afs", 0x5346414f, FS_REMOTE }, /* OpenAFS and in-kernel */
        { "afs", 0x6b414653, FS_REMOTE },
        { "coda", 0x73757245, FS_REMOTE },
        { "gfs2", 0x01161970, FS_REMOTE },
        { "ocfs2", 0x7461636f, FS_REMOTE },
        { "orangefs", 0x20030528, FS_REMOTE },
        { "lustre", 0x0bd00bd0, FS_REMOTE },
        { "gpfs", 0x47504653, FS_REMOTE },
        { "vboxsf", 0x786f4256, FS_REMOTE },
        { "vmhgfs", 0xbacbacbc, FS_REMOTE },

        { "autofs", 0x0187, FS_PSEUDO },
        { "binfmt_misc", 0x42494e4d, FS_PSEUDO },
        { "bpf", 0xcafe4a11, FS_PSEUDO },
        { "cgroup", 0x0027e0eb, FS_PSEUDO },
        { "cgroup2", 0x63677270, FS_PSEUDO },
        { "configfs", 0x62656570, FS_PSEUDO },
        { "cpuset", 0, FS_PSEUDO },
        { "debugfs", 0x64626720, FS_PSEUDO },
        { "devpts", 0x1cd1, FS_PSEUDO },
        { "efivarfs", 0xde5e81e4, FS_PSEUDO },
        { "fusectl", 0x65735543, FS_PSEUDO },
        { "mqueue", 0x19800202, FS_PSEUDO },
        { "nsfs", 0x6e736673, FS_PSEUDO },
        { "proc", 0x9fa0, FS_PSEUDO },
        { "pstore", 0x6165676c, FS_PSEUDO },
        { "resctrl", 0x07655821, FS_PSEUDO },
        { "rpc_pipefs", 0x67596969, FS_PSEUDO },
        { "securityfs", 0x73636673, FS_PSEUDO },
        { "selinuxfs", 0xf97cff8c, FS_PSEUDO },
        { "smackfs", 0x43415d53, FS_PSEUDO },
        { "sysfs", 0x62656572, FS_PSEUDO },
        { "tracefs", 0x74726163, FS_PSEUDO },
};

FsClass fs_class_of_name(const char *name) {
        if (startswith(name, "fuse."))
                return FS_REMOTE;
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (streq(types[i].name, name))
                        return types[i].class;
        return FS_LOCAL;
}

bool fs_name_may_wait(const char *name) {
        return streq(name, "autofs") || fs_class_of_name(name) == FS_REMOTE;
}

FsClass fs_class_of_magic(uint64_t magic) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (types[i].magic != 0 && types[i].magic == magic)
                        return types[i].class;
        return FS_LOCAL;
}

bool fs_magic_is_cacheable(uint64_t magic) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (types[i].cacheable && types[i].magic == magic)
                        return true;
        return false;
}
