/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A software TPM (swtpm), for trying things out on a machine without a TPM. It protects nothing: its state is a file
 * that root can read. */

/* Makes sure that a swtpm serves DIR/swtpm.sock: one that is there is used, else one is started in a session of its
 * own, so that it outlives this process and keeps its registers. Its state, the socket, the control channel
 * swtpm.sock.ctrl (for tpm2-tools) and swtpm.pid are in `dir` (absolute; made with mode 0700 when missing).
 * *ret: the "swtpm:PATH" for TpmOptions.device, owned by the caller. 0 or a negative errno, with a static sentence in
 * *reterr_why: -ENAMETOOLONG, -ENOENT (swtpm is not installed), -ETIMEDOUT (not up after 5 s), ... */
int software_tpm_start(const char *dir, char **ret, const char **reterr_why);
