/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sealwatchctl drill tries. Each form is harmless where nobody refuses it. */

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/drill.h"

/* What came of one, as who tried it saw it. */
typedef enum DrillTry {
        TRY_DONE,    /* nobody refused it */
        TRY_REFUSED, /* with EPERM or EACCES */
        TRY_ABSENT,  /* this machine has nothing to try it on */
        TRY_UNABLE,  /* not tried: who tries it could not be set up */
} DrillTry;

/* Where it is tried. 0 and "": there is none. */
typedef struct DrillPlaces {
        pid_t daemon;
        uint32_t map, link, program;
        char run[256], pins[256], cgroup[256];
} DrillPlaces;

/* Whether somebody refused it, by what a system call returned. */
DrillTry drill_result(long result);

enum { DRILL_USER = 65534 }; /* nobody, and its group: runs the items about code */

/* An item that is no code. In a process of its own. */
DrillTry drill_attempt(DrillItem item, const DrillPlaces *places);

/* An item about code, in a directory of its own; the files stay. */
DrillTry drill_run_code(DrillItem item, const char *id, const char *directory);
