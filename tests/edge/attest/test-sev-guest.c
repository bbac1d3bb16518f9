/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /dev/sev-guest at the seam of its ioctl. */

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/attest/provider.h"
#include "lib/base/cleanup.h"
#include "rig.h"

static unsigned pauses;
static void no_pause(void *userdata _unused_, usec_t time) {
        assert_true(time >= USEC_PER_SEC); /* what the host asks for is given to it */
        pauses++;
}

static AttesterOptions options(const RigTpm *t, const TempDir *d) {
        rig_device_reset(d->path);
        pauses = 0;
        return (AttesterOptions){
                .provider = ATTEST_PROVIDER_AUTO,
                .tpm = &t->ops,
                .tsm_path = "/nonexistent",
                .sev_guest_path = rig_device.path,
                .cache_path = "/nonexistent/cache",
                .fetch_path = "",
                .allow_simulated = true,
                .ioctl = rig_ioctl,
                .pause = no_pause,
        };
}

static void a_report_and_the_hosts_table(void **state _unused_) {
        const RigChip *c = rig_chip();
        _cleanup_(rig_tpm_done) RigTpm t;
        _temp_dir_ TempDir d = temp_dir();
        _cleanup_(gathered_freep) Gathered *g = NULL;
        AttesterOptions o;

        rig_tpm_init(&t);
        o = options(&t, &d);
        rig_table(&c->vek, &c->ask, &c->ark, &c->crl, &rig_device.table);
        g = rig_gather(&o);
        assert_string_equal(g->why, "");
        assert_int_equal(g->provider, EVIDENCE_PROVIDER_SEV_GUEST);
        assert_int_equal(rig_device.extended, 1);
        assert_int_equal(rig_device.plain, 0);
        assert_int_equal(g->certificates.size, rig_device.table.size);
        assert_memory_equal(g->certificates.data, rig_device.table.data, g->certificates.size);
        assert_string_equal(g->endorsement_problem, "");
        assert_string_equal(g->endorsed_by, "table");
        assert_true(g->simulated);
        assert_int_equal(g->tpm_trust, TPM_TRUST_HOST);
        assert_quote_is_good(g);
        assert_appraisal(g, SIM_TIME, "");
}

/* A table that no buffer of the driver holds: the report comes without. */
static void a_table_without_room(void **state _unused_) {
        _cleanup_(rig_tpm_done) RigTpm t;
        _temp_dir_ TempDir d = temp_dir();
        _cleanup_(gathered_freep) Gathered *g = NULL;
        AttesterOptions o;

        rig_tpm_init(&t);
        o = options(&t, &d);
        rig_device.no_room = true;
        g = rig_gather(&o);
        assert_string_equal(g->why, "");
        assert_int_equal(rig_device.plain, 1);
        assert_int_equal(g->report.size, SNP_REPORT_SIZE);
        assert_null(g->endorsed_by);
        assert_true(*g->endorsement_problem);
}

/* Errors, how often the device is asked, and what comes of it. */
static void errors_are_respected(void **state _unused_) {
        static const struct {
                int error;
                uint32_t vmm;
                size_t times;
                unsigned calls, pauses;
                AttestFailure failure;
        } table[] = {
                { EIO, 2, 1, 2, 1, ATTEST_GATHERED },      /* busy once */
                { EIO, 2, 8, 3, 2, ATTEST_PROVIDER_BUSY }, /* busy */
                { ETIMEDOUT, 0, 8, 3, 2, ATTEST_PROVIDER_BUSY },
                { EAGAIN, 0, 2, 3, 2, ATTEST_GATHERED },
                { EIO, 0x80000000, 1, 1, 0, ATTEST_PROVIDER_FAILED },
                { EIO, 0, 1, 1, 0, ATTEST_PROVIDER_FAILED },
                { EINVAL, 0, 1, 1, 0, ATTEST_PROVIDER_FAILED },
                { ENOTTY, 0, 1, 1, 0, ATTEST_PROVIDER_DEAD },
        };
        _cleanup_(rig_tpm_done) RigTpm t;
        _temp_dir_ TempDir d = temp_dir();

        rig_tpm_init(&t);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AttesterOptions o = options(&t, &d);
                _cleanup_(gathered_freep) Gathered *g = NULL;

                for (size_t k = 0; k < table[i].times; k++) {
                        rig_device.errors[k].error = table[i].error;
                        rig_device.errors[k].vmm = table[i].vmm;
                        rig_device.errors[k].firmware = 0xff;
                }
                rig_device.n_errors = table[i].times;
                g = rig_gather(&o);
                assert_int_equal(g->failure, table[i].failure);
                assert_int_equal(rig_device.extended, table[i].calls);
                assert_int_equal(rig_device.plain, 0);
                assert_int_equal(pauses, table[i].pauses);
                if (table[i].failure == ATTEST_PROVIDER_FAILED)
                        assert_non_null(strstr(g->why, "firmware 0xff"));
        }
}

