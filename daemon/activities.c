/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done to the machine's running state, from the kernel side and from watched configuration. */

#include "daemon/manager.h"
#include "lib/io/log.h"

static const Watched watched_of[] = {
        [EVENT_MEMORY] = WATCHED_MEMORY, [EVENT_MODULE_REQUEST] = WATCHED_MODULE_REQUEST,
        [EVENT_BPF] = WATCHED_BPF,       [EVENT_PTRACE] = WATCHED_PTRACE,
        [EVENT_MOUNT] = WATCHED_MOUNT,   [EVENT_SETUID] = WATCHED_SETUID,
        [EVENT_DEVICE] = WATCHED_DEVICE, [EVENT_DM] = WATCHED_DM,
        [EVENT_SELF] = WATCHED_SELF,
};

void activities_seen(void *userdata, Activity *a, uint32_t generation) {
        Manager *m = userdata;
        Input in = { .type = INPUT_ACTIVITY, .activity = *a };

        in.activity.stale = generation != m->kernel_generation;
        if (m->started)
                manager_feed(m, &in);
}

void activities_probe(Manager *m) {
        const ObserverProtect protect = {
                .run_dir = m->options->run_dir,
                .state_dir = m->options->state_dir,
                .log_dir = m->options->log_dir,
                .refuse_stop = m->config.refuse_stop,
        };
        const char *why[_EVENT_MAX];
        Level levels[_EVENT_MAX];
        int r;

        r = observer_protect(m->observer, &protect);
        observer_probe_activities(m->observer, m->options->canary, m->options->run_dir, levels, why);
        if (r < 0 && levels[EVENT_SELF] > LEVEL_OFF) {
                levels[EVENT_SELF] = LEVEL_OFF;
                why[EVENT_SELF] = "what is to be protected could not be told to the kernel";
        }
        for (Event e = EVENT_MEMORY; e <= EVENT_SELF; e++)
                if (e > EVENT_DM && e != EVENT_SELF)
                        continue;
                else if (m->hooks) /* whose silence would be found out */
                        sensors_set_level(m, watched_of[e], levels[e], why[e]);
                else
                        sensors_set_level(m, watched_of[e], LEVEL_OFF, "the hooks are not claimed");
}

static void on_file_changed(void *userdata, const Activity *a) {
        const Input in = { .type = INPUT_ACTIVITY, .activity = *a };
        Manager *m = userdata;

        if (m->started)
                manager_feed(m, &in);
}

static void on_files_lost(void *userdata, uint64_t count) {
        const Input in = { .type = INPUT_LOST, .lost = { .sensor = "config", .count = count } };
        Manager *m = userdata;

        if (m->started)
                manager_feed(m, &in);
}

/* Configuration is the machine's; who watches a cgroup names what he wants to know of. */
void activities_watch_files(Manager *m) {
        const FilesOps ops = { .changed = on_file_changed, .lost = on_files_lost, .userdata = m };
        const char *const *patterns = (const char *const *) m->config.files;
        const char *why = "nothing is to be watched (Files=)";
        Level level = LEVEL_OFF;

        if (!patterns && !m->config.scope_cgroup)
                patterns = config_default_files;
        if (patterns && *patterns && files_new(m->event, patterns, &ops, &m->files, &why) >= 0)
                level = files_start(m->files, m->options->run_dir, &why);
        sensors_set_level(m, WATCHED_CONFIG, level, why);
}
