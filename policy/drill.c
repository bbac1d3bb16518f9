/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of the drill. */

#include "policy/drill.h"

#include <stdio.h>

#include "lib/canary.h"
#include "policy/compile.h"

enum { NONCE_SIZE = DRILL_ID_SIZE + 1 + DRILL_NAME_MAX };
static_assert((int) NONCE_SIZE <= (int) CANARY_NONCE_MAX, "id and name are a canary's nonce");

#define SELF(name, how)                                                                                               \
        { name, EVENT_SELF, how, LEVEL_ENFORCE, NULL }
#define NAMED(name, how, why)                                                                                         \
        { name, EVENT_SELF, how, LEVEL_ENFORCE, why }
#define OTHER(name, event, how)                                                                                       \
        { name, event, how, LEVEL_ENFORCE, NULL }
#define CODE(name, event, needs)                                                                                      \
        { name, event, NULL, needs, NULL }

static const DrillRow rows[] = {
        [DRILL_SIGNAL] = SELF("signal", "signal"),
        [DRILL_PTRACE] = SELF("ptrace", "ptrace"),
        [DRILL_READ_MEMORY] = SELF("read-memory", "ptrace"),
        [DRILL_OPEN_MEMORY] = SELF("open-memory", "write"),
        [DRILL_GET_DESCRIPTOR] = SELF("get-descriptor", "ptrace"),
        [DRILL_LIMIT] = SELF("limit", "limit"),
        [DRILL_PROCESSORS] = SELF("processors", "limit"),
        [DRILL_OOM_SCORE] = SELF("oom-score", "write"),
        [DRILL_SYSRQ] = SELF("sysrq", "kernel"),
        [DRILL_LOG] = SELF("log", "write"),
        [DRILL_PID_REUSE] = SELF("pid-reuse", "write"),
        [DRILL_REMOVE] = SELF("remove", "remove"),
        [DRILL_PINS] = SELF("pins", "remove"),
        [DRILL_MAP] = SELF("map", "map"),
        [DRILL_LINK] = SELF("link", "link"),
        [DRILL_PROGRAM] = SELF("program", "program"),
        [DRILL_MOUNT] = SELF("mount", "mount"),
        [DRILL_UNMOUNT] = SELF("unmount", "mount"),
        [DRILL_CGROUP_KILL] = SELF("cgroup-kill", "cgroup"),
        [DRILL_CGROUP_FREEZE] = SELF("cgroup-freeze", "cgroup"),
        [DRILL_CGROUP_LIMIT] = SELF("cgroup-limit", "cgroup"),
        [DRILL_CGROUP_MOVE] = NAMED("cgroup-move", "cgroup", "moving the daemon to another cgroup"),
        [DRILL_FTRACE] = SELF("ftrace", "kernel"),
        [DRILL_KPROBE] = SELF("kprobe", "kprobe"),
        [DRILL_LIVEPATCH] = SELF("livepatch", "kernel"),
        [DRILL_TPM_DRIVER] = SELF("tpm-driver", "kernel"),
        [DRILL_TPM_DEVICE] = OTHER("tpm-device", EVENT_DEVICE, "tpm"),
        [DRILL_BPF] = OTHER("bpf", EVENT_BPF, "load"),
        [DRILL_EXEC] = CODE("exec", EVENT_EXEC, LEVEL_GATE),
        [DRILL_MEMFD] = CODE("memfd", EVENT_EXEC, LEVEL_ENFORCE),
        [DRILL_LOADER] = CODE("loader", EVENT_LIBRARY, LEVEL_ENFORCE),
        [DRILL_LIBRARY] = CODE("library", EVENT_LIBRARY, LEVEL_ENFORCE),
        [DRILL_MODULE] = CODE("module", EVENT_MODULE, LEVEL_ENFORCE),
        [DRILL_RACE_RENAME] = CODE("race-rename", EVENT_EXEC, LEVEL_GATE),
        [DRILL_RACE_WRITE] = CODE("race-write", EVENT_EXEC, LEVEL_GATE),
};
static_assert(ELEMENTSOF(rows) == _DRILL_MAX, "a row per item");

