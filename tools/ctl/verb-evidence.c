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

/* The files that other tools read. "": a part that is in no file of its own. */
static const char *const files[_EVIDENCE_PART_MAX] = {
        [EVIDENCE_NONCE] = "nonce.bin",
        [EVIDENCE_QUOTE] = "quote.attest",
        [EVIDENCE_SIGNATURE] = "quote.signature",
        [EVIDENCE_AK_PUBLIC] = "ak.public",
        [EVIDENCE_AK_CERTIFICATES] = "ak.certificates",
        [EVIDENCE_REPORT] = "report.bin",
        [EVIDENCE_VEK] = "vek.crt",
        [EVIDENCE_CHAIN] = "chain.crt",
        [EVIDENCE_CRL] = "chain.crl",
        [EVIDENCE_HCL] = "hcl.bin",
        [EVIDENCE_MANIFEST] = "manifest.bin",
        [EVIDENCE_FIRMWARE_LOG] = "firmware-log",
        [EVIDENCE_IMA_LIST] = "ima-list",
        [EVIDENCE_LOG] = "measurements",
};

static int write_file(const char *directory, const char *name, const void *data, size_t n) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        return file_write_atomic(AT_FDCWD, path, 0600, data, n);
}

/* A value that was not quoted is zero, as evmctl wants all of them. */
static int write_pcrs(const char *directory, const PcrInputs *pcrs) {
        int r = 0;

        for (HashAlg alg = 0; r >= 0 && alg < _HASH_MAX; alg++) {
                _cleanup_free_ PcrValues *values = calloc(1, sizeof(PcrValues));
                _cleanup_free_ char *text = NULL, *name = NULL;

                if (!(pcrs->banks & bank(alg)))
                        continue;
                if (!values || asprintf(&name, "pcrs.%s", hash_name(alg)) < 0)
                        return -ENOMEM;
                values->banks = bank(alg);
                memcpy(values->values[alg], pcrs->files[alg].values, sizeof(values->values[alg]));
                text = pcrfile_format(values, alg);
                r = text ? write_file(directory, name, text, strlen(text)) : -ENOMEM;
        }
        return r;
}

/* The sizes of TPML_PCR_SELECTION and TPML_DIGEST in tpm2-tss: 16 banks of 8 bytes, and 8 digests of 66 bytes. */
enum { SELECTIONS_MAX = 16, SELECTION_SIZE = 8, DIGESTS_MAX = 8, DIGEST_SIZE = 2 + DIGEST_MAX };

static void pad(Buffer *b, size_t to) {
        while (b->size < to && !b->failed)
                buffer_u8(b, 0);
}

/* Up to 8 values as a list. */
static void put_digests(Buffer *b, const PcrFile *file, HashAlg alg, unsigned *pcr, unsigned n) {
        size_t start = b->size;

        buffer_u32le(b, n);
        for (unsigned i = 0; i < n; (*pcr)++) {
                if (!(file->present & 1U << *pcr))
                        continue;
                buffer_u16le(b, (uint16_t) hash_size(alg));
                buffer_bytes(b, file->values[*pcr], hash_size(alg));
                pad(b, start + 4 + ++i * DIGEST_SIZE);
        }
        pad(b, start + 4 + DIGESTS_MAX * DIGEST_SIZE);
}

/* As tpm2_quote writes them (tpm2-tools 5, pcrs_format=serialized) and tpm2_checkquote reads them: the structures of tpm2-tss
 * in memory, little endian. One bank is quoted. */
static int write_serialized(const char *directory, const PcrInputs *pcrs) {
        _cleanup_(buffer_done) Buffer b = {};
        HashAlg alg = bank_preferred(pcrs->banks);
        const PcrFile *file = &pcrs->files[alg];
        unsigned left = (unsigned) __builtin_popcount(file->present), pcr = 0;

        buffer_u32le(&b, 1);
        buffer_u16le(&b, hash_tpm_id(alg));
        buffer_u8(&b, 3);
        for (unsigned i = 0; i < 3; i++)
                buffer_u8(&b, (uint8_t) (file->present >> 8 * i));
        pad(&b, 4 + SELECTIONS_MAX * SELECTION_SIZE);
        buffer_u32le(&b, (left + DIGESTS_MAX - 1) / DIGESTS_MAX);
        for (unsigned n; left > 0; left -= n) {
                n = MIN(left, (unsigned) DIGESTS_MAX);
                put_digests(&b, file, alg, &pcr, n);
        }
        return buffer_error(&b) < 0 ? -ENOMEM : write_file(directory, "pcrs.serialized", b.data, b.size);
}

/* TPM2B_PUBLIC, which tpm2-tools load. */
static int write_public(const char *directory, const Buffer *public) {
        _cleanup_(buffer_done) Buffer framed = {};

        buffer_u16be(&framed, (uint16_t) public->size);
        buffer_bytes(&framed, public->data, public->size);
        return buffer_error(&framed) < 0 ? -ENOMEM : write_file(directory, "ak.pub", framed.data, framed.size);
}

static int write_parts(const char *directory, const Evidence *e, const char *document, size_t n) {
        int r = make_directories(directory, 0700);

        if (r >= 0)
                r = write_file(directory, "evidence.json", document, n);
        for (EvidencePart i = 0; r >= 0 && i < _EVIDENCE_PART_MAX; i++)
                if (e->parts[i].size > 0)
                        r = write_file(directory, files[i], e->parts[i].data, e->parts[i].size);
        if (r >= 0)
                r = write_public(directory, &e->parts[EVIDENCE_AK_PUBLIC]);
        if (r >= 0)
                r = write_serialized(directory, &e->pcrs);
        return r < 0 ? r : write_pcrs(directory, &e->pcrs);
}

static int show_parts(const Ctl *c, const Arguments *a, const FileMap *document) {
        Evidence e = {};
        EvidenceError error;
        int r = evidence_parse(document->data, document->size, &e, &error);

        if (r == -EINVAL)
                return ctl_fail(c, CTL_NO, "evidence: the daemon's answer makes no sense: %s", error.why);
        if (r >= 0)
                r = write_parts(a->output, &e, (const char *) document->data, document->size);
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
