/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appraisal of the firmware's log: what holds, what does not, and what tries to be read in two ways. */

#include "lib/base/cleanup.h"
#include "lib/firmware/eventtype.h"
#include "lib/firmware/variable.h"
#include "tests/unit/firmware.h"

static CheckList judge(const FirmwareRequirements *q, const PcrInputs *pcrs, const Buffer *log) {
        FirmwareRequirements none = {};
        CheckList checks = {};

        assert_int_equal(firmware_appraise(q ? q : &none, pcrs, log->data, log->size, &checks), 0);
        return checks;
}

static void expect(const CheckList *checks, const char *name, CheckResult result, const char *detail) {
        const Check *c = check_list_find(checks, name);

        assert_non_null(c);
        if (c->result != result || !startswith(c->detail, detail))
                fail_msg("%s: %s %s", name, check_result_word(c->result), c->detail);
}

/* Judges, and expects one check. */
static void judge_one(const FirmwareRequirements *q, const PcrInputs *pcrs, const Buffer *log, const char *name,
                      CheckResult result, const char *detail) {
        _cleanup_(check_list_done) CheckList checks = judge(q, pcrs, log);

        expect(&checks, name, result, detail);
}

static void good_boots(void **state _unused_) {
        for (SimBoot boot = 0; boot < _SIM_BOOT_MAX; boot++)
                for (int locality = -1; locality <= 3; locality += 4) {
                        SimFirmware f = sim_firmware_default();
                        _cleanup_(buffer_done) Buffer log = {};
                        _cleanup_(check_list_done) CheckList checks = {};
                        PcrInputs pcrs;

                        f.boot = boot;
                        f.locality = locality;
                        firmware_make(&f, &log, &pcrs);
                        checks = judge(NULL, &pcrs, &log);
                        assert_int_equal(check_list_verdict(&checks), CHECK_PASS);
                        expect(&checks, "log-structure", CHECK_PASS, "crypto-agile, ");
                        expect(&checks, "event-data", CHECK_PASS, "");
                        expect(&checks, "log-replay", CHECK_PASS,
                               boot == SIM_BOOT_GRUB ? "PCRs 0-9, 14 hold what the log says, in sha1, sha256, sha384"
                                                     : "PCRs 0-9, 11-12, 14 hold what the log says");
                        expect(&checks, "secure-boot", CHECK_PASS, "on");
                        expect(&checks, "debugger", CHECK_PASS, "off");
                        expect(&checks, "firmware-error", CHECK_PASS, "none");
                }
}

static void without_values(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        _cleanup_(buffer_done) Buffer log = {};
        _cleanup_(check_list_done) CheckList checks = {};
        PcrInputs pcrs, none = {};

        firmware_make(&f, &log, &pcrs);
        checks = judge(NULL, &none, &log);
        assert_int_equal(check_list_verdict(&checks), CHECK_PASS);
        expect(&checks, "log-replay", CHECK_NA, "no PCR values were given");
        expect(&checks, "secure-boot", CHECK_NA, "on; no value of the register was given");
}

static void wrong_values(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs, wrong;

        firmware_make(&f, &log, &pcrs);
        wrong = pcrs;
        wrong.files[HASH_SHA384].values[4][0] ^= 1;
        judge_one(NULL, &wrong, &log, "log-replay", CHECK_FAIL, "PCRs 4 do not hold what the log says");
        wrong = pcrs;
        wrong.files[HASH_SHA1].values[14][19] ^= 1;
        judge_one(NULL, &wrong, &log, "log-replay", CHECK_FAIL, "PCRs 14 do not hold what the log says");
        wrong = pcrs;
        wrong.banks |= bank(HASH_SHA512);
        wrong.files[HASH_SHA512].present = 0xff;
        judge_one(NULL, &wrong, &log, "log-replay", CHECK_FAIL, "the log does not have the bank sha512");
        wrong = pcrs;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                wrong.files[alg].present = 0xff0000;
        judge_one(NULL, &wrong, &log, "log-replay", CHECK_UNDECIDED, "none of the given values");
        wrong = pcrs;
        wrong.files[HASH_SHA256].present = 0x8f;
        judge_one(NULL, &wrong, &log, "log-replay", CHECK_PASS, "PCRs 0-3, 7 hold what the log says");
}

