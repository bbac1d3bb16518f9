/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/types.h>

/* The .bss of probe.bpf.c. */
typedef struct ProbeState {
        __u32 pid;   /* whose opens count */
        __u32 fired; /* how many of them a program saw */
} ProbeState;
