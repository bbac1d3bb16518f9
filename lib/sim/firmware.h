/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Firmware logs of boots that never happened, byte for byte the same each time, for tests and demonstrations. */

#include "lib/base/bytes.h"
#include "lib/pcr.h"

typedef enum SimBoot {
        SIM_BOOT_GRUB, /* shim, GRUB, a kernel and its initrd; PCRs 4, 7, 8, 9, 14 */
        SIM_BOOT_UKI,  /* systemd-boot, and a unified kernel image; PCRs 4, 7, 9, 11, 12 */
        _SIM_BOOT_MAX,
} SimBoot;

typedef struct SimFirmware {
        SimBoot boot;
        BankSet banks;
        bool secure_boot, debugger;
        int locality; /* that the log says; -1: it says none */
        uint64_t sbat;
        const char *command_line;
} SimFirmware;

/* Secure Boot with GRUB in SHA-1, SHA-256 and SHA-384. */
SimFirmware sim_firmware_default(void);

/* What the digests of a boot are of. */
#define SIM_SHIM "simulated shim"
#define SIM_GRUB "simulated GRUB"
#define SIM_KERNEL "simulated kernel"
#define SIM_INITRD "simulated initrd"

/* Appends the first event, and one more that extends the digest of `measured` and says `data`. Failures stick to the
 * buffer; -EIO from the crypto library. */
int sim_firmware_begin(Buffer *log, BankSet banks);
int sim_firmware_event(Buffer *log, BankSet banks, uint32_t pcr, uint32_t type, const void *measured,
                       size_t measured_size, const void *data, size_t size);

/* One that extends nothing. */
void sim_firmware_no_action(Buffer *log, BankSet banks, const void *data, size_t size);

/* Appends UEFI_VARIABLE_DATA. */
void sim_variable(Buffer *b, const uint8_t guid[16], const char *name, const void *data, size_t size);

/* Appends the log of a whole boot. 0, -ENOMEM or -EIO. */
int sim_firmware_log(const SimFirmware *f, Buffer *log);
