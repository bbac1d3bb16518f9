/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of events and modes in sealwatch.policy(5) says what the engine does.
 *
 *   test-modes PAGE */

#include "lib/base/cleanup.h"
#include "tests/unit/rig.h"

#define RULES                                                                                                         \
        "[Reference base]\n[Rule d]\nPath=/deny\nAction=deny\n[Rule k]\nPath=/kill\nAction=kill\n"                    \
        "[Rule l]\nPath=/lock\nAction=lock\n"                                                                         \
        "[Rule m]\nEvent=mount\nAction=deny\n"

static const char *page_path;

static void exec_known(Rig *rig) {
        rig_exec(rig, 1, RIG_KNOWN, _FAILURE_INVALID);
}

static void exec_unknown(Rig *rig) {
        rig_exec(rig, 1, "/opt/x", _FAILURE_INVALID);
}

static void exec_denied(Rig *rig) {
        rig_exec(rig, 1, "/deny", _FAILURE_INVALID);
}

static void exec_killed(Rig *rig) {
        rig_exec(rig, 1, "/kill", _FAILURE_INVALID);
}

static void exec_locked(Rig *rig) {
        rig_exec(rig, 1, "/lock", _FAILURE_INVALID);
}

static void ungated(Rig *rig, bool privileged) {
        const Input in = { .type = INPUT_EXECED,
                           .execed = { .subject = { .pid = 9 }, .path = "/x", .privileged = privileged } };

        rig_feed(rig, &in);
}

static void ungated_user(Rig *rig) {
        ungated(rig, false);
}

static void ungated_privileged(Rig *rig) {
        ungated(rig, true);
}

static void activity(Rig *rig, bool denied, bool privileged) {
        const Input in = { .type = INPUT_ACTIVITY,
                           .activity = { .event = EVENT_MOUNT,
                                         .target = "/mnt",
                                         .subject.pid = 9,
                                         .denied = denied,
                                         .privileged = privileged } };

        rig_feed(rig, &in);
}

static void activity_denied(Rig *rig) {
        activity(rig, engine_policy(rig->engine)->mode == MODE_ENFORCE, true);
}

static void activity_by_user(Rig *rig) {
        activity(rig, false, false);
}

static void activity_by_root(Rig *rig) {
        activity(rig, false, true);
}

static void tampered(Rig *rig) {
        const Input in = { .type = INPUT_TAMPER, .tamper = { .what = "pcr", .detail = "changed" } };

        rig_feed(rig, &in);
}

static void locked(Rig *rig) {
        const Input in = { .type = INPUT_LOCK, .lock = { .reason = "people" } };

        rig_feed(rig, &in);
}

static void less_than_at_start(Rig *rig) {
        const Input in = { .type = INPUT_LEVELS, .levels.levels = { LEVEL_GATE, LEVEL_OFF } };

        rig_feed(rig, &in);
}

static void died(Rig *rig) {
        const char *const policies[] = { "[Policy]\nMode=observe\n" RULES, "[Policy]\nMode=enforce\n" RULES };
        const Input ready = { .type = INPUT_READY };
        Mode mode = engine_policy(rig->engine)->mode;
        Input in = { .type = INPUT_START };

        rig_resume(rig, policies[mode]);
        in.start = rig->facts;
        in.start.pcrs = &rig->pcrs;
        rig_feed(rig, &in);
        rig_settle(rig);
        rig_feed(rig, &ready);
}

static void died_to_lock(Rig *rig) {
        rig->config.lock_on_death = true;
        died(rig);
}

