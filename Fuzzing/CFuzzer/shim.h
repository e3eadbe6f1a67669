#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// libFuzzer's loop, from compiler-rt; https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *bytes, size_t count));

// openat2(2), which glibc does not wrap: opens where a path leads, and fails with EXDEV when the way there leaves `folder`.
static inline int fuzz_open_beneath(int folder, const char *path) {
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int descriptor;
    do {
        descriptor = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    } while (descriptor < 0 && errno == EAGAIN);  // Something was renamed somewhere meanwhile, and the way held "..".
    return descriptor;
}
