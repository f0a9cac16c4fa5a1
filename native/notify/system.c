#include <errno.h>
#include <unistd.h>

#include "notify/notify.h"

static int linux_open(void) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

static int linux_send(int fd, const struct sockaddr_un *to, socklen_t to_size, const void *bytes, size_t size) {
  ssize_t sent = sendto(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, to_size);
  return sent < 0 ? -errno : 0;
}

static int linux_close(int fd) { return close(fd) < 0 ? -errno : 0; }

const cairn_notify_sys cairn_notify_linux = {.open = linux_open, .send = linux_send, .close = linux_close};
