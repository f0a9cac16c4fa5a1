#include "notify/notify.h"

#include <errno.h>
#include <string.h>

/* unix(7): a path ends in a NUL that is sent along; an abstract name begins with one, and its length is all that ends it. */
static int address_of(const char *address, struct sockaddr_un *to, socklen_t *size) {
  if (address[0] != '/' && address[0] != '@') return address[0] ? -EAFNOSUPPORT : -EINVAL;
  if (address[1] == '\0') return -EINVAL;
  size_t length = strlen(address);
  if (length >= sizeof to->sun_path) return -ENAMETOOLONG;
  *to = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(to->sun_path, address, length);
  if (address[0] == '@') to->sun_path[0] = '\0';
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (address[0] == '/'));
  return 0;
}

int cairn_notify(const cairn_notify_sys *sys, const char *address, const char *state) {
  struct sockaddr_un to;
  socklen_t size;
  int rc = address_of(address, &to, &size);
  if (rc != 0) return rc;
  int fd = sys->open();
  if (fd < 0) return fd;
  rc = sys->send(fd, &to, size, state, strlen(state));
  /* What was sent is sent, whatever close says. */
  (void)sys->close(fd);
  return rc;
}
