/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading through the generated skeleton. */

#include "daemon/sensor/bpf/programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sensor/bpf/refusal.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/io/fd.h"

#include SEALWATCH_SKELETON

struct Programs {
        struct sensors *skeleton;
        int identify; /* a descriptor of its own: it is needed behind programs_detach(), too */
        Rung rung;
        uint32_t tables[2]; /* numbers of the maps in `digests` */
};

/* libbpf calls it without saying for whom, and only while something is loaded. */
static Refusal refused;

/* What it would print goes to standard error else. */
static int take_message(enum libbpf_print_level level, const char *format, va_list values) {
        _cleanup_free_ char *message = NULL;

        if (level != LIBBPF_WARN)
                return 0;
        if (vasprintf(&message, format, values) < 0) {
                message = NULL;
                return 0;
        }
        refusal_take(&refused, message);
        return 0;
}

static const char *why_refused(int error) {
        static char text[REFUSAL_SIZE];

        if (refusal_format(&refused, error, text))
                return text;
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

static bool is_lower(Rung rung) {
        return rung == RUNG_FMOD_RET || rung == RUNG_FENTRY;
}

static bool section_is(const struct bpf_program *p, const char *prefix) {
        return strncmp(bpf_program__section_name(p), prefix, strlen(prefix)) == 0;
}

static bool has_member(const struct btf *kernel, const char *type, const char *name) {
        int id = btf__find_by_name_kind(kernel, type, BTF_KIND_STRUCT);
        const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(kernel, (uint32_t) id);
        bool found = false;

        for (unsigned i = 0; t && i < btf_vlen(t); i++)
                found = found || streq(btf__name_by_offset(kernel, btf_members(t)[i].name_off), name);
        return found;
}

/* What not every kernel has, and what would cost each exec where it has nothing to do. */
static void leave_out_missing(struct sensors *s, Rung rung) {
        struct btf *kernel = rung == RUNG_NONE ? NULL : btf__load_vmlinux_btf();
        bool has_modules = kernel && btf__find_by_name_kind(kernel, "btf_trace_module_load", BTF_KIND_TYPEDEF) > 0;
        bool has_checks = kernel && has_member(kernel, "linux_binprm", "is_check");

        (void) bpf_program__set_autoload(s->progs.access_livepatch, has_modules);
        (void) bpf_program__set_autoload(s->progs.check_question, rung == RUNG_LSM && has_checks);
        (void) bpf_program__set_autoload(s->progs.lower_question, is_lower(rung) && has_checks);
        btf__free(kernel);
}

/* Of which rungs a program is depends on how it attaches; those of the lower two are the same. */
static void choose_programs(struct sensors *s, Rung rung) {
        struct bpf_program *p;

        bpf_object__for_each_program(p, s->obj) {
                if (section_is(p, "lsm"))
                        (void) bpf_program__set_autoload(p, rung == RUNG_LSM);
                if (section_is(p, "fmod_ret/") || section_is(p, "fentry/") || p == s->progs.learn)
                        (void) bpf_program__set_autoload(p, is_lower(rung));
                if (rung == RUNG_FENTRY && section_is(p, "fmod_ret/"))
                        (void) bpf_program__set_expected_attach_type(p, BPF_TRACE_FENTRY);
        }
        leave_out_missing(s, rung);
        (void) bpf_map__set_autocreate(s->maps.inodes, rung == RUNG_LSM);
        (void) bpf_map__set_autocreate(s->maps.places, is_lower(rung));
        (void) bpf_map__set_autocreate(s->maps.admissions, is_lower(rung));
        (void) bpf_map__set_autocreate(s->maps.checked, rung != RUNG_NONE);
}

static int load(const SensorSettings *settings, size_t ring_size, struct sensors **ret) {
        struct sensors *s = sensors__open();
        int r;

        if (!s)
                return -errno;
        choose_programs(s, settings->rung);
        s->rodata->settings = *settings;
        r = bpf_map__set_max_entries(s->maps.ring, (uint32_t) ring_size);
        if (r >= 0)
                r = sensors__load(s);
        if (r < 0) {
                sensors__destroy(s);
                return r;
        }
        *ret = s;
        return 0;
}

int programs_load(const SensorSettings *settings, size_t ring_size, Programs **ret, const char **ret_why) {
        _cleanup_(programs_freep) Programs *p = new0(Programs, 1);
        int r;

        *ret_why = "out of memory";
        if (!p)
                return -ENOMEM;
        p->identify = -1;
        refused = (Refusal){};
        libbpf_set_print(take_message);
        p->rung = settings->rung;
        r = load(settings, ring_size, &p->skeleton);
        if (r < 0) {
                *ret_why = why_refused(r);
                return r;
        }
        p->identify = fcntl(bpf_program__fd(p->skeleton->progs.identify), F_DUPFD_CLOEXEC, 3);
        if (p->identify < 0) {
                *ret_why = "no descriptor is left";
                return -errno;
        }
        *ret_why = NULL;
        *ret = TAKE_PTR(p);
        return 0;
}

void programs_retire(Programs *p) {
        SensorState *state = programs_state(p);

        __atomic_store_n(&state->head.in_charge, 0, __ATOMIC_SEQ_CST); /* for who finds them when we are killed now */
        __atomic_store_n(&state->policy, 0, __ATOMIC_SEQ_CST);
}

void programs_detach(Programs *p) {
        sensors__destroy(p->skeleton);
        p->skeleton = NULL;
        p->rung = RUNG_NONE;
}

Programs *programs_free(Programs *p) {
        if (!p)
                return NULL;
        sensors__destroy(p->skeleton);
        safe_close(p->identify);
        free(p);
        return NULL;
}

/* Who owns the programs must be known before they do anything. */
int programs_attach(Programs *p) {
        LIBBPF_OPTS(bpf_test_run_opts, run);
        SensorState *state = programs_state(p);

        state->head.version = ABI_VERSION;
        state->head.events = ABI_EVENTS;
        if (bpf_prog_test_run_opts(bpf_program__fd(p->skeleton->progs.adopt), &run) < 0)
                return -errno;
        return sensors__attach(p->skeleton); /* what is run by hand has nothing to attach to */
}

/* The state goes by a name that every version knows. What is constant is in the programs. */
/* Since libbpf 1.4 one that was left out has a descriptor, too: of nothing. */
static bool is_made(const struct bpf_map *map) {
        return bpf_map__autocreate(map) && bpf_map__fd(map) >= 0;
}

int programs_pin_maps(const Programs *p, Pins *pins) {
        struct bpf_map *map;
        int r = 0;

        if ((void *) &p->skeleton->bss->state != (void *) p->skeleton->bss) /* where left.c looks */
                return -EINVAL;
        bpf_object__for_each_map(map, p->skeleton->obj) {
                bool is_state = map == p->skeleton->maps.bss;

                if (r >= 0 && is_made(map) && (is_state || !bpf_map__is_internal(map)))
                        r = pins_add_map(pins, is_state ? "state" : bpf_map__name(map), bpf_map__fd(map));
        }
        return r;
}

int programs_pin_links(const Programs *p, Pins *pins) {
        const struct bpf_object_skeleton *s = p->skeleton->skeleton;
        int r = 0;

        for (int i = 0; r >= 0 && i < s->prog_cnt; i++) {
                const struct bpf_prog_skeleton *program =
                        (const void *) ((const char *) s->progs + (size_t) i * (size_t) s->prog_skel_sz);

                if (*program->link)
                        r = pins_add_link(pins, program->name, bpf_link__fd(*program->link));
        }
        return r;
}

static uint32_t map_id(int fd) {
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);

        return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.id;
}