const DrillRow *drill_row(DrillItem item) {
        return &rows[item];
}

DrillItem drill_item_from_name(const char *name) {
        for (DrillItem i = 0; i < _DRILL_MAX; i++)
                if (streq(rows[i].name, name))
                        return i;
        return _DRILL_INVALID;
}

static Level level_of(Event event, const Level levels[_WATCHED_MAX]) {
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                if (streq(watched_names[w], event_names[event]))
                        return levels[w];
        return LEVEL_OFF;
}

/* The program of the race is one that everybody knows, until it is written to: nothing tells that apart from an attack. */
static bool punishes_writers(const Policy *p, Level level) {
        if (p->failures[FAILURE_OPEN_WRITERS] == ON_FAILURE_LOCK)
                return true;
        for (size_t i = 0; i < p->rules_size; i++)
                if (p->rules[i].events & 1U << EVENT_OVERWRITE &&
                    (p->rules[i].actions & (RULE_LOCK | RULE_KILL) || level < LEVEL_ENFORCE))
                        return true;
        return false;
}

/* What another item does to the same object by the same hook: nobody refuses it in observe, and then the kernel side tells once per
 * program, object and hook. */
static bool is_told_already(DrillItem item) {
        return item == DRILL_READ_MEMORY || item == DRILL_GET_DESCRIPTOR || item == DRILL_PROCESSORS ||
               item == DRILL_PID_REUSE;
}

const char *drill_obstacle(DrillItem item, const Policy *policy, const Level levels[_WATCHED_MAX]) {
        Level level = level_of(rows[item].event, levels);

        if (level == LEVEL_OFF)
                return "nothing watches it here: its level is off";
        if (policy->mode == MODE_OBSERVE && is_told_already(item))
                return "in observe it is told together with another item, once";
        if (item == DRILL_MEMFD && (policy->mode == MODE_OBSERVE || level < rows[item].needs))
                return "nothing refuses it: it would have run past the gate";
        if (item == DRILL_MEMFD && level_of(EVENT_LIBRARY, levels) < LEVEL_ENFORCE)
                return "the kernel side has no digest of it to be told by";
        if (rows[item].event == EVENT_LIBRARY && level < rows[item].needs)
                return "the kernel side has no digest of it to be told by, before it was used";
        if (policy->mode == MODE_ENFORCE && level < rows[item].needs)
                return "its level denies nothing: done, it would be a violation";
        if (policy->mode == MODE_ENFORCE && rows[item].how && !policy_denies_activity(policy, rows[item].event))
                return "the kernel does not refuse it to everybody: done, it could be an attack";
        if (item == DRILL_RACE_WRITE && policy->mode == MODE_OBSERVE)
                return "in observe it may run while it is written to, without a digest to be told by";
        if (item == DRILL_RACE_WRITE && punishes_writers(policy, level_of(EVENT_OVERWRITE, levels)))
                return "the policy does more about writers than to refuse them";
        return NULL;
}

static int nonce_of(const char *id, DrillItem item, char ret[NONCE_SIZE + 1]) {
        return snprintf(ret, NONCE_SIZE + 1, "%.*s:%s", (int) DRILL_ID_SIZE, id, rows[item].name);
}

int drill_program(const char *id, DrillItem item, Buffer *ret) {
        char nonce[NONCE_SIZE + 1];
        int n = nonce_of(id, item, nonce);

        return canary_program(nonce, (size_t) n, ret);
}

int drill_digest(const char *id, DrillItem item, uint8_t ret[SHA256_SIZE]) {
        char nonce[NONCE_SIZE + 1];
        int n = nonce_of(id, item, nonce);

        return canary_digest(nonce, (size_t) n, ret);
}
