/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attach OBJECT: attaches the programs of a BPF object, prints a line, and holds them until it is killed. */

#include <stdio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

int main(int argc, char *argv[]) {
        struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
        struct bpf_program *program;

        if (!object || bpf_object__load(object) < 0)
                return 1;
        bpf_object__for_each_program(program, object) {
                if (!bpf_program__attach(program))
                        return 1;
        }
        puts("attached");
        fflush(stdout);
        pause();
        return 0;
}
