/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Command lines of the verbs about logs. */

#include "tools/verify/log-arguments.h"

#include <getopt.h>

#include "tools/verify/input.h"
#include "tools/verify/show.h"

static int take_option(int c, LogOptions options, LogArguments *a, const char *usage) {
        uint64_t pcr;
        int r;

        if (c == 'p')
                return input_pcrs(&a->pcrs, optarg, a->json);
        if (c == 'n' && options & LOG_OPTION_PCR) {
                r = input_number("--pcr", optarg, PCR_COUNT - 1, a->json, &pcr);
                a->pcr = r == 0 ? (int) pcr : -1;
                return r;
        }
        if (c == 't' && options & LOG_OPTION_TAIL) {
                a->allow_tail = true;
                return 0;
        }
        if (c == 'f' && options & LOG_OPTION_POLICY) {
                a->policy_file = optarg;
                return 0;
        }
        return c == 'j' ? 0 : show_undecided(a->json, "usage: sealwatch-verify %s", usage);
}

int log_arguments_parse(int argc, char **argv, LogOptions options, const char *usage, LogArguments *ret) {
        static const struct option names[] = {
                { "pcrs", required_argument, NULL, 'p' },   { "pcr", required_argument, NULL, 'n' },
                { "json", no_argument, NULL, 'j' },         { "allow-tail", no_argument, NULL, 't' },
                { "policy", required_argument, NULL, 'f' }, {},
        };
        uint64_t seen = 0;
        int c, r = 0;

        *ret = (LogArguments){ .json = input_wants_json(argc, argv), .pcr = -1 };
        while (r == 0 && (c = input_next_option(argc, argv, names, &seen)) >= 0)
                r = take_option(c, options, ret, usage);
        if (r == 0 && optind + 1 != argc)
                r = show_undecided(ret->json, "%s expects one file", argv[0]);
        if (r == 0)
                ret->file = argv[optind];
        return r;
}
