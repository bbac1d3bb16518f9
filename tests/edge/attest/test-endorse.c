/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where endorsements come from, with a helper that says what it likes. Reports come from the double of /dev/sev-guest. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/snp/fetch.h"
#include "rig.h"

/* In the place of sealwatch-fetch. */
typedef struct Helper {
        char path[128];
        int fd;
        pthread_t thread;
        FetchAnswer answer;
        Buffer raw; /* instead of it, when there is something */
        unsigned asked;
        FetchRequest last;
} Helper;

static void reply(Helper *h, int fd) {
        _cleanup_(buffer_done) Buffer b = {};
        uint8_t question[FETCH_REQUEST_SIZE];

        if (recv(fd, question, sizeof(question), MSG_WAITALL) != sizeof(question))
                return;
        assert_int_equal(fetch_request_parse(question, sizeof(question), &h->last), 0);
        h->asked++;
        if (h->raw.size > 0)
                buffer_bytes(&b, h->raw.data, h->raw.size);
        else {
                FetchAnswer a = h->answer;

                for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                        if (!(h->last.parts & 1U << p))
                                a.parts[p].size = 0;
                fetch_answer_write(&a, &b);
        }
        (void) !send(fd, b.data, b.size, MSG_NOSIGNAL);
}

static void *serve(void *userdata) {
        Helper *h = userdata;

        for (;;) {
                int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);

                if (fd < 0)
                        return NULL;
                reply(h, fd);
                close(fd);
        }
}

