/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "policy/config.h"
#include "tests/problems.h"
#include "tests/test.h"

/* Applies the text on top, then checks the whole; returns all complaints. */
static char *apply(Config *c, const char *text) {
        ProblemList problems = {};

        assert_int_equal(config_apply(c, "c", text, strlen(text), &problems), 0);
        config_check(c, &problems);
        return problems_take(&problems);
}

static void right(Config *c, const char *text) {
        _cleanup_free_ char *problems = apply(c, text);

        assert_string_equal(problems, "");
}

static void wrong(const char *text, const char *expected) {
        _cleanup_(config_done) Config c;
        _cleanup_free_ char *problems = NULL;

        assert_int_equal(config_init(&c), 0);
        problems = apply(&c, text);
        assert_string_equal(problems, expected);
}

static void defaults_are_those_of_the_manual(void **state _unused_) {
        _cleanup_(config_done) Config c;

        assert_int_equal(config_init(&c), 0);
        assert_true(c.log_max_size == 256 << 20);
        assert_int_equal(c.on_death, ON_DEATH_GAP);
        assert_false(c.refuse_stop);
        assert_string_equal(c.tpm, "auto");
        assert_int_equal(c.measurement_pcr, 13);
        assert_int_equal(c.cap_pcr, 12);
        assert_int_equal(c.poison_pcrs, 1U << 7 | 1U << 11);
        assert_true(c.extend_deadline == 2 * USEC_PER_SEC && c.tpm_deadline == 30 * USEC_PER_SEC);
        assert_null(c.scope_cgroup);
        assert_null(c.file_systems);
        assert_null(c.files);
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                assert_int_equal(c.required_levels[w], -1);
        assert_true(c.hash_deadline == 5 * USEC_PER_SEC && c.answer_deadline == 10 * USEC_PER_SEC);
        assert_true(c.max_file_size == UINT64_C(4) << 30);
        assert_int_equal(c.queue_max, 4096);
        assert_int_equal(c.workers, 2);
        assert_true(c.hooks);
        assert_true(c.ring_size == 1 << 20);
        assert_true(c.seal_pcrs_auto);
        assert_false(c.release_when_degraded);
        right(&c, "");
        config_done(&c);
        config_done(&c);
        assert_int_equal(config_init(&c), 0);
}

