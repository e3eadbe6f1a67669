#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
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

int linux_unshare_network(int with_user) {
    return unshare(with_user ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET);
}

int linux_raise_loopback(void) {
    int any = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (any < 0) {
        return -1;
    }
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    int result = ioctl(any, SIOCGIFFLAGS, &request);
    if (result == 0) {
        request.ifr_flags |= IFF_UP;
        result = ioctl(any, SIOCSIFFLAGS, &request);
    }
    close(any);
    return result;
}

int linux_listen_on_loopback(uint16_t port, int waiting) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) {
        return -1;
    }
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, waiting) != 0) {
        close(listener);
        return -1;
    }
    return listener;
}

/// A message's one byte and the room for one descriptor beside it.
struct passing {
    char byte;
    struct iovec vector;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr alignment;
    } control;
};

static struct msghdr prepare(struct passing *passing) {
    memset(passing, 0, sizeof *passing);
    passing->vector.iov_base = &passing->byte;
    passing->vector.iov_len = 1;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &passing->vector;
    message.msg_iovlen = 1;
    message.msg_control = passing->control.bytes;
    message.msg_controllen = sizeof passing->control.bytes;
    return message;
}

int linux_send_descriptor(int socket, int descriptor) {
    struct passing passing;
    struct msghdr message = prepare(&passing);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int linux_receive_descriptor(int socket) {
    // Looks first: a report, which has no descriptor with it, stays where it is.
    char next;
    ssize_t count;
    do {
        count = recv(socket, &next, 1, MSG_PEEK);
    } while (count < 0 && errno == EINTR);
    if (count != 1 || next != 0) {
        errno = count < 0 ? errno : ENOMSG;
        return -1;
    }
    struct passing passing;
    struct msghdr message = prepare(&passing);
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) {
        return -1;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int))) {
        errno = ENOMSG;
        return -1;
    }
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

// linux/landlock.h of Debian 12 is older than the kernels that Kettle runs on, so the layouts are here; the kernel takes
// shorter ones from older callers (Documentation/userspace-api/landlock.rst).
struct landlock_ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};
struct landlock_path {
    uint64_t rights;
    int32_t folder;
} __attribute__((packed));
struct landlock_port {
    uint64_t rights;
    uint64_t port;
};

int linux_landlock_version(void) {
    return (int)syscall(444 /* landlock_create_ruleset */, NULL, 0UL, 1U /* LANDLOCK_CREATE_RULESET_VERSION */);
}

int linux_landlock_begin(uint64_t files, uint64_t network, uint64_t scopes) {
    struct landlock_ruleset rules = {files, network, scopes};
    size_t size = scopes != 0 ? 24 : network != 0 ? 16 : 8;
    return (int)syscall(444 /* landlock_create_ruleset */, &rules, size, 0U);
}

int linux_landlock_allow_path(int rules, uint64_t rights, int path) {
    struct landlock_path rule = {rights, path};
    return (int)syscall(445 /* landlock_add_rule */, rules, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0U);
}

int linux_landlock_allow_port(int rules, uint64_t rights, uint16_t port) {
    struct landlock_port rule = {rights, port};
    return (int)syscall(445 /* landlock_add_rule */, rules, 2 /* LANDLOCK_RULE_NET_PORT */, &rule, 0U);
}

int linux_landlock_enforce(int rules) {
    return (int)syscall(446 /* landlock_restrict_self */, rules, 0U);
}

int linux_attach_loop_device(int file, char *name, unsigned long size) {
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) {
        return -1;
    }
    int device = -1;
    // Somebody else may take the device between the two calls.
    for (int attempt = 0; attempt < 64 && device < 0; attempt++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) {
            break;
        }
        snprintf(name, size, "/dev/loop%d", number);
        device = open(name, O_RDWR | O_CLOEXEC);
        if (device < 0) {
            break;
        }
        struct loop_config config;
        memset(&config, 0, sizeof config);
        config.fd = (uint32_t)file;
        config.block_size = 4096;
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
        if (ioctl(device, LOOP_CONFIGURE, &config) != 0) {
            int error = errno;
            close(device);
            device = -1;
            errno = error;
            if (error != EBUSY) {
                break;
            }
        }
    }
    int error = errno;
    close(control);
    errno = error;
    return device;
}

int linux_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}

int linux_abandon_loop_file_system(const char *path) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return -1;
    }
    struct stat inside, above;
    int result = -1;
    if (fstat(folder, &inside) == 0 && fstatat(folder, "..", &above, 0) == 0) {
        if (inside.st_dev != above.st_dev && major(inside.st_dev) == 7 /* LOOP_MAJOR */) {
            uint32_t without_flush = 2; // EXT4_GOING_FLAGS_NOLOGFLUSH of linux/ext4.h
            result = ioctl(folder, _IOR('X', 125, uint32_t) /* EXT4_IOC_SHUTDOWN */, &without_flush);
        } else {
            errno = EINVAL;
        }
    }
    int error = errno;
    close(folder);
    errno = error;
    return result;
}

int linux_control_device(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}
