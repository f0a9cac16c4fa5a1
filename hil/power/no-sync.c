/*
 * Loaded before libc into the node of a negative run (LD_PRELOAD): it makes syncing a promise that nothing keeps. The power-cut
 * test must fail on it. Never a part of the product.
 */
#include <stddef.h>

int fsync(int fd) {
  (void)fd;
  return 0;
}

int fdatasync(int fd) {
  (void)fd;
  return 0;
}

int msync(void *start, size_t length, int flags) {
  (void)start;
  (void)length;
  (void)flags;
  return 0;
}