/* The log without all events of one PCR. */
static void left_out(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        _cleanup_(buffer_done) Buffer log = {}, less = {};
        PcrInputs pcrs, os;
        FirmwareLog *l;
        FirmwareEvent e;
        size_t start;

        firmware_make(&f, &log, &pcrs);
        assert_int_equal(firmware_log_new(f.banks, &l), 0);
        firmware_log_more(l, log.data, log.size);
        assert_int_equal(sim_firmware_begin(&less, f.banks), 0);
        start = less.size;
        while (firmware_log_next(l, &e) == LOG_ENTRY) {
                if (e.pcr != 8)
                        buffer_bytes(&less, log.data + start, firmware_log_offset(l) - start);
                start = firmware_log_offset(l);
        }
        firmware_log_free(l);
        judge_one(NULL, &pcrs, &less, "log-replay", CHECK_FAIL,
                  "PCRs 8 were extended, and the log has no event of them");
        os = firmware_pcrs(&less, f.banks);
        os.files[HASH_SHA256].values[10][0] = 1; /* IMA's */
        judge_one(NULL, &os, &less, "log-replay", CHECK_PASS, "PCRs 0-9, 14 hold what the log says");
}

static void continued(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = { .continued = 1U << 11 };
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs;

        f.boot = SIM_BOOT_UKI;
        firmware_make(&f, &log, &pcrs);
        pcrs.files[HASH_SHA256].values[11][3] ^= 0x10;
        judge_one(NULL, &pcrs, &log, "log-replay", CHECK_FAIL, "PCRs 11 do not hold what the log says");
        judge_one(&q, &pcrs, &log, "log-replay", CHECK_PASS, "PCRs 0-9, 12, 14 hold what the log says");
        judge_one(&q, &pcrs, &log, "kernel", CHECK_NA, "no reference values were given; 1 kernels");
}

static void allow(DigestList *l, HashAlg alg, const char *measured) {
        char hex[2 * DIGEST_MAX + 1];
        Digest d;

        assert_int_equal(digest_data(alg, measured, strlen(measured), &d), 0);
        digest_hex(&d, hex);
        assert_int_equal(digest_list_add(l, hex, strlen(hex)), 0);
}

static void required_digests(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = { .require_secure_boot = true, .minimum_sbat = 2024040900 };
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs, none = {};

        firmware_make(&f, &log, &pcrs);
        allow(&q.lists[ITEMS_IMAGES], HASH_SHA256, SIM_SHIM);
        judge_one(&q, &pcrs, &log, "boot-loader", CHECK_FAIL, "not among the reference values: event");
        allow(&q.lists[ITEMS_IMAGES], HASH_SHA1, SIM_GRUB);
        judge_one(&q, &pcrs, &log, "boot-loader", CHECK_PASS, "all 2 images in PCR 4 are reference values");
        judge_one(&q, &none, &log, "boot-loader", CHECK_UNDECIDED, "all 2 images in PCR 4");
        allow(&q.lists[ITEMS_KERNELS], HASH_SHA256, SIM_KERNEL);
        judge_one(&q, &pcrs, &log, "kernel", CHECK_FAIL, "the log has no kernels of unified images");
        allow(&q.lists[ITEMS_COMMAND_LINES], HASH_SHA384, "/boot/vmlinuz root=/dev/vda2 ro quiet");
        judge_one(&q, &pcrs, &log, "command-line", CHECK_PASS, "all 1 command lines");
        judge_one(&q, &pcrs, &log, "secure-boot", CHECK_PASS, "on");
        judge_one(&q, &none, &log, "secure-boot", CHECK_UNDECIDED, "on");
        judge_one(&q, &pcrs, &log, "sbat", CHECK_PASS, "level 2024040900, at least 2024040900 is asked for");
        q.minimum_sbat++;
        judge_one(&q, &pcrs, &log, "sbat", CHECK_FAIL, "level 2024040900, at least 2024040901 is asked for");
        pcrs.banks = bank(HASH_SHA1); /* the SHA-256 of shim is not anchored any more */
        judge_one(&q, &pcrs, &log, "boot-loader", CHECK_FAIL, "not among the reference values");
        firmware_requirements_done(&q);
}

static void unified_image(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = {};
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs;

        f.boot = SIM_BOOT_UKI;
        firmware_make(&f, &log, &pcrs);
        allow(&q.lists[ITEMS_KERNELS], HASH_SHA256, SIM_KERNEL);
        allow(&q.lists[ITEMS_COMMAND_LINES], HASH_SHA256, f.command_line); /* the section */
        judge_one(&q, &pcrs, &log, "kernel", CHECK_PASS, "all 1 kernels of unified images");
        judge_one(&q, &pcrs, &log, "command-line", CHECK_FAIL, "not among the reference values: event"); /* UTF-16 */
        firmware_requirements_done(&q);
}

