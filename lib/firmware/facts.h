/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the firmware's log says of the boot, as far as PCRs can hold it.
 *
 * Whoever hands in a log is free to change everything that no digest covers: the type of an event, a file's name, the label
 * in front of a text. So facts are taken from digests and from data that digests are of, never from types and names alone:
 * every digest in PCR 4 counts as an image unless it is known to be a separator or a short text; every one in PCR 9 counts
 * as a file; a text in PCR 8 is a kernel command line when it starts like one, whatever its label; Secure Boot is on when
 * everything before the separator of PCR 7 is a variable whose data are measured, and exactly one of them says so. */

#include "lib/firmware/binding.h"

enum { FIRMWARE_ITEMS_MAX = 256, FIRMWARE_TEXT_MAX = 2048 };

typedef enum FirmwareItems {
        ITEMS_IMAGES,        /* PCR 4: boot loaders and kernels started as EFI programs; Authenticode digests */
        ITEMS_FILES,         /* PCRs 8 and 9: what GRUB read, the kernel and initrd among them; plain digests */
        ITEMS_KERNELS,       /* PCR 11: the .linux sections of unified kernel images; plain digests */
        ITEMS_COMMAND_LINES, /* PCR 8 (GRUB), 12 (systemd-stub), 11 (in the image): digests of the text as measured */
        _ITEMS_MAX,
} FirmwareItems;

typedef struct FirmwareItem {
        uint64_t number; /* of the event */
        uint32_t pcr;
        BankDigests digests;
        char *text; /* of a command line: what was measured, where the log has it; else what the log calls it. Or NULL */
} FirmwareItem;

typedef struct FirmwareItemList {
        FirmwareItem *items;
        size_t size, allocated;
        uint64_t dropped; /* beyond FIRMWARE_ITEMS_MAX */
} FirmwareItemList;

typedef enum SecureBoot {
        SECURE_BOOT_UNKNOWN, /* no such variable before the separator of PCR 7 */
        SECURE_BOOT_OFF,
        SECURE_BOOT_ON,
        SECURE_BOOT_UNCLEAR, /* several of them */
} SecureBoot;

/* Numbers of events are 0 where there is none. All-zero is nothing known. */
typedef struct FirmwareFacts {
        FirmwareItemList lists[_ITEMS_MAX];
        SecureBoot secure_boot;
        uint64_t secure_boot_event;
        uint64_t
                unexplained; /* the first event of PCR 7 that is no separator, and no variable or action whose data are
                                 measured */
        bool unexplained_early; /* it comes before the separator */
        uint64_t debugger;      /* "UEFI Debug Mode" in PCR 7 */
        uint64_t sbat;          /* the lowest date of a SbatLevel variable in PCR 7, as a number: 2021030218 */
        uint64_t sbat_event;
        PcrSet separated; /* PCRs with a separator */
        uint64_t error_separator;

        uint64_t bound, unbound; /* events that say what was measured, and that do not */
        uint64_t broken;         /* the first that should, and does not */
        uint32_t broken_type, broken_pcr;

        bool after_kernel_name, after_cmdline_name; /* the last event of PCR 11 was the name of such a section */
} FirmwareFacts;

void firmware_facts_done(FirmwareFacts *f);

/* Takes in one event that extends. 0, -ENOMEM or a negative errno from the crypto library. */
int firmware_facts_add(FirmwareFacts *f, const FirmwareEvent *e);
