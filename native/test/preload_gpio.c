/*
 * A GPIO chip for tests of the binding: preloaded (LD_PRELOAD) into a Node process, it answers for /dev/gpiochip0 and leaves
 * every other call to libc. A line asked for with edges sends FAKE_EDGES edges at FAKE_EDGES_PER_S through a pipe; what
 * doesn't fit is dropped and leaves a hole in the sequence numbers, as in the kernel. At the end the chip goes away.
 * On its standard error: "sent S dropped D", once a line is done.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 4 };

static const char CHIP[] = "/dev/gpiochip0";

static int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* False once nobody reads any more. The last one waits for room: without it nobody could see what was dropped before it. */
static int send_edge(int fd, uint32_t seqno, int last, long *dropped) {
  struct gpio_v2_line_event event = {.timestamp_ns = (uint64_t)monotonic_ns(),
                                     .id = seqno % 2 ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE,
                                     .seqno = seqno,
                                     .line_seqno = seqno};
  for (;;) {
    if (write(fd, &event, sizeof event) == (ssize_t)sizeof event) return 1;
    if (errno != EAGAIN || !last) break;
    usleep(200);
  }
  ++*dropped;
  return errno == EAGAIN;
}

static void *send_edges(void *argument) {
  int fd = (int)(intptr_t)argument;
  long edges = atol(getenv("FAKE_EDGES")), rate = atol(getenv("FAKE_EDGES_PER_S")), sent = 0, dropped = 0;
  int64_t start = monotonic_ns();
  int heard = 1;
  while (heard && sent < edges) {
    long due = (long)((double)(monotonic_ns() - start) * 1e-9 * (double)rate);
    while (heard && sent < due && sent < edges) {
      ++sent;
      heard = send_edge(fd, (uint32_t)sent, sent == edges, &dropped);
    }
    usleep(200);
  }
  fprintf(stderr, "sent %ld dropped %ld\n", sent - dropped, dropped);
  close(fd);
  return NULL;
}

static int give_line(struct gpio_v2_line_request *request) {
  int ends[2];
  pthread_t thread;
  if (request->offsets[0] >= LINES) return errno = EINVAL, -1;
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  signal(SIGPIPE, SIG_IGN);
  request->fd = ends[0];
  if (!(request->config.flags & GPIO_V2_LINE_FLAG_EDGE_RISING)) return close(ends[1]);
  if (pthread_create(&thread, NULL, send_edges, (void *)(intptr_t)ends[1]) != 0) return -1;
  return pthread_detach(thread);
}

static int describe_line(struct gpio_v2_line_info *info) {
  snprintf(info->name, sizeof info->name, "GPIO%u", info->offset);
  return 0;
}

static int describe_chip(struct gpiochip_info *info) {
  *info = (struct gpiochip_info){"gpiochip0", "fake-chip", LINES};
  return 0;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  int (*next)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  switch (request) {
    case GPIO_GET_CHIPINFO_IOCTL: return describe_chip(argument);
    case GPIO_V2_GET_LINEINFO_IOCTL: return describe_line(argument);
    case GPIO_V2_GET_LINE_IOCTL: return give_line(argument);
    case GPIO_V2_LINE_GET_VALUES_IOCTL: return ((struct gpio_v2_line_values *)argument)->bits = 1, 0;
    case GPIO_V2_LINE_SET_VALUES_IOCTL: return 0;
    default: return next(fd, request, argument);
  }
}

static const char *real_path(const char *path) { return strcmp(path, CHIP) == 0 ? "/dev/null" : path; }

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (mode_t)va_arg(rest, int);
  va_end(rest);
  int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  return next(real_path(path), flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (mode_t)va_arg(rest, int);
  va_end(rest);
  int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  return next(real_path(path), flags, mode);
}
