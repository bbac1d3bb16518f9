/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "harness.h"

void skip_all(const char *why) __attribute__((__noreturn__));
void places_init(void);
void places_end(void);
void launcher_init(void);
void launcher_attach(sd_event *event); /* NULL: leave the loop */
void launcher_end(void);
void cgroups_end(void);
