/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* probe OBJECT: for each program of the object a line "SECTION refused|silent|fires|denies": what the kernel does with it
 * when this process opens a file. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/guest/probe.h"

static int quiet(enum libbpf_print_level level, const char *format, va_list args) {
        return 0;
}

/* With the program attached: opens a file once. */
static const char *outcome(struct bpf_object *object) {
        int state_fd = bpf_object__find_map_fd_by_name(object, ".bss");
        ProbeState state = { .pid = (__u32) getpid() };
        int zero = 0, fd, error;

        if (bpf_map_update_elem(state_fd, &zero, &state, BPF_ANY) < 0)
                return "without state";
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        error = errno;
        if (bpf_map_lookup_elem(state_fd, &zero, &state) < 0)
                return "without state";
        if (fd < 0)
                return error == EPERM && state.fired > 0 ? "denies" : "fails";
        close(fd);
        return state.fired > 0 ? "fires" : "silent";
}

/* The name of the program number wanted in the object's file, and what became of it. Returns false when there is none. */
static bool try_program(const char *path, int wanted) {
        struct bpf_object *object = bpf_object__open_file(path, NULL);
        struct bpf_program *program, *tried = NULL;
        struct bpf_link *link = NULL;
        int number = 0;

        if (!object)
                return false;
        bpf_object__for_each_program(program, object) {
                bpf_program__set_autoload(program, number == wanted);
                if (number++ == wanted)
                        tried = program;
        }
        if (tried) {
                if (bpf_object__load(object) == 0)
                        link = bpf_program__attach(tried);
                printf("%s %s\n", bpf_program__section_name(tried), link ? outcome(object) : "refused");
        }
        bpf_link__destroy(link);
        bpf_object__close(object);
        return tried;
}

int main(int argc, char *argv[]) {
        int n = 0;

        if (argc != 2)
                return 2;
        libbpf_set_print(quiet);
        while (try_program(argv[1], n))
                n++;
        return n > 0 ? 0 : 1;
}
