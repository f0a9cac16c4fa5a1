/* Word to a service manager. Expected values: sd_notify(3) and unix(7), and what a socket of this kernel receives. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notify/notify.h"

/* A kernel that keeps what it was asked. */
static struct {
  int open_rc, send_rc, close_rc;
  int opened, sent, closed;
  struct sockaddr_un to;
  socklen_t to_size;
  char bytes[64];
  size_t size;
} kernel;

static int fake_open(void) {
  kernel.opened++;
  return kernel.open_rc;
}

static int fake_send(int fd, const struct sockaddr_un *to, socklen_t to_size, const void *bytes, size_t size) {
  assert(fd == kernel.open_rc && size <= sizeof kernel.bytes);
  kernel.sent++;
  memcpy(&kernel.to, to, to_size);
  kernel.to_size = to_size;
  memcpy(kernel.bytes, bytes, size);
  kernel.size = size;
  return kernel.send_rc;
}

static int fake_close(int fd) {
  assert(fd == kernel.open_rc);
  kernel.closed++;
  return kernel.close_rc;
}

static const cairn_notify_sys sys = {.open = fake_open, .send = fake_send, .close = fake_close};

static int notify(const char *address) {
  memset(&kernel, 0, sizeof kernel);
  kernel.open_rc = 7;
  return cairn_notify(&sys, address, "READY=1");
}

static void a_path_goes_with_its_nul(void) {
  assert(notify("/run/systemd/notify") == 0);
  assert(kernel.to.sun_family == AF_UNIX && strcmp(kernel.to.sun_path, "/run/systemd/notify") == 0);
  assert(kernel.to_size == offsetof(struct sockaddr_un, sun_path) + sizeof "/run/systemd/notify");
  assert(kernel.size == 7 && memcmp(kernel.bytes, "READY=1", 7) == 0);
  assert(kernel.opened == 1 && kernel.closed == 1);
}

static void an_abstract_name_begins_with_a_nul(void) {
  assert(notify("@org/x") == 0);
  assert(memcmp(kernel.to.sun_path, "\0org/x", 6) == 0);
  assert(kernel.to_size == offsetof(struct sockaddr_un, sun_path) + 6);
}

static void what_is_no_address_opens_nothing(void) {
  const char *const none[] = {"", "/", "@"};
  for (int i = 0; i < 3; i++) assert(notify(none[i]) == -EINVAL && kernel.opened == 0);
  assert(notify("vsock:2:1234") == -EAFNOSUPPORT && kernel.opened == 0);
  assert(notify("run/notify") == -EAFNOSUPPORT && kernel.opened == 0);
  char path[109];
  memset(path, 'x', sizeof path);
  path[0] = '/';
  path[107] = '\0';
  assert(notify(path) == 0); /* sun_path holds 108 bytes, the NUL is one of them */
  path[107] = 'x';
  path[108] = '\0';
  assert(notify(path) == -ENAMETOOLONG && kernel.opened == 0);
  path[0] = '@';
  assert(notify(path) == -ENAMETOOLONG && kernel.opened == 0);
}

static void a_refusal_is_passed_on_and_leaks_nothing(void) {
  memset(&kernel, 0, sizeof kernel);
  kernel.open_rc = -EMFILE;
  assert(cairn_notify(&sys, "/x", "READY=1") == -EMFILE && kernel.sent == 0 && kernel.closed == 0);
  kernel.open_rc = 7;
  kernel.send_rc = -EAGAIN;
  assert(cairn_notify(&sys, "/x", "READY=1") == -EAGAIN && kernel.closed == 1);
  kernel.send_rc = 0;
  kernel.close_rc = -EIO;
  assert(cairn_notify(&sys, "/x", "READY=1") == 0);
}

static int bound(const struct sockaddr_un *at, socklen_t size) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert(fd >= 0 && bind(fd, (const struct sockaddr *)at, size) == 0);
  return fd;
}

static void hears(int fd, const char *text) {
  char got[128];
  ssize_t size = recv(fd, got, sizeof got, MSG_DONTWAIT);
  assert(size == (ssize_t)strlen(text) && memcmp(got, text, (size_t)size) == 0);
}

static void this_kernel_delivers_and_never_waits(void) {
  char folder[] = "/tmp/cairn-notify-XXXXXX";
  assert(mkdtemp(folder));
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", folder);
  int fd = bound(&at, sizeof at);
  assert(cairn_notify(&cairn_notify_linux, at.sun_path, "WATCHDOG=1\nSTATUS=well") == 0);
  hears(fd, "WATCHDOG=1\nSTATUS=well");
  /* Nobody reads: the queue is full after net.unix.max_dgram_qlen datagrams, and then it is said, not waited for. */
  int rc = 0;
  for (int i = 0; i < 100000 && rc == 0; i++) rc = cairn_notify(&cairn_notify_linux, at.sun_path, "WATCHDOG=1");
  assert(rc == -EAGAIN);
  close(fd);
  assert(cairn_notify(&cairn_notify_linux, at.sun_path, "WATCHDOG=1") == -ECONNREFUSED);
  unlink(at.sun_path);
  assert(cairn_notify(&cairn_notify_linux, at.sun_path, "WATCHDOG=1") == -ENOENT);
  assert(rmdir(folder) == 0);
}

static void this_kernel_knows_the_abstract_name(void) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int length = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "cairn-notify-%d", (int)getpid());
  int fd = bound(&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length));
  char address[64];
  snprintf(address, sizeof address, "@%s", at.sun_path + 1);
  assert(cairn_notify(&cairn_notify_linux, address, "READY=1") == 0);
  hears(fd, "READY=1");
  close(fd);
}

static void no_descriptor_stays(void) {
  int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(before);
  assert(cairn_notify(&cairn_notify_linux, "/nobody/listens/here", "READY=1") == -ENOENT);
  int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(after);
  assert(before == after);
}

int main(void) {
  a_path_goes_with_its_nul();
  an_abstract_name_begins_with_a_nul();
  what_is_no_address_opens_nothing();
  a_refusal_is_passed_on_and_leaks_nothing();
  this_kernel_delivers_and_never_waits();
  this_kernel_knows_the_abstract_name();
  no_descriptor_stays();
  puts("notify: ok");
  return 0;
}
