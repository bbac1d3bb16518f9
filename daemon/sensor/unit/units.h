/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd runs and how: each unit that it has loaded, known by a digest of its files and commands. Signals only say that
 * it is worth looking again; what counts is what systemd answers when it is asked (org.freedesktop.systemd1(5)). Nothing here
 * waits for the bus or a file system. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "lib/digest.h"
#include "policy/level.h"

typedef struct Units Units;

enum { UNITS_MAX = 8192 }; /* more are not followed, and the level says so */

/* A unit that is new, or not what it was. Strings are borrowed. */
typedef struct UnitSeen {
        const char *name;              /* "ssh.service" */
        const char *fragment;          /* the file that it was loaded from; "" where there is none */
        const char *command;           /* the program that it starts; "" where there is none */
        uint8_t digest[SHA256_SIZE];   /* of its files, drop-ins and commands */
        uint8_t previous[SHA256_SIZE]; /* zero when it is new */
        bool transient;                /* made by a program, not by a file */
        bool stale; /* the files are not those that systemd loaded: it was not told to load them again */
} UnitSeen;

typedef struct UnitsOps {
        /* Everything that was loaded when we looked for the first time: how many, and a digest over their names and digests,
         * in the order of the names. */
        void (*listed)(void *userdata, size_t units, const uint8_t digest[SHA256_SIZE]);
        void (*changed)(void *userdata, const UnitSeen *u); /* after that */
        /* LEVEL_OBSERVE once everything was read, else LEVEL_OFF and why (static). */
        void (*level)(void *userdata, Level level, const char *why);
        void *userdata;
} UnitsOps;

/* address: of the bus; NULL: the system bus. No bus there yet is no error: level() comes when there is one. 0 or a negative
 * errno. */
int units_new(sd_event *event, const char *address, const UnitsOps *ops, Units **ret);
Units *units_free(Units *u);

/* Looks at everything again, in case that a signal was lost. */
void units_look(Units *u);