static uint32_t link_id(int fd) {
        struct bpf_link_info info = {};
        uint32_t size = sizeof(info);

        return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.id;
}

static uint32_t program_id(int fd) {
        struct bpf_prog_info info = {};
        uint32_t size = sizeof(info);

        return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.id;
}

static int own(const Programs *p, uint64_t kind, uint32_t id) {
        uint64_t key = kind << 32 | id;
        uint32_t value = 1;

        if (id == 0)
                return 0;
        return bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.own_objects), &key, &value, BPF_ANY) < 0 ? -errno : 0;
}

/* The kernel wants the tables of one map of maps to be alike in all but their size. */
static int make_table(const KernelDigest *digests, uint32_t n) {
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
        _cleanup_free_ uint32_t *keys = reallocarray(NULL, n, sizeof(uint32_t));
        _cleanup_close_ int fd = -1;

        if (!keys)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++)
                keys[i] = i;
        fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "digest_table", sizeof(uint32_t), sizeof(KernelDigest), n, &options);
        if (fd < 0 || bpf_map_update_batch(fd, keys, digests, &n, NULL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Nobody else gets at the digests; the number of the table that was there before may be another map's soon. */
static int own_table(Programs *p, uint32_t slot, int table) {
        uint64_t key = (uint64_t) OWN_MAP << 32 | p->tables[slot];

        if (p->tables[slot] != 0)
                (void) bpf_map_delete_elem(bpf_map__fd(p->skeleton->maps.own_objects), &key);
        p->tables[slot] = map_id(table);
        return own(p, OWN_MAP, p->tables[slot]);
}

/* The slot that was in force is left by all who cannot sleep before this returns, and so before it is filled again. */
int programs_set_policy(Programs *p, const KernelPolicy *policy, const KernelDigest *digests) {
        SensorState *state = programs_state(p);
        uint32_t count = state->policy + 1 ?: 2, slot = count & 1; /* never 0 again */
        _cleanup_close_ int table = -1;
        int r;

        table = make_table(digests, MAX(policy->digests_size, 1U));
        if (table < 0)
                return table;
        r = own_table(p, slot, table);
        if (r < 0)
                return r;
        if (bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.digests), &slot, &table, BPF_ANY) < 0 ||
            bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.policies), &slot, policy, BPF_ANY) < 0)
                return -errno;
        __atomic_store_n(&state->policy, count, __ATOMIC_SEQ_CST);
        /* Once more, since the kernel waits for them in this call. */
        return bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.digests), &slot, &table, BPF_ANY) < 0 ? -errno : 0;
}

