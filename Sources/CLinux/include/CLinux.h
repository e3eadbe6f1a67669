// Kernel calls that Swift cannot import: variadic functions, and those glibc declares for _GNU_SOURCE alone.
// Each does one thing and returns what the call returns: -1 with errno set when it fails.

#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/types.h>

/// Closes every descriptor from `first` up.
int linux_close_from(unsigned int first);

/// Moves this process into a mount namespace of its own.
int linux_unshare_mounts(void);

/// Opens a descriptor that becomes readable when the process ends.
int linux_pidfd_open(pid_t process);

/// Makes a file in memory that programs started from here inherit.
int linux_memory_file(const char *name);

/// Opens `path` for reference (O_PATH) below `folder`. With `without_links`, no component may be a symbolic link and
/// the path may not leave the folder.
int linux_open_reference(int folder, const char *path, int without_links);

/// Gives up all capabilities for good: bounding, ambient and inheritable ones. The permitted and effective ones go
/// with `linux_become`.
int linux_drop_capabilities(void);

/// Takes on a user and a group and no supplementary groups.
int linux_become(uid_t user, gid_t group);

/// Forbids this process and its descendants to gain privileges by executing a file.
int linux_no_new_privileges(void);

/// Orphaned descendants become children of this process.
int linux_become_subreaper(void);

/// Bounds the processes of this process's user, soft and hard.
int linux_limit_processes(uint64_t count);

/// Bounds the size of a file, soft and hard, in bytes.
int linux_limit_file_size(uint64_t bytes);

/// Bounds open descriptors of one process, soft and hard.
int linux_limit_descriptors(uint64_t count);

/// Turns core dumps off.
int linux_forbid_core_dumps(void);

/// The poll(2) event of a peer that closed its sending side.
short linux_peer_hung_up(void);

/// Moves this process into a network namespace of its own; with `with_user`, into one that belongs to a user namespace of
/// its own, for which no privilege is needed.
int linux_unshare_network(int with_user);

/// Turns on the loopback interface of this process's network namespace.
int linux_raise_loopback(void);

/// Makes a socket that listens at a port of 127.0.0.1.
int linux_listen_on_loopback(uint16_t port, int waiting);

/// Sends a descriptor with one zero byte over a Unix socket.
int linux_send_descriptor(int socket, int descriptor);

/// Waits for what `linux_send_descriptor` sends. Fails, and takes nothing, when something else comes first or nothing more.
int linux_receive_descriptor(int socket);

/// The version of Landlock that the kernel offers, from 1; -1 where it has none.
int linux_landlock_version(void);

/// Begins a set of rules that forbids these kinds of access, as the bits of linux/landlock.h name them.
int linux_landlock_begin(uint64_t files, uint64_t network, uint64_t scopes);

/// Excepts what lies below an opened path.
int linux_landlock_allow_path(int rules, uint64_t rights, int path);

/// Excepts a TCP port.
int linux_landlock_allow_port(int rules, uint64_t rights, uint16_t port);

/// Binds this thread and its descendants to the rules for good. Needs `linux_no_new_privileges`.
int linux_landlock_enforce(int rules);

/// Attaches a file to a free loop device, which lets go of it when nothing uses it any more; writes the device's path.
///
/// Returns the device, open.
int linux_attach_loop_device(int file, char *name, unsigned long size);

/// Writes out the file system that a descriptor is on; fails when anything could not be written since it was opened.
int linux_sync_file_system(int descriptor);

/// Makes the file system that is mounted at a folder drop what it has not written yet. Fails with EINVAL unless it is
/// another one than the folder above is on, and on a loop device.
int linux_abandon_loop_file_system(const char *path);

/// Sends a device its own kind of request (ioctl) with the address of its argument.
int linux_control_device(int descriptor, unsigned long request, void *argument);

#endif
