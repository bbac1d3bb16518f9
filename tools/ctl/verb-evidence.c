/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl evidence: the document for a verifier's nonce, or its parts as other tools take them. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/evidence.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/evidence-parts.h"

typedef struct Arguments {
        CtlNonce nonce;
        uint64_t since[2]; /* records of our log, entries of the IMA list */
        const char *output;
        bool parts;
} Arguments;

static int usage(const Ctl *c) {
        return ctl_fail(c, CTL_USAGE,
                        "usage: evidence --nonce HEX [--since N] [--ima-since N] [--output FILE | "
                        "--format=parts --output DIR]");
}

static int number(const Ctl *c, const char *option, const char *text, uint64_t *ret) {
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        if (errno != 0 || *end || *text < '0' || *text > '9')
                return ctl_fail(c, CTL_USAGE, "%s expects a number", option);
        return 0;
}

static int parse(const Ctl *c, int argc, char **argv, Arguments *ret) {
        static const struct option options[] = {
                { "nonce", required_argument, NULL, 'n' },     { "since", required_argument, NULL, 's' },
                { "ima-since", required_argument, NULL, 'i' }, { "output", required_argument, NULL, 'o' },
                { "format", required_argument, NULL, 'f' },    {},
        };
        int o, r = 0;

        while (r == 0 && (o = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (o == 'n')
                        r = ctl_nonce(c, optarg, &ret->nonce);
                else if (o == 's' || o == 'i')
                        r = number(c, o == 's' ? "--since" : "--ima-since", optarg, &ret->since[o == 'i']);
                else if (o == 'o')
                        ret->output = optarg;
                else if (o == 'f' && (streq(optarg, "parts") || streq(optarg, "json")))
                        ret->parts = streq(optarg, "parts");
                else
                        r = usage(c);
        if (r == 0 && (ret->nonce.size == 0 || optind < argc || (ret->parts && !ret->output)))
                r = usage(c);
        return r;
}

static int show_parts(const Ctl *c, const Arguments *a, const FileMap *document) {
        Evidence e = {};
        EvidenceError error;
        int r = evidence_parse(document->data, document->size, &e, &error);

        if (r == -EINVAL)
                return ctl_fail(c, CTL_NO, "evidence: the daemon's answer makes no sense: %s", error.why);
        if (r >= 0)
                r = evidence_parts_write(a->output, &e, (const char *) document->data, document->size);
        evidence_done(&e);
        if (r < 0)
                return ctl_fail(c, CTL_NO, "cannot write to %s: %s", a->output, strerror(-r));
        if (c->json)
                printf("{\"directory\":\"parts\"}\n");
        else
                printf("%s: see PARTS in sealwatchctl(1) for the tools that take them\n", a->output);
        return CTL_YES;
}

static int show(const Ctl *c, const Arguments *a, int fd) {
        _cleanup_close_ int to = -1;
        FileMap document = {};
        int r = file_map(fd, &document);

        if (r >= 0 && a->parts) {
                r = show_parts(c, a, &document);
                file_unmap(&document);
                return r;
        }
        if (r >= 0 && a->output)
                r = file_write_atomic(AT_FDCWD, a->output, 0600, document.data, document.size);
        else if (r >= 0) {
                to = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
                r = to < 0 ? -errno : write_all(to, document.data, document.size);
                if (r >= 0)
                        r = write_all(to, "\n", 1);
        }
        file_unmap(&document);
        return r < 0 ? ctl_fail(c, CTL_NO, "cannot write the evidence: %s", strerror(-r)) : CTL_YES;
}

int verb_evidence(const Ctl *c, int argc, char **argv) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Arguments a = {};
        int fd, r;

        r = parse(c, argc, argv, &a);
        if (r == 0)
                r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call_round(c, bus, "GetEvidence", &a.nonce, a.since, &reply);
        if (r != 0)
                return r;
        if (sd_bus_message_read(reply, "h", &fd) < 0)
                return ctl_fail(c, CTL_UNREACHABLE, "evidence: the daemon's answer makes no sense");
        return show(c, &a, fd);
}
