/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How new is what the guest has to trust? */

#include <inttypes.h>
#include <stdio.h>

#include "lib/snp/appraise-internal.h"

typedef struct Versions {
        SnpTcb current, reported, committed, launch;
} Versions;

/* Which of them has bytes where the generation has none; NULL: no one. */
static const char *decode(const Context *c, Versions *ret) {
        SnpProduct p = c->e->claims.product;

        if (!snp_tcb_decode(p, c->report->reported_tcb, &ret->reported))
                return "reported";
        if (!snp_tcb_decode(p, c->report->current_tcb, &ret->current))
                return "current";
        if (!snp_tcb_decode(p, c->report->committed_tcb, &ret->committed))
                return "committed";
        return snp_tcb_decode(p, c->report->launch_tcb, &ret->launch) ? NULL : "launch";
}

static CheckResult foreign_layout(const Context *c, const char *which, char why[SNP_DETAIL_MAX]) {
        say(why, "the %s security versions are not in the layout of %s", which,
            snp_product_name(c->e->claims.product));
        return CHECK_FAIL;
}

CheckResult check_reported_tcb(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpVek *v = &c->e->claims;
        char reported[SNP_TCB_TEXT_MAX], certified[SNP_TCB_TEXT_MAX];
        SnpTcb tcb;

        if (!snp_tcb_decode(v->product, c->report->reported_tcb, &tcb))
                return foreign_layout(c, "reported", why);
        snp_tcb_format(v->product, &tcb, reported);
        if (!snp_tcb_equal(&tcb, &v->tcb)) {
                say(why, "the report says %s, the certificate %s", reported,
                    snp_tcb_format(v->product, &v->tcb, certified));
                return CHECK_FAIL;
        }
        say(why, "%s, as the certificate says", reported);
        return CHECK_PASS;
}

static unsigned version_number(const SnpFirmwareVersion *v) {
        return (unsigned) v->major << 16 | (unsigned) v->minor << 8 | v->build;
}

/* Only what the firmware itself guarantees. Clouds report less than what is committed, and run more than that; a launch
 * may have happened below or above what is committed now. */
CheckResult check_tcb_order(const Context *c, char why[SNP_DETAIL_MAX]) {
        unsigned current = version_number(&c->report->current_version);
        unsigned committed = version_number(&c->report->committed_version);
        Versions v;
        const char *which = decode(c, &v);

        if (which)
                return foreign_layout(c, which, why);
        if (snp_tcb_below(&v.current, &v.reported) < _TCB_MAX)
                say(why, "reported is a newer %s than there is",
                    tcb_part_names[snp_tcb_below(&v.current, &v.reported)]);
        else if (snp_tcb_below(&v.current, &v.committed) < _TCB_MAX)
                say(why, "committed is a newer %s than there is",
                    tcb_part_names[snp_tcb_below(&v.current, &v.committed)]);
        else if (committed > current)
                say(why, "committed is a newer firmware than there is");
        else if (!c->q->allow_provisional_firmware &&
                 (committed != current || !snp_tcb_equal(&v.committed, &v.current)))
                say(why, "the firmware is provisional: not all of it is committed");
        else {
                say(why, "nothing is reported or committed that is not there%s",
                    snp_tcb_equal(&v.committed, &v.current) ? "" : "; the firmware is provisional");
                return CHECK_PASS;
        }
        return CHECK_FAIL;
}

static bool is_above(const SnpTcb *tcb, const SnpTcb *floor, const char *what, char why[SNP_DETAIL_MAX]) {
        TcbPart part = snp_tcb_below(tcb, floor);

        if (part < _TCB_MAX)
                say(why, "%s %s %u is below %u", what, tcb_part_names[part], tcb->parts[part], floor->parts[part]);
        return part == _TCB_MAX;
}

CheckResult check_tcb_floor(const Context *c, char why[SNP_DETAIL_MAX]) {
        SnpProduct p = c->e->claims.product;
        const SnpRequirements *q = c->q;
        Versions v;
        const char *which = decode(c, &v);

        if (q->floors == 0 && q->launch_floors == 0) {
                say(why, "no floor is set");
                return CHECK_NA;
        }
        if (which)
                return foreign_layout(c, which, why);
        if ((q->floors && !snp_bit(q->floors, (unsigned) p)) ||
            (q->launch_floors && !snp_bit(q->launch_floors, (unsigned) p))) {
                say(why, "there are floors, but none for %s", snp_product_name(p));
                return CHECK_FAIL;
        }
        if (!is_above(&v.reported, &q->floor[p], "reported", why) ||
            !is_above(&v.launch, &q->launch_floor[p], "at launch", why))
                return CHECK_FAIL;
        say(why, "every part is at its floor or above");
        return CHECK_PASS;
}

CheckResult check_firmware(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpFirmwareVersion *v = &c->report->committed_version;
        uint64_t floor = c->q->minimum_firmware;
        bool enough = version_number(v) >= floor;

        if (floor == 0)
                say(why, "any will do; committed is %u.%u.%u", v->major, v->minor, v->build);
        else
                say(why, "committed is %u.%u.%u, %s %" PRIu64 ".%" PRIu64 ".%" PRIu64, v->major, v->minor, v->build,
                    enough ? "at least" : "less than", floor >> 16, floor >> 8 & 0xff, floor & 0xff);
        return floor == 0 ? CHECK_NA : enough ? CHECK_PASS : CHECK_FAIL;
}

CheckResult check_mitigations(const Context *c, char why[SNP_DETAIL_MAX]) {
        uint64_t launch = snp_u64(c->report->launch_mitigations), current = snp_u64(c->report->current_mitigations);
        bool known = snp_u32(c->report->version) >= 5;
        uint64_t missing_at_launch = c->q->launch_mitigations & ~launch,
                 missing_now = c->q->current_mitigations & ~current;

        if (!c->q->launch_mitigations && !c->q->current_mitigations) {
                if (known)
                        say(why, "none is required; at launch 0x%" PRIx64 ", now 0x%" PRIx64, launch, current);
                else
                        say(why, "none is required, and reports before version 5 do not say");
                return CHECK_NA;
        }
        if (!known)
                say(why, "reports before version 5 do not say which there are");
        else if (missing_at_launch || missing_now)
                say(why, "missing: at launch 0x%" PRIx64 ", now 0x%" PRIx64, missing_at_launch, missing_now);
        else
                say(why, "all that are required; at launch 0x%" PRIx64 ", now 0x%" PRIx64, launch, current);
        return known && !missing_at_launch && !missing_now ? CHECK_PASS : CHECK_FAIL;
}
