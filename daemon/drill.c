/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drills: who will try what is found out by us, and where it is to be tried is said by us. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "daemon/manager.h"
#include "daemon/sensor/subject.h"
#include "dbus/names.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/log.h"

enum { TARGETS_MAX = 8, NUMBER_SIZE = 24 };

static int scratch_path(const Manager *m, char ret[PATH_MAX]) {
        int n = snprintf(ret, PATH_MAX, "%s/drill", m->options->run_dir);

        return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A file of ours that nobody misses when removing it is not refused. */
static int make_scratch(const Manager *m) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];
        int r = scratch_path(m, path);

        if (r < 0)
                return r;
        fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : 0;
}

static void remove_scratch(const Manager *m) {
        char path[PATH_MAX];

        if (scratch_path(m, path) >= 0)
                (void) unlink(path);
}

/* Returns how many are known; -EINVAL for a name that none has. */
static int ask_for(const BusRequest *q, DrillAsked ret[_DRILL_MAX]) {
        int n = 0;

        if (q->items_size > _DRILL_MAX)
                return -EINVAL;
        for (size_t i = 0; i < q->items_size; i++) {
                DrillItem item = drill_item_from_name(q->items[i].name);
                DrillAsked asked = { .item = item };

                if (item == _DRILL_INVALID)
                        return -EINVAL;
                if (drill_row(item)->how && process_started(q->items[i].pid, &asked.started, &asked.tolerance) >= 0)
                        asked.pid = q->items[i].pid;
                ret[n++] = asked;
        }
        return n;
}

typedef struct Targets {
        char pid[NUMBER_SIZE], map[NUMBER_SIZE], link[NUMBER_SIZE], program[NUMBER_SIZE];
        DrillTarget list[TARGETS_MAX];
} Targets;

static void add_number(DrillTarget *list, size_t *n, const char *name, char text[NUMBER_SIZE], uint32_t number) {
        if (number == 0)
                return;
        snprintf(text, NUMBER_SIZE, "%" PRIu32, number);
        list[(*n)++] = (DrillTarget){ name, text };
}

static void find_targets(const Manager *m, Targets *ret) {
        ObserverObjects own = {};
        const char *why;
        size_t n = 0;

        *ret = (Targets){};
        ret->list[n++] = (DrillTarget){ "run", m->options->run_dir };
        add_number(ret->list, &n, "pid", ret->pid, (uint32_t) getpid());
        if (!m->observer)
                return;
        observer_objects(m->observer, &own);
        add_number(ret->list, &n, "map", ret->map, own.map);
        add_number(ret->list, &n, "link", ret->link, own.link);
        add_number(ret->list, &n, "program", ret->program, own.program);
        if (observer_pinned(m->observer, &why) > 0)
                ret->list[n++] = (DrillTarget){ "pins", m->options->bpf_dir };
}

static void begin(Manager *m, const BusRequest *q) {
        Input in = { .type = INPUT_DRILL, .drill = { .request = q->id, .uid = q->uid, .pid = q->pid } };
        DrillAsked asked[_DRILL_MAX];
        char id[SD_ID128_STRING_MAX];
        Targets targets;
        sd_id128_t random;
        int n = ask_for(q, asked);

        if (n < 0)
                return requests_fail(m, q->id, SEALWATCH_ERROR_INVALID, "there is no such item");
        if (sd_id128_randomize(&random) < 0 || make_scratch(m) < 0)
                return requests_fail(m, q->id, SEALWATCH_ERROR_FAILED, "the drill could not be prepared");
        find_targets(m, &targets);
        in.drill.id = sd_id128_to_string(random, id);
        in.drill.asked = asked;
        in.drill.asked_size = (size_t) n;
        in.drill.targets = targets.list;
        manager_feed(m, &in);
        if (engine_drill(m->engine)->phase == DRILL_NONE)
                remove_scratch(m);
}

/* What was tried before is told before. */
static void finish(Manager *m, const BusRequest *q) {
        const Input in = { .type = INPUT_DRILL_END, .drill = { .request = q->id, .uid = q->uid, .id = q->name } };

        if (m->observer)
                observer_drain(m->observer);
        manager_feed(m, &in);
}

void drill_request(Manager *m, const BusRequest *q) {
        if (q->type == BUS_DRILL)
                begin(m, q);
        else
                finish(m, q);
}

void drill_perform(Manager *m, const Action *a) {
        const Drill *d = engine_drill(m->engine);
        BusPair left_out[_DRILL_MAX + 1] = {}, places[TARGETS_MAX + 1] = {};
        BusReply reply = { .fd = -1, .texts = { d->id }, .size = d->begun, .pairs = { places, left_out } };
        Targets targets;
        size_t n = 0;

        if (d->phase != DRILL_OPEN)
                remove_scratch(m);
        if (m->observer)
                observer_tell_again(m->observer);
        if (a->drill == 0)
                return;
        find_targets(m, &targets);
        for (size_t i = 0; i < TARGETS_MAX && targets.list[i].name; i++)
                places[i] = (BusPair){ targets.list[i].name, targets.list[i].text };
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (d->items[item].asked && d->items[item].why)
                        left_out[n++] = (BusPair){ drill_row(item)->name, d->items[item].why };
        if (m->bus)
                bus_reply(m->bus, a->drill, &reply);
}
