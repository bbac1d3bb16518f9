/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verbs of sealwatch-verify. argv starts with the verb; each returns the exit code. */

int verb_azure(int argc, char **argv);
int verb_evidence(int argc, char **argv);
int verb_firmware_log(int argc, char **argv);
int verb_ima_log(int argc, char **argv);
int verb_log(int argc, char **argv);
int verb_quote(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_svsm(int argc, char **argv);