static void helper_start(Helper *h, const char *directory) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        *h = (Helper){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
        snprintf(h->path, sizeof(h->path), "%s/fetch.sock", directory);
        strcpy(address.sun_path, h->path);
        assert_int_equal(bind(h->fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(h->fd, 8), 0);
        assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
}

static void helper_done(Helper *h) {
        shutdown(h->fd, SHUT_RDWR);
        pthread_join(h->thread, NULL);
        close(h->fd);
        buffer_done(&h->raw);
}

static void offer(Helper *h, FetchPart part, const Buffer *b) {
        h->answer.parts[part] = (DerObject){ b->data, b->size };
}

typedef struct Fixture {
        RigTpm tpm;
        TempDir dir;
        Helper helper;
        char cache[128];
        Buffer chain; /* ASK and ARK */
        AttesterOptions options;
} Fixture;

static void fixture_init(Fixture *f) {
        const RigChip *c = rig_chip();

        *f = (Fixture){ .dir = temp_dir() };
        rig_tpm_init(&f->tpm);
        rig_device_reset(f->dir.path);
        helper_start(&f->helper, f->dir.path);
        snprintf(f->cache, sizeof(f->cache), "%s/state/endorsements", f->dir.path);
        buffer_bytes(&f->chain, c->ask.data, c->ask.size);
        buffer_bytes(&f->chain, c->ark.data, c->ark.size);
        f->options = (AttesterOptions){
                .provider = EVIDENCE_PROVIDER_SEV_GUEST,
                .tpm = &f->tpm.ops,
                .sev_guest_path = rig_device.path,
                .cache_path = f->cache,
                .fetch_path = f->helper.path,
                .allow_simulated = true,
                .ioctl = rig_ioctl,
        };
}

static void fixture_done(Fixture *f) {
        helper_done(&f->helper);
        rig_tpm_done(&f->tpm);
        buffer_done(&f->chain);
        temp_dir_done(&f->dir);
}

static unsigned files_in(const char *directory) {
        char command[256];
        unsigned n = 0;
        FILE *p;

        snprintf(command, sizeof(command), "ls -1 %s 2>/dev/null | wc -l", directory);
        p = popen(command, "re");
        assert_non_null(p);
        assert_int_equal(fscanf(p, "%u", &n), 1);
        pclose(p);
        return n;
}

static void expect(Fixture *f, const char *from, unsigned asked) {
        _cleanup_(gathered_freep) Gathered *g = rig_gather(&f->options);

        assert_int_equal(g->failure, ATTEST_GATHERED);
        if (from) {
                assert_string_equal(g->endorsement_problem, "");
                assert_string_equal(g->endorsed_by, from);
                assert_true(g->simulated);
                assert_appraisal(g, SIM_TIME, "");
        } else {
                assert_null(g->endorsed_by);
                assert_int_equal(g->vek.size, 0);
                assert_int_equal(g->chain.size, 0);
                assert_false(g->simulated);
                assert_true(*g->endorsement_problem);
        }
        assert_int_equal(f->helper.asked, asked);
}

/* From the network once, then from the cache; a broken cache is asked for again. */
static void network_then_cache(void **state _unused_) {
        const RigChip *c = rig_chip();
        _cleanup_(fixture_done) Fixture f;
        char command[256];

        fixture_init(&f);
        offer(&f.helper, FETCH_VEK, &c->vek);
        offer(&f.helper, FETCH_CHAIN, &f.chain);
        offer(&f.helper, FETCH_CRL, &c->crl);
        expect(&f, "amd", 1);
        assert_int_equal(f.helper.last.source, FETCH_AMD);
        assert_int_equal(f.helper.last.product, SNP_MILAN);
        assert_int_equal(f.helper.last.role, SNP_VCEK);
        assert_int_equal(f.helper.last.parts, 7);
        assert_memory_equal(f.helper.last.chip_id, c->report.chip_id, sizeof(c->report.chip_id));
        assert_memory_equal(f.helper.last.tcb, c->report.reported_tcb, sizeof(c->report.reported_tcb));
        assert_int_equal(files_in(f.cache), 3);
        expect(&f, "cache", 1);
        snprintf(command, sizeof(command), "for i in %s/vcek-*; do echo x > $i; done", f.cache);
        assert_int_equal(system(command), 0);
        expect(&f, "amd", 2);
        expect(&f, "cache", 2);
        snprintf(command, sizeof(command), "cd %s && rm vcek-* && touch vcek-Milan-00-00", f.cache);
        assert_int_equal(system(command), 0);
        expect(&f, "amd", 3);
        assert_int_equal(files_in(f.cache), 3); /* other chips' are gone */
}

/* The host has the certificate alone, as most have. */
static void table_with_the_chain_from_the_network(void **state _unused_) {
        const RigChip *c = rig_chip();
        _cleanup_(fixture_done) Fixture f;

        fixture_init(&f);
        rig_table(&c->vek, NULL, NULL, NULL, &rig_device.table);
        offer(&f.helper, FETCH_VEK, &c->ask); /* not to be asked for */
        offer(&f.helper, FETCH_CHAIN, &f.chain);
        offer(&f.helper, FETCH_CRL, &c->crl);
        expect(&f, "table", 1);
        assert_int_equal(f.helper.last.parts, 1 << FETCH_CHAIN | 1 << FETCH_CRL);
        expect(&f, "table", 1);
        assert_int_equal(files_in(f.cache), 2);
}

/* A whole table needs nobody but for the list of what is revoked. */
static void table_alone(void **state _unused_) {
        const RigChip *c = rig_chip();
        _cleanup_(fixture_done) Fixture f;

        fixture_init(&f);
        rig_table(&c->vek, &c->ask, &c->ark, NULL, &rig_device.table);
        offer(&f.helper, FETCH_CRL, &c->crl);
        expect(&f, "table", 1);
        assert_int_equal(f.helper.last.parts, 1 << FETCH_CRL);
        assert_int_equal(files_in(f.cache), 1);
        f.options.fetch_path = "";
        expect(&f, "table", 1);
}

/* What is wrong with answers, one at a time: nothing of them is taken, and nothing kept. */
static void hostile_answers(void **state _unused_) {
        const RigChip *c = rig_chip();
        SnpTcb tcb = sim_report_tcb(&c->report, SNP_MILAN);
        uint8_t other_id[SNP_CHIP_ID_SIZE] = { 1 };
        SimCertificate vek = sim_vek(&c->pki, SNP_VCEK, SNP_MILAN, &tcb, other_id);
        _cleanup_(buffer_done) Buffer other_chip = {}, other_tcb = {}, own_root = {}, vlek = {}, garbage = {};
        const struct {
                const Buffer *vek;
                bool no_chain;
                FetchStatus status;
                const char *problem;
        } table[] = {
                { &other_chip, false, FETCH_OK, "of another chip" },
                { &other_tcb, false, FETCH_OK, "of another TCB" },
                { &vlek, false, FETCH_OK, "of another kind" },
                { &own_root, false, FETCH_OK, "" },
                { &garbage, false, FETCH_OK, "" },
                { &c->ask, false, FETCH_OK, "no VCEK or VLEK" },
                { &c->vek, true, FETCH_OK, "is not there" },
                { &c->vek, false, FETCH_REFUSED, "refused: a text" },
                { &c->vek, false, FETCH_BUSY, "busy: a text" },
        };
        _cleanup_(fixture_done) Fixture f;
        SimPki stranger;

        assert_int_equal(sim_certificate_write(&vek, &other_chip), 0);
        tcb.parts[TCB_MICROCODE]++;
        vek = sim_vek(&c->pki, SNP_VCEK, SNP_MILAN, &tcb, c->report.chip_id);
        assert_int_equal(sim_certificate_write(&vek, &other_tcb), 0);
        tcb.parts[TCB_MICROCODE]--;
        vek = sim_vek(&c->pki, SNP_VLEK, SNP_MILAN, &tcb, c->report.chip_id);
        assert_int_equal(sim_certificate_write(&vek, &vlek), 0);
        assert_int_equal(sim_pki_new(&stranger), 0);
        vek = sim_vek(&stranger, SNP_VCEK, SNP_MILAN, &tcb, c->report.chip_id);
        assert_int_equal(sim_certificate_write(&vek, &own_root), 0);
        sim_pki_done(&stranger);
        for (unsigned i = 0; i < 5000; i++)
                buffer_u8(&garbage, (uint8_t) (i * i));

        fixture_init(&f);
        snprintf(f.helper.answer.text, sizeof(f.helper.answer.text), "a text");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(gathered_freep) Gathered *g = NULL;

                f.helper.answer.status = table[i].status;
                offer(&f.helper, FETCH_VEK, table[i].vek);
                offer(&f.helper, FETCH_CHAIN, table[i].no_chain ? &(Buffer){} : &f.chain);
                g = rig_gather(&f.options);
                assert_int_equal(g->failure, ATTEST_GATHERED);
                assert_null(g->endorsed_by);
                assert_int_equal(g->vek.size, 0);
                assert_non_null(strstr(g->endorsement_problem, table[i].problem));
                assert_int_equal(files_in(f.cache), 0);
        }
}

