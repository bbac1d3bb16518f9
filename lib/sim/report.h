/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reports of simulated processors. */

#include "lib/sim/pki.h"

/* What a processor of that generation would report in that version (2 to 5), for a guest at VMPL 0 without debugging or
 * migration; the chip's id and REPORT_ID follow from the seed. Not signed yet. */
SnpReport sim_report(uint32_t version, SnpProduct product, SnpRole signer, uint8_t seed);

/* The security versions in its REPORTED_TCB. */
SnpTcb sim_report_tcb(const SnpReport *r, SnpProduct product);

/* Signs it with a key on P-384. 0, -ENOMEM or -EIO. */
int sim_report_sign(SnpReport *r, SimPkey key);

/* Writers of what snp_u32() and snp_u64() read. */
void sim_put_u32(uint8_t p[4], uint32_t v);
void sim_put_u64(uint8_t p[8], uint64_t v);