static void every_key(void **state _unused_) {
        _cleanup_(config_done) Config c;

        assert_int_equal(config_init(&c), 0);
        right(&c, "[Daemon]\nLogMaxSize=1G\nOnDeath=lock\nRefuseStop=yes\n"
                  "[Registers]\nTpm=device:/dev/tpmrm0\nMeasurementPCR=14\nCapPCR=15\nPoisonPCRs=0 7 11\n"
                  "ExtendDeadlineSec=500ms\nTpmDeadlineSec=2min\n"
                  "[Watch]\nScope=cgroup:/a.slice/b c\nFileSystems=/ /srv\nRequireLevels=exec:gate ungated:off\n"
                  "HashDeadlineSec=7\nAnswerDeadlineSec=8s\nMaxFileSize=1T\nQueueMax=65536\nWorkers=64\nHooks="
                  "no\nRingSize=4M\nFiles=/etc/passwd /etc/*.d\n"
                  "[Secrets]\nSealPCRs=4 7\nReleaseWhenDegraded=yes\n");
        assert_true(c.log_max_size == 1 << 30);
        assert_int_equal(c.on_death, ON_DEATH_LOCK);
        assert_true(c.refuse_stop);
        assert_string_equal(c.tpm, "device:/dev/tpmrm0");
        assert_int_equal(c.measurement_pcr, 14);
        assert_int_equal(c.cap_pcr, 15);
        assert_int_equal(c.poison_pcrs, 1U << 0 | 1U << 7 | 1U << 11);
        assert_true(c.extend_deadline == 500 * USEC_PER_MSEC && c.tpm_deadline == 120 * USEC_PER_SEC);
        assert_string_equal(c.scope_cgroup, "/a.slice/b c");
        assert_string_equal(c.file_systems[0], "/");
        assert_string_equal(c.file_systems[1], "/srv");
        assert_null(c.file_systems[2]);
        assert_string_equal(c.files[1], "/etc/*.d");
        assert_null(c.files[2]);
        assert_int_equal(c.required_levels[WATCHED_EXEC], LEVEL_GATE);
        assert_int_equal(c.required_levels[WATCHED_UNGATED], LEVEL_OFF);
        assert_int_equal(c.required_levels[WATCHED_MODULE], -1);
        assert_true(c.hash_deadline == 7 * USEC_PER_SEC && c.answer_deadline == 8 * USEC_PER_SEC);
        assert_true(c.max_file_size == UINT64_C(1) << 40);
        assert_int_equal(c.queue_max, 65536);
        assert_int_equal(c.workers, 64);
        assert_false(c.hooks);
        assert_true(c.ring_size == 4 << 20);
        assert_false(c.seal_pcrs_auto);
        assert_int_equal(c.seal_pcrs, 1U << 4 | 1U << 7);
        assert_true(c.release_when_degraded);

        /* and back, in a later file */
        right(&c, "[Daemon]\nOnDeath=gap\n[Watch]\nScope=machine\nFileSystems=all\nFiles=none\nRequireLevels=module:"
                  "observe\n"
                  "[Secrets]\nSealPCRs=auto\nReleaseWhenDegraded=off\n[Registers]\nPoisonPCRs=\n");
        assert_int_equal(c.on_death, ON_DEATH_GAP);
        assert_null(c.scope_cgroup);
        assert_null(c.file_systems);
        assert_true(c.files && !c.files[0]);
        right(&c, "[Watch]\nFiles=default\n");
        assert_null(c.files);
        assert_int_equal(c.required_levels[WATCHED_EXEC], -1);
        assert_int_equal(c.required_levels[WATCHED_MODULE], LEVEL_OBSERVE);
        assert_true(c.seal_pcrs_auto);
        assert_false(c.release_when_degraded);
        assert_int_equal(c.poison_pcrs, 0);
}

static void registers_that_cannot_serve(void **state _unused_) {
        static const char *const keys[] = { "MeasurementPCR", "CapPCR", "PoisonPCRs", "SealPCRs" };

        for (size_t k = 0; k < ELEMENTSOF(keys); k++)
                for (unsigned pcr = 10; pcr < 30; pcr++) {
                        char text[64], expected[256];
                        const char *why;

                        why = pcr == 10 ? "another register: PCR 10 belongs to the kernel's IMA"
                              : pcr == 16 || pcr == 23
                                      ? "another register: root can reset PCR 16 and 23, so they prove "
                                        "nothing"
                              : pcr >= 17 && pcr <= 22
                                      ? "another register: PCR 17 to 22 belong to dynamic launch, and "
                                        "clouds refuse to extend them"
                              : pcr >= 24 ? "a PCR from 0 to 15"
                                          : NULL;
                        if (!why)
                                continue;
                        snprintf(text, sizeof(text), "[%s]\n%s=%u\n", k == 3 ? "Secrets" : "Registers", keys[k], pcr);
                        snprintf(expected, sizeof(expected), "c:2:%zu: %s= expects %s\n", strlen(keys[k]) + 2, keys[k],
                                 why);
                        wrong(text, expected);
                }
        wrong("[Registers]\nPoisonPCRs=7 x 11\n", "c:2:14: PoisonPCRs= expects a PCR from 0 to 15\n");
        wrong("[Registers]\nPoisonPCRs=7 1234\n", "c:2:14: PoisonPCRs= expects PCRs from 0 to 15\n");
        wrong("[Registers]\nMeasurementPCR=-1\n", "c:2:16: MeasurementPCR= expects a PCR from 0 to 15\n");
        wrong("[Registers]\nMeasurementPCR=\n", "c:2:16: MeasurementPCR= expects a PCR from 0 to 15\n");
        wrong("[Registers]\nMeasurementPCR=13 14\n", "c:2:16: MeasurementPCR= expects a PCR from 0 to 15\n");
}

