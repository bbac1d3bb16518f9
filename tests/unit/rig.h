/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An engine to feed by hand, and what came of it. */

#include "core/resume.h"
#include "tests/test.h"

enum { RIG_TOKENS = 1 << 14 };

typedef struct Rig {
        Engine *engine;
        EngineConfig config;
        PcrValues pcrs;
        Now now;
        ActionList list;             /* of the last input */
        int result;                  /* of the last input */
        void (*around)(bool inside); /* NULL, or called when the engine begins and ends to think */
        bool on_its_way;             /* a commit */
        uint8_t answers[RIG_TOKENS]; /* 0: none, 1: denied, 2: allowed; a second one fails the test */
        StartFacts facts;

        /* what the actions left behind */
        Buffer log, pending;
        BankDigests commit; /* on its way */
        uint64_t committed;
        PcrValues registers;
        Reconciliation found; /* by rig_resume() */
} Rig;

#define RIG_KNOWN "/usr/bin/known" /* the digest of its path is in the reference set "base" */

/* Not started yet. policy: text as in a policy file; [Reference base] is known there. */
void rig_new(Rig *rig, const char *policy);
void rig_done(Rig *rig);

/* Another engine of the same configuration, with that policy. */
void rig_again(Rig *rig, const char *policy);
Policy *rig_policy(const char *text);

/* The daemon died, and another one starts with that policy: the engine has taken in what is left, and has not started. */
void rig_resume(Rig *rig, const char *policy);

void rig_feed(Rig *rig, const Input *in); /* result in rig->result */
void rig_settle(Rig *rig);                /* all commits are extended; the list is what the last of them led to */
void rig_start(Rig *rig);                 /* fresh, harvested, ready, settled */
void rig_tick(Rig *rig, usec_t by);       /* time passes, and the timer comes if it is due */

/* A program asks: with its digest unless failure is a row. Answered in the list, or not. */
void rig_exec(Rig *rig, uint64_t token, const char *path, Failure failure);
Observation rig_observation(uint64_t token, const char *path, Failure failure);

State rig_state(const Rig *rig);
unsigned rig_reasons(const Rig *rig);

size_t rig_count(const Rig *rig, ActionType type);
const Action *rig_find(const Rig *rig, ActionType type);       /* the first; fails the test when there is none */
bool rig_answered(const Rig *rig, uint64_t token, bool allow); /* by now */

/* The first event of the kind that was recorded in the list, NULL: none. The caller frees it. */
json_t *rig_event(const Rig *rig, Kind kind);
/* That it was, and that this text key says so. */
void rig_expect(const Rig *rig, Kind kind, const char *key, const char *value);