/* The command line of the stub in PCR 12, and the log without it: the register holds more than the log says. */
static void hidden_command_line(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = {};
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs;

        firmware_make(&f, &log, &pcrs);
        allow(&q.lists[ITEMS_COMMAND_LINES], HASH_SHA256, "/boot/vmlinuz root=/dev/vda2 ro quiet");
        judge_one(&q, &pcrs, &log, "command-line", CHECK_PASS, "all 1 command lines");
        pcrs.files[HASH_SHA384].values[12][0] = 1;
        judge_one(&q, &pcrs, &log, "command-line", CHECK_FAIL,
                  "all 1 command lines in PCRs 8, 11 and 12 are reference "
                  "values; the register does not hold");
        judge_one(&q, &pcrs, &log, "log-replay", CHECK_PASS,
                  "PCRs 0-9, 14 hold what the log says, in sha1, sha256, sha384; extended by others, or not compared: "
                  "12");
        q.continued = 1U << 12;
        judge_one(&q, &pcrs, &log, "command-line", CHECK_PASS, "all 1 command lines");
        q.continued = 1U << 8;
        judge_one(&q, &pcrs, &log, "command-line", CHECK_FAIL, "the log has no command lines");
        firmware_requirements_done(&q);
}

static void weak_boots(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = { .require_secure_boot = true };
        _cleanup_(buffer_done) Buffer off = {}, debugged = {};
        PcrInputs pcrs;

        f.secure_boot = false;
        firmware_make(&f, &off, &pcrs);
        judge_one(NULL, &pcrs, &off, "secure-boot", CHECK_PASS, "off (not required)");
        judge_one(&q, &pcrs, &off, "secure-boot", CHECK_FAIL, "off");
        f.debugger = true;
        firmware_make(&f, &debugged, &pcrs);
        judge_one(NULL, &pcrs, &debugged, "debugger", CHECK_FAIL, "event");
        q.allow_debugger = true;
        judge_one(&q, &pcrs, &debugged, "debugger", CHECK_PASS, "event");
}

/* Puts another type in front of the event whose data start like this; the first, or the last. */
static void relabel(Buffer *log, const char *start, size_t n, uint32_t type) {
        FirmwareLog *l;
        FirmwareEvent e;
        size_t at = 0, before;
        bool done = false;

        assert_int_equal(firmware_log_new(0, &l), 0);
        firmware_log_more(l, log->data, log->size);
        for (before = 0; !done && firmware_log_next(l, &e) == LOG_ENTRY; before = firmware_log_offset(l)) {
                at = before;
                done = e.number > 1 && e.size >= n && memcmp(e.data, start, n) == 0;
        }
        firmware_log_free(l);
        assert_true(done);
        for (int i = 0; i < 4; i++)
                log->data[at + 4 + (size_t) i] = (uint8_t) (type >> 8 * i);
}

/* Secure Boot was off; the event that says so gets another type, and one that says on is added, as root can. */
static void hidden_variable(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = { .require_secure_boot = true, .minimum_sbat = 1 };
        _cleanup_(buffer_done) Buffer log = {}, on = {};
        PcrInputs pcrs;

        f.secure_boot = false;
        assert_int_equal(sim_firmware_log(&f, &log), 0);
        sim_variable(&on, uefi_guid_global, "SecureBoot", "\1", 1);
        assert_int_equal(sim_firmware_event(&log, f.banks, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, on.data, on.size, on.data,
                                            on.size),
                         0);
        pcrs = firmware_pcrs(&log, f.banks);
        judge_one(&q, &pcrs, &log, "secure-boot", CHECK_FAIL, "off");
        relabel(&log, (const char *) on.data, on.size - 1, EV_IPL);
        judge_one(&q, &pcrs, &log, "secure-boot", CHECK_FAIL, "off"); /* the data say what they are */
}

/* The same, with the data changed as well, so that the event says nothing. */
static void emptied_variable(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = { .require_secure_boot = true, .minimum_sbat = 1 };
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs;
        Buffer off = {};

        f.secure_boot = false;
        firmware_make(&f, &log, &pcrs);
        sim_variable(&off, uefi_guid_global, "SecureBoot", "\0", 1);
        relabel(&log, (const char *) off.data, off.size, 0x0c);
        *(uint8_t *) memmem(log.data, log.size, off.data, off.size) ^= 1;
        buffer_done(&off);
        judge_one(&q, &pcrs, &log, "secure-boot", CHECK_FAIL, "unclear: PCR 7 has an event before its separator");
        judge_one(&q, &pcrs, &log, "debugger", CHECK_NA, "event");
        judge_one(&q, &pcrs, &log, "sbat", CHECK_FAIL, "event");
}

