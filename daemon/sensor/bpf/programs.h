/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel-side programs: loaded, attached, and what they share with us. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "daemon/sensor/bpf/pins.h"

typedef struct Programs Programs;

/* Loads, with the hooks of a rung. ring_size: bytes, a power of two of at least a page. That hooks fire is shown by a probe
 * only: where BPF is not among the active security modules those of RUNG_LSM load, attach, and never do. The lower rungs ask
 * for the gate's answers: without a daemon they let programs go. On failure a negative errno, and *ret_why says what is
 * missing, or which program was refused (static, until the next time). */
int programs_load(const SensorSettings *settings, size_t ring_size, Programs **ret, const char **ret_why);
Programs *programs_free(Programs *p);

/* For this process. 0 or a negative errno. */
int programs_attach(Programs *p);

/* Gives names to all maps and, once they are attached, to the programs: then they outlive this process. 0 or a negative errno. */
int programs_pin_maps(const Programs *p, Pins *pins);
int programs_pin_links(const Programs *p, Pins *pins);

/* From now on they refuse nothing and judge nothing; what ran is told still. */
void programs_retire(Programs *p);

/* Ends them all, but for the one behind programs_identify_fd(); nothing else may be asked for afterwards. */
void programs_detach(Programs *p);

/* Shared with the programs, which write to it at any time. */
SensorState *programs_state(Programs *p);

/* The same of the programs about activities. */
ActivityState *programs_activities(Programs *p);

/* A directory, held open, that the programs protect (GUARD_*). 0 or a negative errno. */
int programs_guard(const Programs *p, uint64_t inode_address, uint32_t why);

/* What was told once is told once more. */
void programs_tell_again(const Programs *p);

/* Tells them the numbers of all our maps, links and programs, so that nobody else gets at them. 0 or a negative errno. */
int programs_own(const Programs *p);

/* The number of one of them; 0: there is none. */
uint32_t programs_map_id(const Programs *p);
uint32_t programs_link_id(const Programs *p);
uint32_t programs_program_id(const Programs *p);

int programs_ring_fd(const Programs *p);
int programs_identify_fd(const Programs *p);

/* Hands the hooks another policy, in one step. 0 or a negative errno: then the old one stays in force. */
int programs_set_policy(Programs *p, const KernelPolicy *policy, const KernelDigest *digests);

/* How often the kernel left out a program because it was running on the same CPU already; a negative errno. */
long programs_missed(const Programs *p);

/* On the lower rungs, else nothing: says until when (CLOCK_BOOTTIME, ns) a process may run a file; 0: no longer. 0 or a
 * negative errno. */
int programs_admit(Programs *p, const Admission *admission, uint64_t until);

/* On the lower rungs: the digest of an open file, under a read lease. 0 or a negative errno: then it is not kept. */
int programs_learn(Programs *p, int fd, const uint8_t digest[ABI_DIGEST_SIZE]);
