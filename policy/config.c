/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchd.conf. */

#include "policy/config.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "policy/appraisal-tpm.h"
#include "policy/settings.h"

const char *const provider_names[] = {
        [PROVIDER_AUTO] = "auto",
        [PROVIDER_NONE] = "none",
        [PROVIDER_CONFIGFS] = "configfs-tsm",
        [PROVIDER_SEV_GUEST] = "sev-guest",
        [PROVIDER_AZURE] = "azure",
        [PROVIDER_SIMULATOR] = "simulator",
        [_PROVIDER_MAX] = NULL,
};

static const char *const on_death_names[] = { [ON_DEATH_GAP] = "gap", [ON_DEATH_LOCK] = "lock", NULL };

const char *const config_default_files[] = {
        "/etc/sealwatch",
        "/etc/systemd/system",
        "/etc/passwd",
        "/etc/group",
        "/etc/shadow",
        "/etc/sudoers",
        "/etc/sudoers.d",
        "/etc/pam.d",
        "/etc/security",
        "/etc/ssh/sshd_config",
        "/etc/ssh/sshd_config.d",
        "/root/.ssh/authorized_keys",
        "/etc/ld.so.preload",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/modprobe.d",
        "/etc/modules-load.d",
        "/etc/sysctl.conf",
        "/etc/sysctl.d",
        "/etc/polkit-1",
        "/etc/crontab",
        "/etc/cron.d",
        "/etc/crypttab",
        "/etc/fstab",
        NULL,
};

typedef char **Words; /* ended by NULL */

static Words words_free(Words words) {
        for (char **p = words; p && *p; p++)
                free(*p);
        free(words);
        return NULL;
}

DEFINE_CLEANUP(Words, words_free)

int config_init(Config *ret) {
        Config c = {
                .log_max_size = UINT64_C(256) << 20,
                .measurement_pcr = 13,
                .cap_pcr = 12,
                .poison_pcrs = 1U << 7 | 1U << 11,
                .extend_deadline = 2 * USEC_PER_SEC,
                .tpm_deadline = 30 * USEC_PER_SEC,
                .hooks = true,
                .ring_size = RING_SIZE_MIN,
                .hash_deadline = 5 * USEC_PER_SEC,
                .answer_deadline = 10 * USEC_PER_SEC,
                .max_file_size = UINT64_C(4) << 30,
                .queue_max = 4096,
                .workers = 2,
                .attest_interval = 600 * USEC_PER_SEC,
                .attest_grace = 3600 * USEC_PER_SEC,
                .attest_pcrs = 0xffff,
                .seal_pcrs_auto = true,
        };
        int r = free_and_strdup(&c.tpm, "auto");

        for (Watched w = 0; w < _WATCHED_MAX; w++)
                c.required_levels[w] = -1;
        if (r >= 0)
                *ret = c;
        return r;
}

void config_done(Config *c) {
        free(c->tpm);
        free(c->scope_cgroup);
        words_free(c->file_systems);
        words_free(c->files);
        free(c->attest_policy);
        free(c->simulator_scenario);
        *c = (Config){};
}

/* Registers that cannot serve, each with its reason. NULL when the register can. */
static const char *register_refusal(uint64_t pcr) {
        if (pcr == 16 || pcr == 23)
                return "another register: root can reset PCR 16 and 23, so they prove nothing";
        if (pcr >= 17 && pcr <= 22)
                return "another register: PCR 17 to 22 belong to dynamic launch, and clouds refuse to extend them";
        if (pcr == 10)
                return "another register: PCR 10 belongs to the kernel's IMA";
        return pcr < 16 ? NULL : "a PCR from 0 to 15";
}

static const char *parse_register(const Setting *s, const char **at, void *member) {
        uint64_t pcr;
        const char *wrong;

        if (setting_number(s, at, &pcr))
                return "a PCR from 0 to 15";
        wrong = register_refusal(pcr);
        if (!wrong)
                *(uint64_t *) member = pcr;
        return wrong;
}

/* Blank-separated PCRs; each of them must pass register_refusal(). */
static const char *parse_registers(const Setting *s, const char **at, void *member) {
        const char *p = *at, *word;
        PcrSet set = 0;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                char number[4] = "";
                const char *start = number, *wrong;
                uint64_t pcr = 0;

                *at = word;
                if (n >= sizeof(number))
                        return "PCRs from 0 to 15";
                memcpy(number, word, n);
                wrong = parse_register(s, &start, &pcr);
                if (wrong)
                        return wrong;
                set |= 1U << pcr;
        }
        *(PcrSet *) member = set;
        return NULL;
}