static void registers_have_one_role(void **state _unused_) {
        wrong("[Registers]\nMeasurementPCR=12\n", "MeasurementPCR= and CapPCR= must be different registers\n");
        wrong("[Registers]\nPoisonPCRs=7 13\n", "PoisonPCRs= must name neither MeasurementPCR= nor CapPCR=\n");
        wrong("[Registers]\nPoisonPCRs=12\n", "PoisonPCRs= must name neither MeasurementPCR= nor CapPCR=\n");
        wrong("[Secrets]\nSealPCRs=7 13\n",
              "SealPCRs= cannot hold MeasurementPCR=: its value is different at every boot\n");
        wrong("[Watch]\nHashDeadlineSec=11\n", "HashDeadlineSec= must not be longer than AnswerDeadlineSec=\n");
}

static void mistakes_of_sections_and_keys(void **state _unused_) {
        wrong("[Deamon]\nOnDeath=lock\n", "c:1:2: unknown section \"Deamon\"; did you mean \"Daemon\"?\n");
        wrong("[Daemon x]\n", "c:1:9: [Daemon] takes no name\n");
        wrong("[Daemon]\nOnDead=lock\n", "c:2:1: unknown key \"OnDead\"; did you mean \"OnDeath\"?\n");
        wrong("[Watch]\nOnDeath=lock\n", "c:2:1: unknown key \"OnDeath\"\n"); /* it is another section's */
        wrong("[Daemon]\nOnDeath=lock\nOnDeath=gap\n", "c:3:1: OnDeath= is given twice\n");
        wrong("[Daemon]\nOnDeath=lock\n[Watch]\nWorkers=1\n[Daemon]\nOnDeath=gap\n",
              "c:6:1: OnDeath= is given twice\n");
        wrong("Workers=1\n", "c:1:1: the assignment is in no section\n");
}

static void mistakes_of_values(void **state _unused_) {
        static const char size[] = "a size in bytes, with K, M, G or T behind it (256M), within its limits";
        static const char seconds[] = "a time in seconds, or with ms, s or min behind it (500ms), within its limits";
        static const char *const sizes[] = {
                "", "x", "1K", "5G", "-1", "256 M", "256m", "99999999999999999999", "17179869184G"
        };
        static const char *const times[] = {
                "", "9ms", "601", "5h", "1.5", "18446744073709551615", "11min", "infinity"
        };
        static const char *const ring_sizes[] = { "",   "0",   "512K", "1048575", "3M", "4194305",
                                                  "6M", "32M", "1T",   "4 M",     "-4M" };
        static const char scope[] = "c:2:7: Scope= expects machine, or cgroup:/path of a cgroup below the root\n";
        static const char *const scopes[] = {
                "",           "cgroup:",      "cgroup:/",    "cgroup:a",       "cgroup:/a/", "cgroup:/a//b",
                "cgroup:/..", "cgroup:/a/..", "cgroup:/./a", "cgroup:/a/../b", "/a",         "Machine",
                "machine x"
        };
        static const char files[] = "FileSystems= expects all, or absolute paths on the file systems to watch\n";
        static const char levels[] =
                "words like exec:gate and ungated:observe (levels are off, observe, gate and enforce)\n";
        char text[128], expected[256];

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                snprintf(text, sizeof(text), "[Daemon]\nLogMaxSize=%s\n", sizes[i]);
                snprintf(expected, sizeof(expected), "c:2:12: LogMaxSize= expects %s\n", size);
                wrong(text, expected);
        }
        for (size_t i = 0; i < ELEMENTSOF(ring_sizes); i++) {
                snprintf(text, sizeof(text), "[Watch]\nRingSize=%s\n", ring_sizes[i]);
                wrong(text, "c:2:10: RingSize= expects a power of two from 1M to 16M\n");
        }
        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                snprintf(text, sizeof(text), "[Registers]\nExtendDeadlineSec=%s\n", times[i]);
                snprintf(expected, sizeof(expected), "c:2:19: ExtendDeadlineSec= expects %s\n", seconds);
                wrong(text, expected);
        }
        for (size_t i = 0; i < ELEMENTSOF(scopes); i++) {
                snprintf(text, sizeof(text), "[Watch]\nScope=%s\n", scopes[i]);
                wrong(text, scope);
        }
        wrong("[Daemon]\nOnDeath=die\n", "c:2:9: OnDeath= expects gap or lock\n");
        wrong("[Registers]\nTpm=/dev/tpm0\n",
              "c:2:5: Tpm= expects auto, device:/dev/tpmrm0 or swtpm:/path/of/socket\n");
        wrong("[Watch]\nQueueMax=0\n", "c:2:10: QueueMax= expects a number from 1 to 65536\n");
        wrong("[Watch]\nQueueMax=65537\n", "c:2:10: QueueMax= expects a number from 1 to 65536\n");
        wrong("[Watch]\nWorkers=2x\n", "c:2:9: Workers= expects a number from 1 to 64\n");
        wrong("[Secrets]\nReleaseWhenDegraded=maybe\n", "c:2:21: ReleaseWhenDegraded= expects yes or no\n");
        snprintf(expected, sizeof(expected), "c:2:13: %s", files);
        wrong("[Watch]\nFileSystems=\n", expected);
        wrong("[Watch]\nFileSystems=srv\n", expected);
        wrong("[Watch]\nFileSystems=all /srv\n", expected);
        snprintf(expected, sizeof(expected), "c:2:18: %s", files);
        wrong("[Watch]\nFileSystems=/srv all\n", expected);
        snprintf(expected, sizeof(expected), "c:2:25: RequireLevels= expects %s", levels);
        wrong("[Watch]\nRequireLevels=exec:gate exec\n", expected);
        snprintf(expected, sizeof(expected), "c:2:15: RequireLevels= expects %s", levels);
        wrong("[Watch]\nRequireLevels=exec:gates\n", expected);
        wrong("[Watch]\nRequireLevels=exe:gate\n", expected);
        wrong("[Watch]\nRequireLevels=exec:gate exec:off\n", "c:2:25: RequireLevels= expects each event once\n");
}

