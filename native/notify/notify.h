#ifndef CAIRN_NOTIFY_H
#define CAIRN_NOTIFY_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * Word to a service manager: one datagram to the socket that it names in $NOTIFY_SOCKET (sd_notify(3)). Nothing is allocated, nothing is
 * kept, and nothing waits: any thread may call.
 */

/* The kernel, or a test's stand-in for it. Each entry returns 0 (`open`: a descriptor) or a negative errno. */
typedef struct {
  /* A datagram socket that does not pass to children. */
  int (*open)(void);
  /* At once, or not at all: -EAGAIN where the other side does not read. */
  int (*send)(int fd, const struct sockaddr_un *to, socklen_t to_size, const void *bytes, size_t size);
  int (*close)(int fd);
} cairn_notify_sys;

extern const cairn_notify_sys cairn_notify_linux;

/*
 * `address`: an absolute path, or `@` and a name of the abstract namespace. `state`: lines of `NAME=value`.
 * 0, or a negative errno: -EINVAL for a name of nothing, -EAFNOSUPPORT for an address of another kind, -ENAMETOOLONG
 * for one that sun_path does not hold, or what the kernel refused with.
 */
int cairn_notify(const cairn_notify_sys *sys, const char *address, const char *state);

#endif
