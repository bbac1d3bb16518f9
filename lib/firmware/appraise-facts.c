/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the log says of the boot. A requirement that cannot be judged for want of PCR values is undecided; one that the PCRs
 * contradict has failed. */

#include <inttypes.h>
#include <stdio.h>

#include "lib/firmware/appraise-internal.h"

/* Why the log's word about a PCR counts for nothing; NULL when it counts. */
static const char *doubt(const FirmwareAppraisal *a, PcrSet pcrs) {
        if ((a->mismatched | a->foreign) & pcrs)
                return "the register does not hold what the log says, or more than that";
        if ((a->anchored & pcrs) != pcrs)
                return "no value of the register was given to compare with";
        return NULL;
}

/* The result of a check whose outcome rests on PCRs. */
static CheckResult weigh(const FirmwareAppraisal *a, PcrSet pcrs, bool required, bool good) {
        if ((a->mismatched | a->foreign) & pcrs)
                return required ? CHECK_FAIL : CHECK_NA;
        if (required && !good)
                return CHECK_FAIL;
        if ((a->anchored & pcrs) != pcrs)
                return required ? CHECK_UNDECIDED : CHECK_NA;
        return CHECK_PASS;
}

static const char *secure_boot_word(const FirmwareFacts *f, bool *ret_clear) {
        *ret_clear = false;
        if (f->unexplained != 0 && f->unexplained_early)
                return "unclear: PCR 7 has an event before its separator that says nothing";
        if (f->secure_boot == SECURE_BOOT_UNCLEAR)
                return "unclear: there are several SecureBoot variables";
        if (f->secure_boot == SECURE_BOOT_UNKNOWN)
                return "unknown: there is no SecureBoot variable before the separator of PCR 7";
        if (!(f->separated & 1U << 7))
                return "unclear: PCR 7 has no separator";
        *ret_clear = true;
        return f->secure_boot == SECURE_BOOT_ON ? "on" : "off";
}

static void judge_secure_boot(const FirmwareAppraisal *a, CheckList *checks) {
        const FirmwareFacts *f = &a->facts;
        bool required = a->requirements->require_secure_boot, clear;
        const char *word = secure_boot_word(f, &clear), *why = doubt(a, 1U << 7);
        CheckResult result = weigh(a, 1U << 7, required, clear && f->secure_boot == SECURE_BOOT_ON);

        if (!clear && result == CHECK_PASS)
                result = CHECK_NA;
        check_add(checks, "secure-boot", result, "%s%s%s%s", word, why ? "; " : "", why ? why : "",
                  required ? "" : " (not required)");
}

static void judge_debugger(const FirmwareAppraisal *a, CheckList *checks) {
        const FirmwareFacts *f = &a->facts;
        const char *why = doubt(a, 1U << 7);

        if (f->debugger != 0)
                check_add(checks, "debugger", a->requirements->allow_debugger ? CHECK_PASS : CHECK_FAIL,
                          "event %" PRIu64 " says that the firmware's debugger was on", f->debugger);
        else if (f->unexplained != 0 && f->unexplained_early)
                check_add(checks, "debugger", CHECK_NA, "event %" PRIu64 " of PCR 7 says nothing of what it is",
                          f->unexplained);
        else
                check_add(checks, "debugger", weigh(a, 1U << 7, false, true), "off%s%s", why ? "; " : "",
                          why ? why : "");
}

static void judge_sbat(const FirmwareAppraisal *a, CheckList *checks) {
        const FirmwareFacts *f = &a->facts;
        uint64_t minimum = a->requirements->minimum_sbat;
        const char *why = doubt(a, 1U << 7);
        bool required = minimum > 0;

        if (f->unexplained != 0)
                check_add(checks, "sbat", required ? CHECK_FAIL : CHECK_NA,
                          "event %" PRIu64 " of PCR 7 says nothing of what it is: it may be a lower level",
                          f->unexplained);
        else if (f->sbat_event == 0)
                check_add(checks, "sbat", required ? CHECK_FAIL : CHECK_NA, "the log has no SBAT level of shim");
        else
                check_add(checks, "sbat", weigh(a, 1U << 7, required, f->sbat >= minimum),
                          "level %" PRIu64 ", at least %" PRIu64 " is asked for%s%s", f->sbat, minimum,
                          why ? "; " : "", why ? why : "");
}

static void judge_error(const FirmwareAppraisal *a, CheckList *checks) {
        PcrSet open = 0xff & ~a->facts.separated;
        char text[PCR_SET_TEXT_MAX];

        if (a->facts.error_separator != 0)
                check_add(checks, "firmware-error", CHECK_FAIL,
                          "event %" PRIu64 " is a separator that stands for an error of the firmware",
                          a->facts.error_separator);
        else if (open)
                check_add(checks, "firmware-error", CHECK_NA,
                          "PCRs %s have no separator: the log ends before the firmware was done",
                          pcr_set_text(open, text));
        else
                check_add(checks, "firmware-error", weigh(a, 0xff, false, true),
                          "none; a separator closes each of the PCRs 0-7");
}