static void words_for_yes_and_no(void **state _unused_) {
        static const char *const yes[] = { "yes", "true", "on" }, *const no[] = { "no", "false", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                for (int value = 0; value < 2; value++) {
                        _cleanup_(config_done) Config c;
                        char text[64];

                        assert_int_equal(config_init(&c), 0);
                        c.release_when_degraded = !value;
                        snprintf(text, sizeof(text), "[Secrets]\nReleaseWhenDegraded=%s\n", value ? yes[i] : no[i]);
                        right(&c, text);
                        assert_int_equal(c.release_when_degraded, value);
                }
}

/* What is refused leaves the setting as it was. */
static void mistakes_change_nothing(void **state _unused_) {
        _cleanup_(config_done) Config c;
        _cleanup_free_ char *problems = NULL;

        assert_int_equal(config_init(&c), 0);
        problems =
                apply(&c, "[Registers]\nMeasurementPCR=16\nPoisonPCRs=1 16\nTpm=x\n"
                          "[Watch]\nRequireLevels=exec:gate x\nFileSystems=/a b\nScope=x\nWorkers=0\nRingSize=3M\n");
        assert_non_null(strstr(problems, "c:2:16: "));
        assert_int_equal(c.measurement_pcr, 13);
        assert_int_equal(c.poison_pcrs, 1U << 7 | 1U << 11);
        assert_string_equal(c.tpm, "auto");
        assert_int_equal(c.required_levels[WATCHED_EXEC], -1);
        assert_null(c.file_systems);
        assert_null(c.scope_cgroup);
        assert_int_equal(c.workers, 2);
        assert_true(c.ring_size == 1 << 20);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(defaults_are_those_of_the_manual),
                TEST(every_key),
                TEST(registers_that_cannot_serve),
                TEST(registers_have_one_role),
                TEST(mistakes_of_sections_and_keys),
                TEST(mistakes_of_values),
                TEST(words_for_yes_and_no),
                TEST(mistakes_change_nothing),
        };

        return RUN(tests);
}