static void without_allowance_the_simulator_is_nobody(void **state _unused_) {
        const RigChip *c = rig_chip();
        _cleanup_(fixture_done) Fixture f;

        fixture_init(&f);
        f.options.allow_simulated = false;
        rig_table(&c->vek, &c->ask, &c->ark, NULL, &rig_device.table);
        offer(&f.helper, FETCH_VEK, &c->vek);
        offer(&f.helper, FETCH_CHAIN, &f.chain);
        expect(&f, NULL, 1);
        assert_int_equal(files_in(f.cache), 0);
}

/* Bytes that are no answer, and a helper that is not there. */
static void no_answers(void **state _unused_) {
        static const char *const raw[] = { "x", "SWFA", "HTTP/1.0 200 OK\r\nContent-Length: 9999\r\n\r\n",
                                           "SWFA\1\0\0\0\0\0\0\377\0\0\0\0\0\0\0\0\0\0\0\0", "SWFA\1\11" };
        _cleanup_(fixture_done) Fixture f;
        unsigned asked = 0;

        fixture_init(&f);
        for (size_t i = 0; i < ELEMENTSOF(raw); i++) {
                buffer_done(&f.helper.raw);
                buffer_bytes(&f.helper.raw, raw[i], i == 3 ? 24 : strlen(raw[i]));
                expect(&f, NULL, ++asked);
        }
        f.options.fetch_path = "/nonexistent/socket";
        expect(&f, NULL, asked);
        f.options.fetch_path = "";
        expect(&f, NULL, asked);
}

/* After a failure the network is left alone for a while, however often somebody asks for evidence. */
static void failures_are_not_repeated_at_once(void **state _unused_) {
        _cleanup_(attester_freep) Attester *a = NULL;
        _cleanup_(fixture_done) Fixture f;

        fixture_init(&f);
        f.helper.answer.status = FETCH_BUSY;
        assert_int_equal(attester_new(&f.options, &a), 0);
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(gathered_freep) Gathered *g = rig_gather_on(a);

                assert_null(g->endorsed_by);
                assert_int_equal(f.helper.asked, 1);
        }
        a = attester_free(a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(network_then_cache),
                TEST(table_with_the_chain_from_the_network),
                TEST(table_alone),
                TEST(hostile_answers),
                TEST(without_allowance_the_simulator_is_nobody),
                TEST(no_answers),
                TEST(failures_are_not_repeated_at_once),
        };

        return RUN(tests);
}
