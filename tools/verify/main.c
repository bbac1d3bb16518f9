/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify: judges what a sealwatch machine says of itself. Runs anywhere: no TPM, no bus, no BPF. */

#include <stdio.h>

#include "lib/base/macro.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"
#include "version.h"

static const struct {
        const char *name, *help;
        int (*run)(int argc, char **argv);
} verbs[] = {
        { "azure",
          "--hcl FILE --vek FILE --chain FILE [--crl FILE] [--quote FILE --signature FILE\n"
          "                [--pcrs [ALG:]FILE]…] [--nonce HEX] [--ak-cert FILE] [--at UNIXTIME] [--policy FILE]\n"
          "                [--allow-simulated] [--json]\n"
          "                is this a genuine confidential VM of Azure, and what does its vTPM say?",
          verb_azure },
        { "evidence",
          "FILE --nonce HEX [--policy FILE] [--state DIR] [--at UNIXTIME] [--allow-simulated]\n"
          "                [--stream [--nonces FILE] [--threads N]] [--json]\n"
          "                is this the guest that it says it is, and did it do what its policy demands?",
          verb_evidence },
        { "log",
          "FILE [--pcrs [ALG:]FILE]… [--pcr N] [--allow-tail] [--json]\n"
          "                is the event log what was extended into the PCRs?",
          verb_log },
        { "firmware-log",
          "FILE [--pcrs [ALG:]FILE]… [--policy FILE] [--json]\n"
          "                is the firmware's log what was extended, and what does it say of the boot?",
          verb_firmware_log },
        { "ima-log",
          "FILE [--pcrs [ALG:]FILE]… [--pcr N] [--allow-tail] [--policy FILE] [--json]\n"
          "                is the kernel's IMA list what was extended into the PCRs?",
          verb_ima_log },
        { "quote",
          "--quote FILE --signature FILE --public FILE [--pcrs [ALG:]FILE]… [--nonce HEX] [--json]\n"
          "                did this TPM key sign these PCR values for this nonce?",
          verb_quote },
        { "report",
          "--report FILE --vek FILE --chain FILE [--crl FILE] [--product NAME] [--report-data HEX]\n"
          "                [--at UNIXTIME] [--policy FILE] [--allow-simulated] [--json]\n"
          "                is the SNP report genuine, and of the guest that was meant?",
          verb_report },
        { "svsm",
          "--report FILE --manifest FILE --nonce HEX --vek FILE --chain FILE [--crl FILE]\n"
          "                [--at UNIXTIME] [--policy FILE] [--allow-simulated] [--json]\n"
          "                is this the endorsement key of a vTPM inside of the guest?",
          verb_svsm },
};

static int help(FILE *to, int code) {
        fprintf(to, "sealwatch-verify: judges evidence of a sealwatch machine, anywhere, offline\n\n");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                fprintf(to, "  %-12s %s\n", verbs[i].name, verbs[i].help);
        fprintf(to, "\nExit codes: 0 nothing failed, 1 a check failed, 2 undecidable (input or usage).\n"
                    "See sealwatch-verify(1).\n");
        return code;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (streq(argv[i], "--help") || streq(argv[i], "-h"))
                        return help(stdout, EXIT_PASS);
        if (argc >= 2 && streq(argv[1], "--version")) {
                puts("sealwatch-verify " SEALWATCH_VERSION);
                return EXIT_PASS;
        }
        for (size_t i = 0; argc >= 2 && i < ELEMENTSOF(verbs); i++)
                if (streq(verbs[i].name, argv[1]))
                        return verbs[i].run(argc - 1, argv + 1);
        return help(stderr, EXIT_UNDECIDED);
}