static const char *parse_tpm(const Setting *s, const char **at, void *member) {
        const char *v = *at;

        if (!streq(v, "auto") && !startswith(v, "device:/") && !startswith(v, "swtpm:/"))
                return "auto, device:/dev/tpmrm0 or swtpm:/path/of/socket";
        return setting_text(s, at, member);
}

/* An absolute path of at least one component, without empty ones, "." and "..". */
static bool is_plain_path(const char *path) {
        for (const char *p = path; *p; p += strcspn(p, "/")) {
                size_t n;

                if (*p++ != '/')
                        return false;
                n = strcspn(p, "/");
                if (n == 0 || (n <= 2 && memcmp(p, "..", n) == 0))
                        return false;
        }
        return *path != '\0';
}

static const char *parse_path(const Setting *s, const char **at, void *member) {
        return is_plain_path(*at) ? setting_text(s, at, member) : "an absolute path";
}

static const char *parse_scope(const Setting *s, const char **at, void *member) {
        static const char prefix[] = "cgroup:";
        const char *path;

        if (streq(*at, "machine")) {
                free(*(char **) member);
                *(char **) member = NULL;
                return NULL;
        }
        path = *at + (startswith(*at, prefix) ? strlen(prefix) : 0);
        if (path == *at || !is_plain_path(path))
                return "machine, or cgroup:/path of a cgroup below the root";
        return setting_text(s, &path, member);
}

/* The word that stands for no list, alone, or absolute paths. */
static const char *parse_paths(const char **at, const char *alone, const char *expected, Words *target) {
        _cleanup_(words_freep) Words list = NULL;
        bool all = streq(*at, alone);
        size_t size = 0, allocated = 0, n;
        const char *p = *at, *word;

        while (!all && (n = next_word(&p, &word)) > 0) {
                *at = word;
                if (*word != '/')
                        return expected;
                if (GREEDY_REALLOC(list, allocated, size + 2) < 0)
                        return "more memory";
                list[size] = memdup_nul(word, n); /* NULL ends the list as well */
                if (!list[size])
                        return "more memory";
                list[++size] = NULL;
        }
        if (!all && size == 0)
                return expected;
        words_free(*target);
        *target = TAKE_PTR(list);
        return NULL;
}

static const char *parse_ring_size(const Setting *s, const char **at, void *member) {
        static const char expected[] = "a power of two from 1M to 16M";
        uint64_t size;

        static_assert(RING_SIZE_MIN == 1 << 20 && RING_SIZE_MAX == 16 << 20, "what is expected");
        if (setting_size(s, at, &size) || (size & (size - 1)) != 0)
                return expected;
        *(uint64_t *) member = size;
        return NULL;
}

static const char *parse_file_systems(const Setting *s, const char **at, void *member) {
        return parse_paths(at, "all", "all, or absolute paths on the file systems to watch", member);
}

static const char *parse_files(const Setting *s, const char **at, void *member) {
        Words *target = member;

        if (!streq(*at, "none"))
                return parse_paths(at, "default", "none, default, or absolute paths and patterns of files", member);
        words_free(*target);
        *target = new0(char *, 1);
        return *target ? NULL : "more memory";
}

static int index_of_word(const char *const *words, const char *word, size_t n) {
        for (int i = 0; words[i]; i++)
                if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
                        return i;
        return -1;
}

/* "exec:gate ungated:observe"; what is not named is as at start, whatever an earlier file said. */
static const char *parse_levels(const Setting *s _unused_, const char **at, void *member) {
        int levels[_WATCHED_MAX];
        const char *p = *at, *word;
        size_t n;

        for (Watched w = 0; w < _WATCHED_MAX; w++)
                levels[w] = -1;
        while ((n = next_word(&p, &word)) > 0) {
                const char *colon = memchr(word, ':', n);
                int watched, level;

                *at = word;
                watched = colon ? index_of_word(watched_names, word, (size_t) (colon - word)) : -1;
                level = colon ? index_of_word(level_names, colon + 1, (size_t) (word + n - colon - 1)) : -1;
                if (watched < 0 || level < 0)
                        return "words like exec:gate and ungated:observe (levels are off, observe, gate and enforce)";
                if (levels[watched] >= 0)
                        return "each event once";
                levels[watched] = level;
        }
        memcpy(member, levels, sizeof(levels));
        return NULL;
}

/* seal_pcrs and the flag beside it. */
static const char *parse_seal_pcrs(const Setting *s, const char **at, void *member) {
        Config *c = (Config *) (void *) ((char *) member - offsetof(Config, seal_pcrs));

        c->seal_pcrs_auto = streq(*at, "auto");
        return c->seal_pcrs_auto ? NULL : parse_registers(s, at, member);
}

