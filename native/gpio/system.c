#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gpio/gpio.h"

static int result(int value) { return value < 0 ? -errno : value; }

static int linux_open(const char *path) { return result(open(path, O_RDWR | O_CLOEXEC)); }

static int linux_close(int fd) { return result(close(fd)); }

static int linux_ioctl(int fd, unsigned long request, void *argument) { return result(ioctl(fd, request, argument)); }

static ssize_t linux_read(int fd, void *buffer, size_t size) {
  ssize_t got = read(fd, buffer, size);
  return got < 0 ? -errno : got;
}

static int linux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -errno : result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

const cairn_gpio_sys cairn_gpio_linux = {
    .open = linux_open,
    .close = linux_close,
    .ioctl = linux_ioctl,
    .read = linux_read,
    .set_nonblocking = linux_set_nonblocking,
    .clock = &cairn_clock_linux,
};
