/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated guest: the engine at work, and evidence of it, round by round. */

#include "tests/evidence-case.h"
#include "tests/unit/rig.h"

typedef struct GuestCase {
        Rig rig;
        EvidenceCase evidence;
        const char *mode;
        uint64_t round;
        bool dead; /* no sensor sees anything any more */
} GuestCase;

#define GUEST_ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n[Rule unknown]\nReference=!base\nAction=deny\n"
#define GUEST_OBSERVE "[Policy]\nMode=observe\n[Reference base]\n[Rule unknown]\nReference=!base\nAction=deny\n"

/* Started, and through its first round. */
void guest_case_new(GuestCase *g, const SimPki *pki, EvidenceProvider provider, bool enforce);
void guest_case_done(GuestCase *g);

/* The daemon died, another one starts and goes through its first round. */
void guest_case_restart(GuestCase *g);

/* Something happens in the guest: programs with these numbers run (known ones, unknown ones that are refused in turn). */
void guest_case_work(GuestCase *g, unsigned from, unsigned n);

/* Its log grows by n records. */
void guest_case_records(GuestCase *g, unsigned n);

/* A round for this nonce, up to the quote: the document is in g->evidence.evidence. The guest goes on behind it. */
void guest_case_round(GuestCase *g, const uint8_t nonce[EVIDENCE_CASE_NONCE]);

/* The last document was seen, all of it, and led to this base: the next ones begin behind it. */
void guest_case_seen(GuestCase *g, const EvidenceBase *base);

/* The document as text, on one line. */
void guest_case_write(const GuestCase *g, Buffer *ret);
