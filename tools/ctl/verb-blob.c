/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl blob: what a sealed secret says of itself, and its TPM parts for tpm2-tools. Without the daemon. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/io/file.h"
#include "lib/sealed.h"
#include "tools/ctl/ctl.h"

/* DIR/public and DIR/private, as tpm2_load takes them. */
static int write_parts(const char *directory, const Sealed *s) {
        int r = make_directories(directory, 0700);

        if (r >= 0)
                r = ctl_write_file(directory, "public", s->public, s->public_size);
        return r < 0 ? r : ctl_write_file(directory, "private", s->private, s->private_size);
}

/* "sha256:4,7,12", as tpm2-tools write a PCR selection. */
static void format_selection(const Sealed *s, char *ret, size_t size) {
        size_t used = (size_t) snprintf(ret, size, "%s:", hash_name(s->bank));
        const char *comma = "";

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (s->pcrs & (1U << pcr) && used < size) {
                        used += (size_t) snprintf(ret + used, size - used, "%s%u", comma, pcr);
                        comma = ",";
                }
}

static int print_blob(const Ctl *c, const Sealed *s) {
        char selection[128], policy[2 * SHA256_SIZE + 1], srk[2 * (2 + DIGEST_MAX) + 1];

        format_selection(s, selection, sizeof(selection));
        hex_encode(s->policy, SHA256_SIZE, policy);
        hex_encode(s->srk_name, s->srk_name_size, srk);
        if (c->json) {
                json_auto_t *all = json_pack("{s:s%,s:s,s:s,s:s,s:i}", "name", s->name, s->name_size, "pcrs",
                                             selection, "policy", policy, "srk", srk, "size", (int) s->secret_size);

                if (!all || json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS) < 0)
                        return CTL_NO;
                putchar('\n');
                return CTL_YES;
        }
        printf("Name:    %.*s\nSize:    %zu bytes\nPCRs:    %s\nPolicy:  %s\nSRK:     %s\n", (int) s->name_size,
               s->name, s->secret_size, selection, policy, srk);
        return CTL_YES;
}

int verb_blob(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "parts", required_argument, NULL, 'p' }, {} };
        _cleanup_free_ char *data = NULL;
        const char *parts = NULL, *why;
        size_t n, offset;
        Sealed s;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) == 'p')
                parts = optarg;
        if (o >= 0 || optind + 1 != argc)
                return ctl_fail(c, CTL_USAGE, "usage: blob FILE [--parts DIR]");
        r = file_read(AT_FDCWD, argv[optind], SEALED_SIZE_MAX, &data, &n);
        if (r < 0)
                return ctl_fail(c, CTL_NO, "cannot read %s: %s", argv[optind], strerror(-r));
        if (sealed_parse(data, n, &s, &offset, &why) < 0)
                return ctl_fail(c, CTL_NO, "%s: at byte %zu: %s", argv[optind], offset, why);
        if (parts) {
                r = write_parts(parts, &s);
                if (r < 0)
                        return ctl_fail(c, CTL_NO, "cannot write to %s: %s", parts, strerror(-r));
        }
        return print_blob(c, &s);
}