SensorState *programs_state(Programs *p) {
        return &p->skeleton->bss->state;
}

ActivityState *programs_activities(Programs *p) {
        return &p->skeleton->bss->activities;
}

int programs_guard(const Programs *p, uint64_t inode_address, uint32_t why) {
        return bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.guarded), &inode_address, &why, BPF_ANY) < 0 ? -errno
                                                                                                              : 0;
}

int programs_own(const Programs *p) {
        const struct bpf_object_skeleton *s = p->skeleton->skeleton;
        struct bpf_program *any;
        struct bpf_map *map;
        int r = 0;

        bpf_object__for_each_map(map, p->skeleton->obj) {
                if (r >= 0 && is_made(map))
                        r = own(p, OWN_MAP, map_id(bpf_map__fd(map)));
        }
        bpf_object__for_each_program(any, p->skeleton->obj) {
                if (r >= 0 && bpf_program__autoload(any))
                        r = own(p, OWN_PROGRAM, program_id(bpf_program__fd(any)));
        }
        for (int i = 0; r >= 0 && i < s->prog_cnt; i++) {
                const struct bpf_prog_skeleton *program =
                        (const void *) ((const char *) s->progs + (size_t) i * (size_t) s->prog_skel_sz);

                if (*program->link)
                        r = own(p, OWN_LINK, link_id(bpf_link__fd(*program->link)));
        }
        return r;
}

void programs_tell_again(const Programs *p) {
        int map = bpf_map__fd(p->skeleton->maps.told);
        struct {
                uint64_t program, object;
                uint32_t uid, what;
        } key;

        for (unsigned i = bpf_map__max_entries(p->skeleton->maps.told); i > 0; i--)
                if (bpf_map_get_next_key(map, NULL, &key) < 0 || bpf_map_delete_elem(map, &key) < 0)
                        return;
}

uint32_t programs_map_id(const Programs *p) {
        return map_id(bpf_map__fd(p->skeleton->maps.policies));
}

uint32_t programs_link_id(const Programs *p) {
        return p->skeleton->links.on_exec ? link_id(bpf_link__fd(p->skeleton->links.on_exec)) : 0;
}

uint32_t programs_program_id(const Programs *p) {
        return program_id(bpf_program__fd(p->skeleton->progs.adopt));
}

int programs_ring_fd(const Programs *p) {
        return bpf_map__fd(p->skeleton->maps.ring);
}

int programs_identify_fd(const Programs *p) {
        return p->identify;
}

long programs_missed(const Programs *p) {
        struct bpf_program *program;
        long missed = 0;

        bpf_object__for_each_program(program, p->skeleton->obj) {
                struct bpf_prog_info info = {};
                uint32_t size = sizeof(info);

                if (!bpf_program__autoload(program))
                        continue;
                if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) < 0)
                        return -errno;
                missed += (long) info.recursion_misses;
        }
        return missed;
}

int programs_admit(Programs *p, const Admission *admission, uint64_t until) {
        const AdmissionTerm term = { .until = until };
        int map, r;

        if (!is_lower(p->rung))
                return 0;
        map = bpf_map__fd(p->skeleton->maps.admissions);
        r = until > 0 ? bpf_map_update_elem(map, admission, &term, BPF_ANY) : bpf_map_delete_elem(map, admission);
        return r < 0 ? -errno : 0;
}

int programs_learn(Programs *p, int fd, const uint8_t digest[ABI_DIGEST_SIZE]) {
        LearnRequest request = { .fd = fd };
        LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &request, .ctx_size_in = sizeof(request));

        if (!is_lower(p->rung))
                return 0;
        memcpy(request.digest, digest, sizeof(request.digest));
        return bpf_prog_test_run_opts(bpf_program__fd(p->skeleton->progs.learn), &run) < 0 ? -errno : request.error;
}