static const Setting settings[] = {
#define SETTING(section, key, parse, member, ...)                                                                     \
        { section, key, parse, offsetof(Config, member), __VA_ARGS__ }
        SETTING("Daemon", "LogMaxSize", setting_size, log_max_size, .min = 1 << 20, .max = UINT64_C(1) << 32),
        SETTING("Daemon", "OnDeath", setting_word, on_death, .words = on_death_names),
        SETTING("Daemon", "RefuseStop", setting_bool, refuse_stop, .min = 0),
        SETTING("Registers", "Tpm", parse_tpm, tpm, .min = 0),
        SETTING("Registers", "MeasurementPCR", parse_register, measurement_pcr, .max = PCR_COUNT - 1),
        SETTING("Registers", "CapPCR", parse_register, cap_pcr, .max = PCR_COUNT - 1),
        SETTING("Registers", "PoisonPCRs", parse_registers, poison_pcrs, .max = PCR_COUNT - 1),
        SETTING("Registers", "ExtendDeadlineSec", setting_seconds, extend_deadline, .min = 10 * USEC_PER_MSEC,
                .max = 600 * USEC_PER_SEC),
        SETTING("Registers", "TpmDeadlineSec", setting_seconds, tpm_deadline, .min = USEC_PER_SEC,
                .max = 600 * USEC_PER_SEC),
        SETTING("Watch", "Scope", parse_scope, scope_cgroup, .min = 0),
        SETTING("Watch", "FileSystems", parse_file_systems, file_systems, .min = 0),
        SETTING("Watch", "Files", parse_files, files, .min = 0),
        SETTING("Watch", "RequireLevels", parse_levels, required_levels, .min = 0),
        SETTING("Watch", "HashDeadlineSec", setting_seconds, hash_deadline, .min = 10 * USEC_PER_MSEC,
                .max = 600 * USEC_PER_SEC),
        SETTING("Watch", "AnswerDeadlineSec", setting_seconds, answer_deadline, .min = 10 * USEC_PER_MSEC,
                .max = 600 * USEC_PER_SEC),
        SETTING("Watch", "MaxFileSize", setting_size, max_file_size, .min = 1),
        SETTING("Watch", "QueueMax", setting_number, queue_max, .min = 1, .max = 1 << 16),
        SETTING("Watch", "Workers", setting_number, workers, .min = 1, .max = 64),
        SETTING("Watch", "Hooks", setting_bool, hooks, .min = 0),
        SETTING("Watch", "RingSize", parse_ring_size, ring_size, .min = RING_SIZE_MIN, .max = RING_SIZE_MAX),
        SETTING("Attestation", "Provider", setting_word, attest_provider, .words = provider_names),
        SETTING("Attestation", "RequireAttestation", setting_bool, require_attestation, .min = 0),
        SETTING("Attestation", "Interval", setting_seconds, attest_interval, .max = 7 * 86400 * USEC_PER_SEC),
        SETTING("Attestation", "GraceSec", setting_seconds, attest_grace, .max = 7 * 86400 * USEC_PER_SEC),
        SETTING("Attestation", "PCRs", setting_tpm_pcrs, attest_pcrs, .min = 0),
        SETTING("Attestation", "Policy", parse_path, attest_policy, .min = 0),
        SETTING("Attestation", "SimulatorScenario", parse_path, simulator_scenario, .min = 0),
        SETTING("Secrets", "SealPCRs", parse_seal_pcrs, seal_pcrs, .max = PCR_COUNT - 1),
        SETTING("Secrets", "ReleaseWhenDegraded", setting_bool, release_when_degraded, .min = 0),
#undef SETTING
};

int config_apply(Config *c, const char *name, const char *text, size_t n, ProblemList *problems) {
        return settings_apply_text(settings, ELEMENTSOF(settings), name, text, n, c, problems);
}

void config_check(const Config *c, ProblemList *problems) {
        if (c->measurement_pcr == c->cap_pcr)
                problem_add(problems, NULL, 0, 0, "MeasurementPCR= and CapPCR= must be different registers");
        if (c->poison_pcrs & (1U << c->measurement_pcr | 1U << c->cap_pcr))
                problem_add(problems, NULL, 0, 0, "PoisonPCRs= must name neither MeasurementPCR= nor CapPCR=");
        if (c->seal_pcrs & (1U << c->measurement_pcr))
                problem_add(problems, NULL, 0, 0,
                            "SealPCRs= cannot hold MeasurementPCR=: its value is different at every boot");
        if (c->hash_deadline > c->answer_deadline)
                problem_add(problems, NULL, 0, 0, "HashDeadlineSec= must not be longer than AnswerDeadlineSec=");
}
