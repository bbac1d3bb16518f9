/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line. */

#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "version.h"

static void help(FILE *to) {
        fputs("sealwatchd: guards a confidential virtual machine after it was attested\n\n"
              "  --config-dir DIR      instead of /etc/sealwatch, /run/sealwatch and /usr/lib/sealwatch; may be "
              "repeated\n"
              "  --run-dir DIR         instead of /run/sealwatch\n"
              "  --state-dir DIR       instead of /var/lib/sealwatch\n"
              "  --log-dir DIR         instead of /var/log/sealwatch\n"
              "  --software-tpm DIR    use an swtpm with its state in DIR, start it if need be; taints everything\n"
              "  --bus ADDRESS         instead of the system bus\n"
              "  --canary PROGRAM      instead of " SEALWATCH_LIBEXECDIR "/sealwatch-canary\n"
              "  --bpf-dir DIR         instead of /sys/fs/bpf/sealwatch, where what judges on without the daemon is "
              "pinned\n"
              "  --host-view           mounts and paths are those of the machine's first process, not the daemon's "
              "own\n"
              "  --help, --version\n\n"
              "See sealwatchd(8) and sealwatchd.conf(5).\n",
              to);
}

/* What systemd made for us, if it started us. */
static const char *directory(const char *variable, const char *otherwise) {
        const char *value = secure_getenv(variable);

        return value && *value == '/' ? value : otherwise;
}

int options_parse(int argc, char **argv, Options *ret, int *ret_code) {
        static const struct option options[] = {
                { "config-dir", required_argument, NULL, 'c' },
                { "run-dir", required_argument, NULL, 'r' },
                { "state-dir", required_argument, NULL, 's' },
                { "log-dir", required_argument, NULL, 'l' },
                { "software-tpm", required_argument, NULL, 't' },
                { "bus", required_argument, NULL, 'b' },
                { "canary", required_argument, NULL, 'y' },
                { "bpf-dir", required_argument, NULL, 'k' },
                { "host-view", no_argument, NULL, 'm' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                {},
        };
        size_t n = 0;
        int o;

        *ret = (Options){
                .config_dirs = config_dirs_default,
                .run_dir = directory("RUNTIME_DIRECTORY", "/run/sealwatch"),
                .state_dir = directory("STATE_DIRECTORY", "/var/lib/sealwatch"),
                .log_dir = directory("LOGS_DIRECTORY", "/var/log/sealwatch"),
                .canary = SEALWATCH_LIBEXECDIR "/sealwatch-canary",
                .bpf_dir = "/sys/fs/bpf/sealwatch",
        };
        while ((o = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                if (o == 'c' && n < OPTIONS_CONFIG_DIRS_MAX) {
                        ret->config_dirs_given[n++] = optarg;
                        ret->config_dirs = ret->config_dirs_given;
                } else if (o == 'r')
                        ret->run_dir = optarg;
                else if (o == 's')
                        ret->state_dir = optarg;
                else if (o == 'l')
                        ret->log_dir = optarg;
                else if (o == 't')
                        ret->software_tpm = optarg;
                else if (o == 'b')
                        ret->bus_address = optarg;
                else if (o == 'y')
                        ret->canary = optarg;
                else if (o == 'k')
                        ret->bpf_dir = optarg;
                else if (o == 'm')
                        ret->host_view = true;
                else if (o == 'h' || o == 'V') {
                        if (o == 'h')
                                help(stdout);
                        else
                                puts("sealwatchd " SEALWATCH_VERSION);
                        *ret_code = EXIT_SUCCESS;
                        return 1;
                } else {
                        help(stderr);
                        *ret_code = EX_USAGE;
                        return 1;
                }
        if (optind < argc) {
                fprintf(stderr, "sealwatchd: unexpected argument \"%s\"\n", argv[optind]);
                *ret_code = EX_USAGE;
                return 1;
        }
        return 0;
}
