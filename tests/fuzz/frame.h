/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between a target and what drives it; the names are libFuzzer's (llvm.org/docs/LibFuzzer.html). */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Changes the data in place; returns its new size, at most max. libFuzzer's, or that of main.c. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* Calls take() with each seed of the target. */
void frame_each_seed(void (*take)(const void *data, size_t size));
