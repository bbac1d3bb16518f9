/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading through the generated skeleton. */

#include "daemon/sensor/bpf/programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

#include "bpf/sensors.skel.h"

struct Programs {
        struct sensors *skeleton;
};

static const char *why_refused(int error) {
        if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                return "the kernel has no BTF";
        switch (-error) {
        case EPERM:
        case EACCES:
                return "the kernel refuses BPF: CAP_BPF and CAP_PERFMON are missing, or it is locked down";
        case ENOSYS:
                return "the kernel has no BPF";
        case ENOMEM:
                return "out of memory";
        }
        return "the kernel refuses the programs";
}

DEFINE_CLEANUP(Programs *, programs_free)

int programs_load(const SensorSettings *settings, size_t ring_size, Programs **ret, const char **ret_why) {
        _cleanup_(programs_freep) Programs *p = new0(Programs, 1);
        int r = 0;

        *ret_why = "out of memory";
        if (!p)
                return -ENOMEM;
        libbpf_set_print(NULL); /* what it would print goes to standard error */
        p->skeleton = sensors__open();
        if (!p->skeleton)
                return -errno;
        p->skeleton->rodata->settings = *settings;
        r = bpf_map__set_max_entries(p->skeleton->maps.ring, (uint32_t) ring_size);
        if (r >= 0)
                r = sensors__load(p->skeleton);
        if (r < 0) {
                *ret_why = why_refused(r);
                return r;
        }
        *ret_why = NULL;
        *ret = TAKE_PTR(p);
        return 0;
}

Programs *programs_free(Programs *p) {
        if (!p)
                return NULL;
        sensors__destroy(p->skeleton);
        free(p);
        return NULL;
}

int programs_attach(Programs *p) {
        p->skeleton->links.on_exec = bpf_program__attach(p->skeleton->progs.on_exec);
        return p->skeleton->links.on_exec ? 0 : -errno;
}

SensorState *programs_state(Programs *p) {
        return &p->skeleton->bss->state;
}

int programs_ring_fd(const Programs *p) {
        return bpf_map__fd(p->skeleton->maps.ring);
}

int programs_identify_fd(const Programs *p) {
        return bpf_program__fd(p->skeleton->progs.identify);
}

long programs_missed(const Programs *p) {
        struct bpf_prog_info info = {};
        uint32_t size = sizeof(info);

        if (bpf_obj_get_info_by_fd(bpf_program__fd(p->skeleton->progs.on_exec), &info, &size) < 0)
                return -errno;
        return (long) info.recursion_misses;
}
