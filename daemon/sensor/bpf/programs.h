/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel-side programs: loaded, attached, and what they share with us. */

#include <stdbool.h>
#include <stddef.h>

#include "bpf/abi.h"
#include "daemon/sensor/bpf/pins.h"

typedef struct Programs Programs;

/* Loads, with the hooks where settings wants them and the kernel takes them. ring_size: bytes, a power of two of at least a
 * page. On failure a negative errno, and *ret_why says what is missing (static). */
int programs_load(const SensorSettings *settings, size_t ring_size, Programs **ret, const char **ret_why);

/* True when the hooks are loaded. That they fire is shown by a probe only: where BPF is not among the active security
 * modules they load, attach, and never do. */
bool programs_have_hooks(const Programs *p);
Programs *programs_free(Programs *p);

/* For this process. 0 or a negative errno. */
int programs_attach(Programs *p);

/* Gives names to all maps and, once they are attached, to the programs: then they outlive this process. 0 or a negative errno. */
int programs_pin_maps(const Programs *p, Pins *pins);
int programs_pin_links(const Programs *p, Pins *pins);

/* Ends them all, but for the one behind programs_identify_fd(); nothing else may be asked for afterwards. */
void programs_detach(Programs *p);

/* Shared with the programs, which write to it at any time. */
SensorState *programs_state(Programs *p);

int programs_ring_fd(const Programs *p);
int programs_identify_fd(const Programs *p);

/* Hands the hooks another policy, in one step. 0 or a negative errno: then the old one stays in force. */
int programs_set_policy(Programs *p, const KernelPolicy *policy, const KernelDigest *digests);

/* How often the kernel left out a program because it was running on the same CPU already; a negative errno. */
long programs_missed(const Programs *p);
