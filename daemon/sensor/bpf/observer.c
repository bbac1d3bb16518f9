/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The observer: its parts and its life. */

#include "daemon/sensor/bpf/observer.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"
#include "policy/config.h"

int observer_new(sd_event *event, const ObserverOptions *options, const ObserverOps *ops, Observer **ret) {
        Observer *o = new0(Observer, 1);

        if (!o)
                return -ENOMEM;
        o->event = sd_event_ref(event);
        o->options = *options;
        o->ops = *ops;
        o->probe.canary = o->left_canary = -1;
        if (o->options.ring_size == 0)
                o->options.ring_size = RING_SIZE_MIN;
        *ret = o;
        return 0;
}

static void leave_rung(Observer *o) {
        drain_stop(o);
        o->state = NULL;
        o->programs = programs_free(o->programs);
        o->rung = RUNG_NONE;
}

Observer *observer_free(Observer *o) {
        if (!o)
                return NULL;
        observer_probe_done(o);
        protect_done(o);
        keep_done(o);
        leave_rung(o);
        sd_event_unref(o->event);
        free(o->refused);
        free(o);
        return NULL;
}

/* The kernel's number of a cgroup is the inode number of its directory (kernfs). */
static int cgroup_id(const char *cgroup, uint64_t *ret) {
        static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        static_assert(sizeof(ino_t) == sizeof(uint64_t), "no room for the number");
        for (size_t i = 0; i < ELEMENTSOF(mounts); i++) {
                char path[PATH_MAX];
                struct statfs fs;
                struct stat st;

                if (statfs(mounts[i], &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
                        continue;
                if (snprintf(path, sizeof(path), "%s%s", mounts[i], cgroup) >= (int) sizeof(path))
                        return -ENAMETOOLONG;
                if (stat(path, &st) < 0)
                        return -errno;
                *ret = st.st_ino;
                return 0;
        }
        return -ENOENT;
}

static int read_settings(Observer *o, SensorSettings *ret, const char **ret_why) {
        struct stat namespace;
        uint64_t cgroup = 0;
        int r;

        *ret = (SensorSettings){};
        if (stat("/proc/self/ns/pid", &namespace) < 0) {
                *ret_why = "/proc is not there";
                return -errno;
        }
        ret->pid_namespace = (uint32_t) namespace.st_ino;
        if (stat("/proc/self/ns/mnt", &namespace) >= 0)
                o->mount_namespace = (uint32_t) namespace.st_ino;
        if (!o->options.cgroup)
                return 0;
        r = cgroup_id(o->options.cgroup, &cgroup);
        if (r < 0)
                *ret_why = "the cgroup to watch is not there";
        ret->cgroup = cgroup;
        return r;
}

static int enter_rung(Observer *o, Rung rung, const char **ret_why) {
        SensorSettings settings;
        int r;

        r = read_settings(o, &settings, ret_why);
        if (r < 0)
                return r;
        settings.rung = rung;
        r = programs_load(&settings, o->options.ring_size, &o->programs, ret_why);
        if (r < 0)
                return r;
        o->rung = rung;
        o->state = programs_state(o->programs);
        keep_maps(o);
        r = drain_start(o);
        if (r < 0) {
                *ret_why = "the ring cannot be read";
                observer_unpin(o);
                return r;
        }
        r = programs_attach(o->programs);
        if (r < 0) {
                *ret_why = "the kernel lets nobody attach to sched_process_exec";
                observer_unpin(o);
                return r;
        }
        keep_links(o);
        return 0;
}

void observer_tell_again(Observer *o) {
        if (o->programs && o->rung != RUNG_NONE)
                programs_tell_again(o->programs);
}

void observer_objects(const Observer *o, ObserverObjects *ret) {
        *ret = (ObserverObjects){};
        if (!o->programs || o->rung == RUNG_NONE)
                return;
        ret->map = programs_map_id(o->programs);
        ret->link = programs_link_id(o->programs);
        ret->program = programs_program_id(o->programs);
}

static const Rung next_rungs[_RUNG_MAX] = {
        [RUNG_LSM] = RUNG_FMOD_RET,
        [RUNG_FMOD_RET] = RUNG_FENTRY,
        [RUNG_FENTRY] = RUNG_NONE,
};

/* Nothing of it stays. */
static void give_up_rung(Observer *o) {
        observer_unpin(o);
        keep_done(o);
        leave_rung(o);
}

static int enter_best(Observer *o, Rung rung, const char **ret_why) {
        int r = enter_rung(o, rung, ret_why);

        while (r < 0 && rung != RUNG_NONE) {
                if (!o->refused)
                        o->refused = strdup(*ret_why);
                give_up_rung(o);
                rung = next_rungs[rung];
                r = enter_rung(o, rung, ret_why);
        }
        return r;
}

int observer_attach(Observer *o, const char **ret_why) {
        int r = enter_best(o, o->options.hooks, ret_why);

        if (r >= 0)
                *ret_why = o->refused;
        return r;
}

int observer_descend(Observer *o) {
        const Rung rung = next_rungs[o->rung];
        const char *why;

        give_up_rung(o);
        return enter_best(o, rung, &why);
}

int observer_set_policy(Observer *o, const CompiledPolicy *policy) {
        if (o->rung == RUNG_NONE)
                return 0;
        return programs_set_policy(o->programs, &policy->policy, policy->digests);
}

void observer_gate_armed(Observer *o, usec_t armed) {
        o->gate_armed = armed;
}

void observer_drain(Observer *o) {
        drain_now(o);
}

int observer_identify_fd(const Observer *o) {
        return o->programs ? programs_identify_fd(o->programs) : -1;
}

int observer_identify(int program, int fd, FileIdentity *ret) {
        enum { TRIES = 3 };
        IdentifyRequest request = {};
        LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &request, .ctx_size_in = sizeof(request));

        if (program < 0)
                return -EBADF;
        for (int i = 0; i < TRIES; i++) {
                request = (IdentifyRequest){ .fd = fd };
                if (bpf_prog_test_run_opts(program, &run) < 0)
                        return -errno;
                if (request.error != -EAGAIN)
                        break;
        }
        if (request.error < 0)
                return request.error;
        *ret = identity_of(&request.file);
        return 0;
}

void observer_stats(const Observer *o, ObserverStats *ret) {
        *ret = o->stats;
}

/* As long as a lease lasts by default: beyond it the file may be another one. */
static const uint64_t ADMISSION_NS = 45000000000;

int observer_admit(Observer *o, uint32_t pid, const FileIdentity *file, bool admitted) {
        const Admission admission = {
                .inode_address = file->inode_address,
                .inode = file->inode,
                .device = file->device,
                .pid = pid,
        };

        if (o->rung == RUNG_NONE)
                return 0;
        return programs_admit(o->programs, &admission, admitted ? clock_ns(CLOCK_BOOTTIME) + ADMISSION_NS : 0);
}
