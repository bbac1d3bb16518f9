/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl policy check: without the daemon. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "policy/compile.h"
#include "policy/config.h"
#include "policy/load.h"
#include "tools/ctl/ctl.h"

DEFINE_CLEANUP(Policy *, policy_free)

int verb_policy(const Ctl *c, int argc, char **argv) {
        if (argc >= 2 && streq(argv[1], "check"))
                return verb_policy_check(c, argc - 1, argv + 1);
        if (argc >= 2 && streq(argv[1], "learn"))
                return verb_policy_learn(c, argc - 1, argv + 1);
        return ctl_fail(c, CTL_USAGE, "usage: policy check | policy learn [--output FILE] DIR…");
}

/* "exec library", or "all events". */
static void event_words(unsigned events, char *ret, size_t size) {
        size_t used = 0;

        ret[0] = '\0';
        for (Event e = 0; e < _EVENT_MAX; e++)
                if (events & (1U << e) && used < size)
                        used += (size_t) snprintf(ret + used, size - used, "%s%s", used > 0 ? " " : "",
                                                  event_names[e]);
        if (events == 0)
                snprintf(ret, size, "all events");
}

static void action_words(unsigned actions, char *ret, size_t size) {
        size_t used = 0;

        ret[0] = '\0';
        for (unsigned i = 0; rule_action_names[i]; i++)
                if (actions & (1U << i) && used < size)
                        used += (size_t) snprintf(ret + used, size - used, "%s%s", used > 0 ? " " : "",
                                                  rule_action_names[i]);
}

static void print_people(const Policy *p) {
        char events[64], actions[64];

        printf("mode %s, %zu rules, first match wins; no match: allowed and recorded\n", mode_names[p->mode],
               p->rules_size);
        for (size_t i = 0; i < p->references_size; i++)
                printf("  reference %-20s %zu digests\n", p->references[i].name,
                       reference_set_size(p->references[i].set));
        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                event_words(r->events, events, sizeof(events));
                action_words(r->actions, actions, sizeof(actions));
                printf("  rule %-25s %-20s %-16s %s (%s:%u)\n", r->name, events, actions, rule_decided_by(r), r->file,
                       r->line);
        }
}

static int print_json(const Policy *p) {
        json_auto_t *all = json_object();
        json_t *rules = json_array(), *references = json_object();
        char events[64], actions[64];

        json_object_set_new(all, "result", json_string("ok"));
        json_object_set_new(all, "mode", json_string(mode_names[p->mode]));
        json_object_set_new(all, "references", references);
        json_object_set_new(all, "rules", rules);
        for (size_t i = 0; i < p->references_size; i++)
                json_object_set_new(references, p->references[i].name,
                                    json_integer((json_int_t) reference_set_size(p->references[i].set)));
        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                event_words(r->events, events, sizeof(events));
                action_words(r->actions, actions, sizeof(actions));
                json_array_append_new(rules, json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "name", r->name, "events", events,
                                                       "action", actions, "decided", rule_decided_by(r), "file",
                                                       r->file, "line", (int) r->line));
        }
        if (json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS) < 0)
                return CTL_UNREACHABLE;
        putchar('\n');
        return CTL_YES;
}

static int print_problems(const Ctl *c, const ProblemList *l) {
        json_auto_t *all = json_object();
        json_t *list = json_array();

        json_object_set_new(all, "result", json_string("mistakes"));
        json_object_set_new(all, "problems", list);
        for (size_t i = 0; i < l->size; i++) {
                const Problem *p = &l->items[i];
                _cleanup_free_ char *text = problem_format(p);

                if (!c->json)
                        fprintf(stderr, "%s\n", strempty(text));
                json_array_append_new(list,
                                      json_pack("{s:s,s:i,s:i,s:s}", "file", strempty(p->file), "line", (int) p->line,
                                                "column", (int) p->column, "message", p->message));
        }
        if (!c->json)
                fprintf(stderr, "%zu mistakes\n", l->size + l->dropped);
        else if (json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS) >= 0)
                putchar('\n');
        return CTL_NO;
}

typedef struct Checking {
        Config config;
        ProblemList *problems;
} Checking;

static int check_config_file(void *userdata, const char *path, const char *text, size_t n) {
        Checking *k = userdata;

        return config_apply(&k->config, path, text, n, k->problems);
}

static int check_config(const Ctl *c, ProblemList *problems, char **reterr_path) {
        Checking k = { .problems = problems };
        int r = config_init(&k.config);

        if (r >= 0)
                r = config_each_daemon_file(c->config_dirs, check_config_file, &k, reterr_path);
        if (r >= 0)
                config_check(&k.config, problems);
        config_done(&k.config);
        return r;
}

int verb_policy_check(const Ctl *c, int argc, char **argv _unused_) {
        const PolicySource source = { (void *) c->config_dirs, config_policies, config_reference, config_user };
        _cleanup_(problem_list_done) ProblemList problems = {};
        _cleanup_(policy_freep) Policy *p = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (argc != 1)
                return ctl_fail(c, CTL_USAGE, "policy check takes no arguments; --config-dir DIR says where to look");
        r = check_config(c, &problems, &path);
        if (r >= 0)
                r = policy_load(&source, &p, &problems);
        if (r < 0 && r != -EBADMSG)
                return ctl_fail(c, CTL_NO, "cannot read %s: %s", path ?: "the policy", strerror(-r));
        if (!problem_list_is_empty(&problems))
                return print_problems(c, &problems);
        if (c->json)
                return print_json(p);
        print_people(p);
        return CTL_YES;
}