static void a_dead_device_is_asked_once(void **state _unused_) {
        _cleanup_(rig_tpm_done) RigTpm t;
        _cleanup_(attester_freep) Attester *a = NULL;
        _temp_dir_ TempDir d = temp_dir();
        AttesterOptions o;

        rig_tpm_init(&t);
        o = options(&t, &d);
        rig_device.is_dead = true;
        assert_int_equal(attester_new(&o, &a), 0);
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(gathered_freep) Gathered *g = rig_gather_on(a);

                assert_int_equal(g->failure, ATTEST_PROVIDER_DEAD);
                assert_int_equal(rig_device.extended, 1);
        }
        assert_int_equal(t.quotes, 0);
}

static void what_the_firmware_says(void **state _unused_) {
        _cleanup_(rig_tpm_done) RigTpm t;
        _temp_dir_ TempDir d = temp_dir();

        rig_tpm_init(&t);
        for (unsigned i = 0; i < 2; i++) {
                AttesterOptions o = options(&t, &d);
                _cleanup_(gathered_freep) Gathered *g = NULL;

                rig_device.status = i == 0 ? 0x16 : 0;
                rig_device.size = i == 1 ? 1000 : SNP_REPORT_SIZE;
                g = rig_gather(&o);
                assert_int_equal(g->failure, ATTEST_PROVIDER_FAILED);
                assert_non_null(strstr(g->why, i == 0 ? "status 0x16" : "1000 bytes"));
        }
}

/* The host takes its time over the first request, and meanwhile the daemon is told to end. */
static Gathering ending = { .stop_fd = -1 };
static int end_meanwhile(int fd, unsigned long request, void *argument) {
        assert_int_equal(eventfd_write(ending.stop_fd, 1), 0);
        return rig_ioctl(fd, request, argument);
}

static void nothing_is_begun_at_the_end(void **state _unused_) {
        static const struct {
                bool no_room;
                uint32_t vmm; /* 0: a report */
        } table[] = { { true, 0 }, { false, 2 }, { false, 0 } };
        _cleanup_(rig_tpm_done) RigTpm t;
        _temp_dir_ TempDir d = temp_dir();

        rig_tpm_init(&t);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AttesterOptions o = options(&t, &d);
                _cleanup_(gathered_freep) Gathered *g = calloc(1, sizeof(Gathered));

                o.ioctl = end_meanwhile;
                o.pause = NULL;
                rig_device.no_room = table[i].no_room;
                rig_device.errors[0].error = EIO;
                rig_device.errors[0].vmm = table[i].vmm;
                rig_device.n_errors = table[i].vmm > 0;
                ending = (Gathering){ .options = &o, .stop_fd = eventfd(0, EFD_CLOEXEC) };
                buffer_bytes(&g->nonce, NONCE, strlen(NONCE));
                gather_run(&ending, RIG_PCRS, g);
                (void) close(ending.stop_fd);
                assert_int_equal(g->failure, ATTEST_CANCELLED);
                assert_int_equal(rig_device.extended, 1);
                assert_int_equal(rig_device.plain, 0);
                assert_int_equal(t.quotes, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_report_and_the_hosts_table), TEST(a_table_without_room),   TEST(errors_are_respected),
                TEST(a_dead_device_is_asked_once),  TEST(what_the_firmware_says), TEST(nothing_is_begun_at_the_end),
        };

        return RUN(tests);
}
