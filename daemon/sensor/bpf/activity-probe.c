/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The probe of the hooks about activities: what the daemon does itself must be refused, and told. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "daemon/sensor/bpf/tries.h"
#include "lib/io/fd.h"

static_assert(_WHAT_MAX <= 32, "a set of ways is an unsigned");

/* What the trials have shown, sets of bits 1 << Event. A hook that our own sandbox keeps us from trying counts with the others
 * of its event; an event of which none could be tried is not claimed. */
typedef struct Shown {
        unsigned refused, silent, powerless;
} Shown;

static void try_one(Observer *o, const Trial *t, unsigned number, Shown *s) {
        ActivityWhat what = trial_what(number);
        unsigned event = 1U << (_EVENT_CODE_MAX + activity_kind_of(what));
        int r;

        o->activity_probe.seen = 0;
        r = trial_do(t, number);
        drain_probe(o);
        if (!(o->activity_probe.seen & 1U << what))
                s->silent |= r == -EPERM || r > 0 ? 0 : event;
        else if (r <= 0 && r != -EPERM)
                s->powerless |= event;
        else
                s->refused |= event;
}

static void settle(Rung rung, const Shown *s, Event e, Level ret_levels[_EVENT_MAX], const char *ret_why[_EVENT_MAX]) {
        unsigned event = 1U << e;

        if (s->silent & event || !((s->refused | s->powerless) & event)) {
                ret_levels[e] = LEVEL_OFF;
                ret_why[e] =
                        s->silent & event ? "the hook does not fire" : "the daemon may not try what the hook is about";
        } else if (s->powerless & event || rung == RUNG_FENTRY) { /* also where the answer says nothing */
                ret_levels[e] = LEVEL_OBSERVE;
                ret_why[e] = "fentry: can only see";
        }
}

static bool is_of_kernel(Event e) {
        return (e >= EVENT_MEMORY && e <= EVENT_DM) || e == EVENT_SELF;
}

static void set_all(Level level, const char *why, Level ret_levels[_EVENT_MAX], const char *ret_why[_EVENT_MAX]) {
        for (Event e = 0; e < _EVENT_MAX; e++)
                if (is_of_kernel(e)) {
                        ret_levels[e] = level;
                        ret_why[e] = why;
                }
}

/* By which programs of the kernel, as the levels of code say it. */
static const char *const rungs[_RUNG_MAX] = {
        [RUNG_LSM] = "lsm", [RUNG_FMOD_RET] = "fmod_ret", [RUNG_FENTRY] = "fentry"
};

static uint32_t tpm_major(void) {
        struct stat st;

        return stat("/dev/tpmrm0", &st) < 0 ? 0 : major(st.st_rdev);
}

/* The programs of earlier daemons have nothing to say about us, nor about our canary. */
static void let_go(Observer *o, const Trial *t) {
        _cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        FileIdentity file;

        if (self >= 0 && observer_identify(observer_identify_fd(o), self, &file) >= 0)
                keep_let_go(o, 2, file.inode_address);
        if (observer_identify(observer_identify_fd(o), t->file, &file) >= 0)
                keep_let_go(o, 0, file.inode_address);
}

/* A file of ours to be kept off. */
static void prepare_own(Observer *o, const char *run_dir, Trial *t) {
        _cleanup_close_ int fd = -1;

        t->map_id = programs_map_id(o->programs);
        t->link_id = programs_link_id(o->programs);
        t->program_id = programs_program_id(o->programs);
        if (snprintf(t->own, sizeof(t->own), "%s/.probe", run_dir) >= (int) sizeof(t->own))
                t->own[0] = '\0';
        fd = *t->own ? open(t->own, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
}

void observer_probe_activities(Observer *o, const char *canary, const char *run_dir, Level ret_levels[_EVENT_MAX],
                               const char *ret_why[_EVENT_MAX]) {
        ActivityState *state;
        Shown shown = {};
        Trial t;

        if (!o->programs || o->rung == RUNG_NONE)
                return set_all(LEVEL_OFF,
                               o->options.hooks == RUNG_NONE ? "switched off (Hooks=no)"
                                                             : "the kernel takes no BPF security programs",
                               ret_levels, ret_why);
        state = programs_activities(o->programs);
        state->tpm_major = tpm_major();
        if (trial_begin(canary, &t) >= 0)
                let_go(o, &t);
        if (t.file < 0 || trial_spawn(&t) < 0) {
                keep_let_go(o, 0, 0);
                trial_done(&t);
                return set_all(LEVEL_OFF, "the probe could not be started", ret_levels, ret_why);
        }
        set_all(LEVEL_ENFORCE, rungs[o->rung], ret_levels, ret_why);
        prepare_own(o, run_dir, &t);
        o->activity_probe.active = true;
        __atomic_store_n(&state->probing, 1, __ATOMIC_RELEASE);
        for (unsigned i = 0; trial_what(i) < _WHAT_MAX; i++)
                try_one(o, &t, i, &shown);
        __atomic_store_n(&state->probing, 0, __ATOMIC_RELEASE);
        drain_now(o);
        for (Event e = 0; e < _EVENT_MAX; e++)
                if (is_of_kernel(e))
                        settle(o->rung, &shown, e, ret_levels, ret_why);
        o->activity_probe.active = false;
        keep_let_go(o, 0, 0);
        if (*t.own)
                (void) unlink(t.own);
        trial_done(&t);
}
