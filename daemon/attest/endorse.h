/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Endorsements of a report: from the host's table, the cache, the host's or AMD's service, whichever has them first. Every
 * one of these is somebody else's bytes: what is taken is of the report's chip and TCB, signed up to AMD's root. */

#include "daemon/attest/provider.h"

/* Fills in vek, chain, crl and endorsed_by, or endorsement_problem. */
void endorse(Gathering *g, Gathered *ret);
