/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl: what administrators ask and tell the daemon. */

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/ctl/ctl.h"
#include "version.h"

enum { CONFIG_DIRS_MAX = 8 };

static const struct {
        const char *name, *arguments, *help;
        int (*run)(const Ctl *c, int argc, char **argv);
} verbs[] = {
        { "status", "", "state, levels, counters; exit code 0 only when trusted", verb_status },
        { "events", "[--since N] [--follow] [--format=text|json]", "the entries of the event log", verb_events },
        { "log", "--snapshot DIR", "a log and the PCR values that belong to it", verb_log },
        { "attest", "[--nonce HEX]", "a round of attestation now, and its checks", verb_attest },
        { "evidence", "--nonce HEX [--since N] [--ima-since N] [--format=json|parts] [--output PATH]",
          "what a verifier elsewhere needs", verb_evidence },
        { "seal", "NAME [FILE]", "seal a secret from FILE or standard input", verb_seal },
        { "release", "NAME [--output FILE]", "hand out a secret that is held", verb_release },
        { "secrets", "", "which secrets are held, and which are sealed", verb_secrets },
        { "lock", "[--reason TEXT]", "wipe all secrets and poison the registers, until reboot", verb_lock },
        { "detach", "--reason TEXT [--force]", "remove the programs from the kernel; measured first", verb_detach },
        { "drill", "[--directory DIR]", "try harmlessly what self-protection and gate are for; what is missed?",
          verb_drill },
        { "reload", "", "load the policy again", verb_reload },
        { "policy", "check", "are configuration and policy without mistakes?", verb_policy },
        { "policy", "learn [--output FILE] DIR...", "make a reference set of all code in directories", NULL },
        { "blob", "FILE [--parts DIR]", "what a sealed secret says of itself", verb_blob },
};

enum { HELP_COLUMN = 40 };

static int help(FILE *to, int code) {
        fprintf(to, "sealwatchctl [--json] [--bus ADDRESS] [--config-dir DIR]... VERB\n\n");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                int width = fprintf(to, "  %s %s", verbs[i].name, verbs[i].arguments);

                if (width >= HELP_COLUMN) {
                        fputc('\n', to);
                        width = 0;
                }
                fprintf(to, "%*s%s\n", HELP_COLUMN - width, "", verbs[i].help);
        }
        fprintf(to, "\nExit codes: 0 yes, 1 the answer is no, 2 usage, 3 daemon not reachable, 4 not permitted.\n"
                    "See sealwatchctl(1).\n");
        return code;
}

/* --json is understood behind the verb, too. */
static void take_json(Ctl *c, int *argc, char **argv) {
        int kept = 0;

        for (int i = 0; i < *argc; i++)
                if (streq(argv[i], "--json"))
                        c->json = true;
                else
                        argv[kept++] = argv[i];
        argv[kept] = NULL;
        *argc = kept;
}

static int run_verb(const Ctl *c, int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (streq(argv[i], "--help") || streq(argv[i], "-h"))
                        return help(stdout, CTL_YES);
        for (size_t i = 0; argc > 0 && i < ELEMENTSOF(verbs); i++)
                if (verbs[i].run && streq(verbs[i].name, argv[0])) {
                        optind = 0; /* the verb parses its own options from the start */
                        return verbs[i].run(c, argc, argv);
                }
        return help(stderr, CTL_USAGE);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { "bus", required_argument, NULL, 'b' },
                { "config-dir", required_argument, NULL, 'c' },
                {},
        };
        const char *dirs[CONFIG_DIRS_MAX + 1] = {};
        size_t n = 0;
        Ctl c = { .config_dirs = config_dirs_default };
        int o;

        take_json(&c, &argc, argv);
        while ((o = getopt_long(argc, argv, "+h", options, NULL)) >= 0)
                switch (o) {
                case 'h':
                        return help(stdout, CTL_YES);
                case 'V':
                        puts("sealwatchctl " SEALWATCH_VERSION);
                        return CTL_YES;
                case 'b':
                        c.bus_address = optarg;
                        break;
                case 'c':
                        if (n == CONFIG_DIRS_MAX)
                                return help(stderr, CTL_USAGE);
                        dirs[n++] = optarg;
                        c.config_dirs = dirs;
                        break;
                default:
                        return help(stderr, CTL_USAGE);
                }
        return run_verb(&c, argc - optind, argv + optind);
}