/* A command line under the label of a command of GRUB's, an image as something else. */
static void wrong_labels(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        FirmwareRequirements q = {};
        _cleanup_(buffer_done) Buffer log = {};
        uint8_t *label;
        PcrInputs pcrs;

        firmware_make(&f, &log, &pcrs);
        allow(&q.lists[ITEMS_COMMAND_LINES], HASH_SHA256, "/boot/vmlinuz good");
        allow(&q.lists[ITEMS_IMAGES], HASH_SHA256, SIM_SHIM);
        label = memmem(log.data, log.size, "kernel_cmdline: ", 16);
        memcpy(label, "module_cmdline: ", 16);
        judge_one(&q, &pcrs, &log, "command-line", CHECK_FAIL, "not among the reference values");
        relabel(&log, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0x0c);
        judge_one(&q, &pcrs, &log, "boot-loader", CHECK_FAIL, "not among the reference values");
        firmware_requirements_done(&q);
}

/* Data that are not what was measured, in a type that must say it, and in one bank only. */
static void false_data(void **state _unused_) {
        SimFirmware f = sim_firmware_default();
        _cleanup_(buffer_done) Buffer log = {}, half = {};
        PcrInputs pcrs;
        Digest d;
        uint8_t *at;

        firmware_make(&f, &log, &pcrs);
        at = memmem(log.data, log.size, "Exit Boot Services Invocation", 29);
        *at = 'e';
        judge_one(NULL, &pcrs, &log, "event-data", CHECK_FAIL, "event");

        assert_int_equal(sim_firmware_begin(&half, f.banks), 0);
        assert_int_equal(sim_firmware_event(&half, f.banks, 9, EV_IPL, "x", 1, "x", 1), 0);
        assert_int_equal(digest_data(HASH_SHA384, "x", 1, &d), 0);
        at = memmem(half.data, half.size, d.bytes, 48);
        *at ^= 1;
        pcrs = firmware_pcrs(&half, f.banks);
        judge_one(NULL, &pcrs, &half, "event-data", CHECK_FAIL, "event 1 (EV_IPL, PCR 9)");
}

static void firmware_error(void **state _unused_) {
        const BankSet sha256_only = bank(HASH_SHA256);
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs;

        assert_int_equal(sim_firmware_begin(&log, sha256_only), 0);
        assert_int_equal(sim_firmware_event(&log, sha256_only, 3, EV_SEPARATOR, "\1\0\0", 4, "trouble", 7), 0);
        pcrs = firmware_pcrs(&log, sha256_only);
        judge_one(NULL, &pcrs, &log, "firmware-error", CHECK_FAIL, "event 1 is a separator that stands for an error");
        judge_one(NULL, &pcrs, &log, "event-data", CHECK_PASS, "1 events say what was measured");
}

static void nothing_to_judge(void **state _unused_) {
        PcrInputs none = {};
        Buffer empty = {};

        judge_one(NULL, &none, &empty, "log-structure", CHECK_FAIL, "event 0 at byte 0: the log ends inside");
        judge_one(NULL, &none, &empty, "secure-boot", CHECK_NA, "the log cannot be read to its end");
}

/* More images than anybody needs. */
static void too_many(void **state _unused_) {
        const BankSet banks = bank(HASH_SHA256);
        FirmwareRequirements q = {};
        _cleanup_(buffer_done) Buffer log = {};
        PcrInputs pcrs;

        assert_int_equal(sim_firmware_begin(&log, banks), 0);
        for (unsigned i = 0; i <= FIRMWARE_ITEMS_MAX; i++)
                assert_int_equal(sim_firmware_event(&log, banks, 4, EV_EFI_BOOT_SERVICES_APPLICATION, SIM_SHIM,
                                                    strlen(SIM_SHIM), "", 0),
                                 0);
        pcrs = firmware_pcrs(&log, banks);
        judge_one(NULL, &pcrs, &log, "boot-loader", CHECK_NA, "no reference values were given; 257 images");
        allow(&q.lists[ITEMS_IMAGES], HASH_SHA256, SIM_SHIM);
        judge_one(&q, &pcrs, &log, "boot-loader", CHECK_FAIL, "more than 256 images");
        firmware_requirements_done(&q);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(good_boots),   TEST(without_values),      TEST(wrong_values),  TEST(left_out),
                TEST(continued),    TEST(hidden_command_line), TEST(unified_image), TEST(required_digests),
                TEST(weak_boots),   TEST(hidden_variable),     TEST(false_data),    TEST(emptied_variable),
                TEST(wrong_labels), TEST(nothing_to_judge),    TEST(too_many),      TEST(firmware_error),
        };

        return RUN(tests);
}
