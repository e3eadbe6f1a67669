#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int linux_close_from(unsigned int first) {
    return (int)syscall(SYS_close_range, first, ~0U, 0U);
}

int linux_unshare_mounts(void) {
    return unshare(CLONE_NEWNS);
}

int linux_pidfd_open(pid_t process) {
    return (int)syscall(SYS_pidfd_open, process, 0U);
}

int linux_memory_file(const char *name) {
    return memfd_create(name, 0U);
}

int linux_open_reference(int folder, const char *path, int without_links) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = O_PATH | O_CLOEXEC;
    if (without_links) {
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    }
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

int linux_drop_capabilities(void) {
    // The kernel answers EINVAL for the first capability it does not know.
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            if (errno == EINVAL) {
                break;
            }
            return -1;
        }
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        return -1;
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) {
        return -1;
    }
    for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; word++) {
        data[word].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, data);
}

int linux_become(uid_t user, gid_t group) {
    if (setgroups(0, NULL) != 0 || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0) {
        return -1;
    }
    // Belt and braces: a process that could take its privileges back has not given them up.
    if (user != 0 && setresuid(-1, 0, -1) == 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int linux_no_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int linux_become_subreaper(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/// Lowers a limit to `value`, or leaves it where it is when that is lower still.
static int lower(int resource, uint64_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) {
        return -1;
    }
    if (limit.rlim_max > value) {
        limit.rlim_max = value;
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit);
}

int linux_limit_processes(uint64_t count) {
    return lower(RLIMIT_NPROC, count);
}

int linux_limit_file_size(uint64_t bytes) {
    return lower(RLIMIT_FSIZE, bytes);
}

int linux_limit_descriptors(uint64_t count) {
    return lower(RLIMIT_NOFILE, count);
}

int linux_forbid_core_dumps(void) {
    return lower(RLIMIT_CORE, 0);
}

short linux_peer_hung_up(void) {
    return POLLRDHUP;
}
