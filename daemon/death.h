/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The note of OnDeath=lock in the runtime directory: as the daemon writes it, and as sealwatch-lock renames it when it has done
 * what it says. */
#define DEATH_NOTE_FILE "on-death"
#define DEATH_DONE_FILE "died"
