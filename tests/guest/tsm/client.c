/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs in the guest: evidence from the kernel's own TSM reports and a TPM that is a device. The document is left in DIR for
 * the host. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "daemon/attest-tpm.h"
#include "lib/base/cleanup.h"
#include "lib/evidence/evidence.h"
#include "lib/io/file.h"
#include "tests/edge/attest/rig.h"

#define REPORTS "/sys/kernel/config/tsm/report"
#define FAIL "/sys/module/tsm_double/parameters/fail"

static const char *directory;
static Tpm *tpm;
static AttestTpm ops;

DEFINE_CLEANUP(DIR *, closedir)

static AttesterOptions options(void) {
        return (AttesterOptions){
                .provider = ATTEST_PROVIDER_AUTO,
                .tpm = &ops,
                .cache_path = "/nonexistent/cache",
                .fetch_path = "",
                .allow_simulated = true,
        };
}

static unsigned entries(void) {
        _cleanup_(closedirp) DIR *d = opendir(REPORTS);
        unsigned n = 0;

        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                n += *e->d_name != '.';
        return n;
}

static void set_fail(int error) {
        char text[16];
        int fd = open(FAIL, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        snprintf(text, sizeof(text), "%d", error);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static void leave_document(Gathered *g) {
        _cleanup_(evidence_done) Evidence e = {};
        _cleanup_(buffer_done) Buffer b = {};
        char path[256];

        assert_int_equal(gathered_move(g, &e), 0);
        assert_int_equal(evidence_write(&e, &b), 0);
        snprintf(path, sizeof(path), "%s/evidence.json", directory);
        assert_int_equal(file_write_atomic(AT_FDCWD, path, 0644, b.data, b.size), 0);
}

static void gathers(void **state _unused_) {
        AttesterOptions o = options();
        _cleanup_(gathered_freep) Gathered *g = rig_gather(&o);

        assert_string_equal(g->why, "");
        assert_int_equal(g->provider, EVIDENCE_PROVIDER_CONFIGFS);
        assert_string_equal(g->endorsed_by, "table");
        assert_true(g->simulated);
        assert_int_equal(g->ak.origin, AK_ORIGIN_OWN);
        assert_int_equal(g->tpm_trust, TPM_TRUST_HOST);
        assert_quote_is_good(g);
        assert_appraisal(g, SIM_TIME, "");
        assert_int_equal(entries(), 0);
        leave_document(g);
}

/* Two at once, each with an entry of its own. */
static void take(void *userdata, Gathered *g) {
        *(Gathered **) userdata = g;
}

static void two_at_once(void **state _unused_) {
        enum { ROUNDS = 5 };
        AttesterOptions o = options();
        Attester *a[2] = {};

        for (size_t i = 0; i < ELEMENTSOF(a); i++)
                assert_int_equal(attester_new(&o, &a[i]), 0);
        for (unsigned n = 0; n < ROUNDS; n++) {
                Gathered *g[2] = {};

                for (size_t i = 0; i < ELEMENTSOF(a); i++)
                        assert_int_equal(
                                attester_gather(a[i], i == 0 ? "a first nonce" : "another one", 11, 1, take, &g[i]),
                                0);
                for (size_t i = 0; i < ELEMENTSOF(a); i++) {
                        struct pollfd p = { .fd = attester_fd(a[i]), .events = POLLIN };

                        while (!g[i]) {
                                assert_int_equal(poll(&p, 1, 100 * 1000), 1);
                                attester_dispatch(a[i]);
                        }
                        assert_int_equal(g[i]->failure, ATTEST_GATHERED);
                        assert_memory_equal(snp_report_view(g[i]->report.data, g[i]->report.size)->report_data,
                                            g[i]->report_data, SNP_REPORT_DATA_SIZE);
                        gathered_free(g[i]);
                }
        }
        for (size_t i = 0; i < ELEMENTSOF(a); i++)
                attester_free(a[i]);
        assert_int_equal(entries(), 0);
}

/* What the driver says arrives as what it means. */
static void errors(void **state _unused_) {
        static const struct {
                int error;
                AttestFailure failure;
        } table[] = { { EIO, ATTEST_PROVIDER_FAILED },
                      { ENOTTY, ATTEST_PROVIDER_DEAD },
                      { ETIMEDOUT, ATTEST_PROVIDER_BUSY } };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AttesterOptions o = options();
                _cleanup_(gathered_freep) Gathered *g = NULL;

                set_fail(table[i].error);
                g = rig_gather(&o);
                set_fail(0);
                assert_string_equal(attest_failure_name(g->failure), attest_failure_name(table[i].failure));
                assert_int_equal(entries(), 0);
        }
}

/* On a kernel that has no such thing, and where no other is. */
static void nothing_is_there(void **state _unused_) {
        AttesterOptions o = options();
        _cleanup_(gathered_freep) Gathered *g = rig_gather(&o);

        assert_int_equal(g->failure, ATTEST_NO_PROVIDER);
}

int main(int argc, char **argv) {
        const struct CMUnitTest with[] = { TEST(gathers), TEST(two_at_once), TEST(errors) };
        const struct CMUnitTest without[] = { TEST(nothing_is_there) };
        const char *why = "";
        int failed;

        if (argc != 2)
                return 2;
        directory = argv[1];
        tpm_silence_library();
        assert_int_equal(tpm_new(&(TpmOptions){ .command_deadline = 60 * USEC_PER_SEC }, &tpm, &why), 0);
        attest_tpm_init(tpm, false, &ops);
        failed = access("/dev/tsm-double", F_OK) >= 0 ? RUN(with) : RUN(without);
        tpm_free(tpm);
        return failed;
}