static const struct {
        const char *event;
        void (*happens)(Rig *rig);
        const char *done[_MODE_MAX]; /* observe, enforce */
        State state[_MODE_MAX];
} table[] = {
        { "known code asks to run", exec_known, { "runs", "runs" }, { STATE_TRUSTED, STATE_TRUSTED } },
        { "unknown code asks to run",
          exec_unknown,
          { "runs after its extend", "runs after its extend" },
          { STATE_TRUSTED, STATE_TRUSTED } },
        { "a rule says deny",
          exec_denied,
          { "runs after its extend", "does not run" },
          { STATE_TRUSTED, STATE_TRUSTED } },
        { "a rule says kill",
          exec_killed,
          { "runs after its extend", "does not run, killed" },
          { STATE_TRUSTED, STATE_TRUSTED } },
        { "a rule says lock",
          exec_locked,
          { "runs after its extend", "does not run, lock plan" },
          { STATE_DEGRADED, STATE_VIOLATED } },
        { "code of a user ran past the gate",
          ungated_user,
          { "nothing", "killed" },
          { STATE_DEGRADED, STATE_DEGRADED } },
        { "privileged code ran past the gate",
          ungated_privileged,
          { "nothing", "lock plan" },
          { STATE_DEGRADED, STATE_VIOLATED } },
        { "a rule denies an activity, and the kernel refuses it",
          activity_denied,
          { "nothing", "nothing" },
          { STATE_TRUSTED, STATE_TRUSTED } },
        { "a rule denies an activity of a user, too late",
          activity_by_user,
          { "nothing", "killed" },
          { STATE_TRUSTED, STATE_DEGRADED } },
        { "a rule denies a privileged activity, too late",
          activity_by_root,
          { "nothing", "lock plan" },
          { STATE_TRUSTED, STATE_VIOLATED } },
        { "log, register, TPM or sensor is not as it must be",
          tampered,
          { "nothing", "lock plan" },
          { STATE_DEGRADED, STATE_VIOLATED } },
        { "a sensor can do less than it could",
          less_than_at_start,
          { "nothing", "nothing" },
          { STATE_DEGRADED, STATE_DEGRADED } },
        { "the daemon died, OnDeath=gap", died, { "nothing", "nothing" }, { STATE_TRUSTED, STATE_TRUSTED } },
        { "the daemon died, OnDeath=lock",
          died_to_lock,
          { "nothing", "lock plan" },
          { STATE_DEGRADED, STATE_VIOLATED } },
        { "somebody says sealwatchctl lock",
          locked,
          { "lock plan", "lock plan" },
          { STATE_VIOLATED, STATE_VIOLATED } },
};

static void what_was_done(Rig *rig, bool killed, bool plan, char ret[64]) {
        bool waited = rig->answers[1] == 0;

        rig_settle(rig);
        snprintf(ret, 64, "%s%s%s",
                 rig->answers[1] == 0   ? ""
                 : rig->answers[1] == 1 ? "does not run"
                 : waited               ? "runs after its extend"
                                        : "runs",
                 killed ? (rig->answers[1] ? ", killed" : "killed") : "",
                 plan ? (rig->answers[1] ? ", lock plan" : "lock plan") : "");
        if (!*ret)
                strcpy(ret, "nothing");
}

static void the_engine_does_what_the_table_says(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (Mode mode = 0; mode < _MODE_MAX; mode++) {
                        char policy[512], done[64];
                        bool died_first;
                        Rig rig;

                        snprintf(policy, sizeof(policy), "[Policy]\nMode=%s\n" RULES, mode_names[mode]);
                        rig_new(&rig, policy);
                        rig_start(&rig);
                        table[i].happens(&rig);
                        died_first = table[i].happens == died_to_lock; /* its plan was in an earlier list */
                        what_was_done(&rig, rig_count(&rig, ACTION_KILL) > 0,
                                      rig_count(&rig, ACTION_LOCK_STEP) > 0 ||
                                              (died_first && rig_state(&rig) == STATE_VIOLATED),
                                      done);
                        assert_string_equal(done, table[i].done[mode]);
                        assert_int_equal(rig_state(&rig), table[i].state[mode]);
                        rig_done(&rig);
                }
}

static void the_page_says_what_the_table_says(void **state _unused_) {
        static char page[1 << 16];
        _cleanup_(fclosep) FILE *f = fopen(page_path, "re");
        size_t rows = 0;

        assert_non_null(f);
        page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char row[512];

                snprintf(row, sizeof(row), "|  %s\n:  %s; %s\n:  %s; %s\n", table[i].event, table[i].done[0],
                         state_names[table[i].state[0]], table[i].done[1], state_names[table[i].state[1]]);
                if (!strstr(page, row))
                        fail_msg("%s does not say:\n%s", page_path, row);
        }
        for (const char *at = page; (at = strstr(at, "; ")); at++) /* and no other row */
                rows += startswith(at, "; trusted\n:") || startswith(at, "; degraded\n:") ||
                        startswith(at, "; violated\n:");
        assert_int_equal(rows, ELEMENTSOF(table));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TEST(the_engine_does_what_the_table_says),
                TEST(the_page_says_what_the_table_says),
        };

        if (argc != 2)
                return 2;
        page_path = argv[1];
        return RUN(tests);
}
