/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Named places where a test kills or stops the daemon, and hooks that are worse than they need be: tests/edge builds it a second time
 * with SEALWATCH_STEPS. The daemon that is installed has nothing of this. */

#include <stdbool.h>

#ifdef SEALWATCH_STEPS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* SEALWATCH_KILL_AT="name" or "name#N": dies at the N-th time it comes there. SEALWATCH_STOP_AT="name": stands there until somebody
 * lets it go on. */
static inline void step(const char *name) {
        const char *at = getenv("SEALWATCH_KILL_AT"), *stop = getenv("SEALWATCH_STOP_AT");
        size_t n = strlen(name);
        static int seen;

        if (stop && strcmp(stop, name) == 0)
                kill(getpid(), SIGSTOP);

        if (!at || strncmp(at, name, n) != 0 || (at[n] != '\0' && at[n] != '#'))
                return;
        if (at[n] == '\0' || ++seen >= atoi(at + n + 1))
                kill(getpid(), SIGKILL);
}

/* SEALWATCH_RUNG="fentry": no kernel that tests run on needs what is below the others. */
static inline bool step_only_sees(void) {
        const char *name = getenv("SEALWATCH_RUNG");

        return name && strcmp(name, "fentry") == 0;
}

#else

static inline void step(const char *name) {
        (void) name;
}

static inline bool step_only_sees(void) {
        return false;
}

#endif