static const struct {
        const char *check, *what;
        PcrSet pcrs; /* all of them must be explained: what is left out of the log could be another one */
} kinds[] = {
        [ITEMS_IMAGES] = { "boot-loader", "images in PCR 4", 1U << 4 },
        [ITEMS_FILES] = { "boot-files", "files in PCRs 8 and 9", 1U << 8 | 1U << 9 },
        [ITEMS_KERNELS] = { "kernel", "kernels of unified images in PCR 11", 1U << 11 },
        [ITEMS_COMMAND_LINES] = { "command-line", "command lines in PCRs 8, 11 and 12",
                                  1U << 8 | 1U << 11 | 1U << 12 },
};
static_assert(ELEMENTSOF(kinds) == _ITEMS_MAX, "a row per kind");

/* The bank in which digests are compared and shown: one that PCR values were given for, when there is one. */
static HashAlg shown_bank(const FirmwareAppraisal *a) {
        BankSet banks = a->pcrs->banks ? a->pcrs->banks : firmware_log_banks(a->log);
        HashAlg alg = bank_preferred(banks);

        return alg == _HASH_INVALID ? HASH_SHA1 : alg;
}

static bool is_allowed(const FirmwareAppraisal *a, const DigestList *list, const FirmwareItem *item) {
        BankSet banks = a->pcrs->banks ? a->pcrs->banks : firmware_log_banks(a->log);

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (banks & item->digests.banks & bank(alg) && digest_list_has(list, alg, item->digests.values[alg]))
                        return true;
        return false;
}

/* The registers of a kind that count: not those that others went on to extend. */
static PcrSet pcrs_of(const FirmwareAppraisal *a, FirmwareItems which) {
        return kinds[which].pcrs & ~a->requirements->continued;
}

/* The first item that is not allowed, or NULL; *ret_n: how many items there are. */
static const FirmwareItem *find_stranger(const FirmwareAppraisal *a, FirmwareItems which, size_t *ret_n) {
        const FirmwareItemList *l = &a->facts.lists[which];
        const FirmwareItem *stranger = NULL;

        *ret_n = 0;
        for (size_t i = 0; i < l->size; i++) {
                if (!(pcrs_of(a, which) & 1U << l->items[i].pcr))
                        continue;
                (*ret_n)++;
                if (!stranger && !is_allowed(a, &a->requirements->lists[which], &l->items[i]))
                        stranger = &l->items[i];
        }
        return stranger;
}

/* "event 23, sha256:…, text" */
static void describe(const FirmwareAppraisal *a, const FirmwareItem *item, char *ret, size_t size) {
        HashAlg alg = shown_bank(a);
        char hex[2 * DIGEST_MAX + 1];
        Digest d = { .alg = alg };

        memcpy(d.bytes, item->digests.values[alg], DIGEST_MAX);
        snprintf(ret, size, "event %" PRIu64 ", %s:%s%s%s", item->number, hash_name(alg), digest_hex(&d, hex),
                 item->text ? ", " : "", item->text ? item->text : "");
}

static void judge_required(const FirmwareAppraisal *a, FirmwareItems which, CheckList *checks) {
        const FirmwareItemList *l = &a->facts.lists[which];
        PcrSet pcrs = pcrs_of(a, which);
        const char *why = doubt(a, pcrs);
        size_t n;
        const FirmwareItem *stranger = find_stranger(a, which, &n);
        char text[FIRMWARE_TEXT_MAX + 256];

        if (n == 0)
                check_add(checks, kinds[which].check, CHECK_FAIL, "the log has no %s", kinds[which].what);
        else if (l->dropped > 0)
                check_add(checks, kinds[which].check, CHECK_FAIL, "more than %d %s", FIRMWARE_ITEMS_MAX,
                          kinds[which].what);
        else if (stranger) {
                describe(a, stranger, text, sizeof(text));
                check_add(checks, kinds[which].check, CHECK_FAIL, "not among the reference values: %s", text);
        } else
                check_add(checks, kinds[which].check, weigh(a, pcrs, true, true),
                          "all %zu %s are reference values%s%s", n, kinds[which].what, why ? "; " : "",
                          why ? why : "");
}

static void judge_items(const FirmwareAppraisal *a, FirmwareItems which, CheckList *checks) {
        const FirmwareItemList *l = &a->facts.lists[which];
        char text[FIRMWARE_TEXT_MAX + 256] = "";

        if (a->requirements->lists[which].size > 0) {
                judge_required(a, which, checks);
                return;
        }
        if (l->size > 0)
                describe(a, &l->items[which == ITEMS_COMMAND_LINES ? l->size - 1 : 0], text, sizeof(text));
        check_add(checks, kinds[which].check, CHECK_NA, "no reference values were given; %" PRIu64 " %s%s%s",
                  l->size + l->dropped, kinds[which].what, l->size > 0 ? ": " : "", text);
}

static void judge_nothing(CheckList *checks) {
        static const char *const names[] = { "firmware-error", "secure-boot", "debugger", "sbat" };
        static const char why[] = "the log cannot be read to its end";

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                check_add(checks, names[i], CHECK_NA, why);
        for (FirmwareItems i = 0; i < _ITEMS_MAX; i++)
                check_add(checks, kinds[i].check, CHECK_NA, why);
}

void firmware_judge_facts(const FirmwareAppraisal *a, CheckList *checks) {
        if (a->result != LOG_END) {
                judge_nothing(checks);
                return;
        }
        judge_error(a, checks);
        judge_secure_boot(a, checks);
        judge_debugger(a, checks);
        judge_sbat(a, checks);
        for (FirmwareItems i = 0; i < _ITEMS_MAX; i++)
                judge_items(a, i, checks);
}
