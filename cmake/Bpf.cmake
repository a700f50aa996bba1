# BPF objects: probe/<name>.bpf.c -> <name>.bpf.o -> <name>.skel.h, by clang 19 and bpftool.
# The kernel's types come from the bpf/lib/vmlinux headers' CO-RE flavours or from the running kernel's BTF: see
# bpf/CMakeLists.txt, which decides and says why.
find_program(BPF_CLANG NAMES clang-19 REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool HINTS /usr/sbin /usr/local/sbin REQUIRED)
