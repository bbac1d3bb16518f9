/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the daemon's libraries cost by themselves: links them, uses each once, and waits. */

#include <bpf/libbpf.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <unistd.h>

int main(void) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        sd_event *event;
        sd_bus *bus;

        if (sd_event_new(&event) < 0 || sd_bus_new(&bus) < 0 || !json_object() || libbpf_version_string() == NULL ||
            Tss2_RC_Decode(1) == NULL || EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL) != 1 ||
            Esys_Initialize(NULL, NULL, NULL) == 0)
                return 1;
        puts("ready");
        fflush(stdout);
        pause();
        return 0;
}
