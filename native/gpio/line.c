#include <errno.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <string.h>

#include "gpio/gpio.h"

enum { READ_CHUNK = 64 };

static uint64_t request_flags(const cairn_gpio_request *request) {
  static const uint64_t bias_flags[] = {
      [CAIRN_GPIO_AS_IS] = 0,
      [CAIRN_GPIO_BIAS_OFF] = GPIO_V2_LINE_FLAG_BIAS_DISABLED,
      [CAIRN_GPIO_PULL_UP] = GPIO_V2_LINE_FLAG_BIAS_PULL_UP,
      [CAIRN_GPIO_PULL_DOWN] = GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN,
  };
  uint64_t flags = bias_flags[request->bias];
  flags |= request->output ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT;
  if (request->active_low) flags |= GPIO_V2_LINE_FLAG_ACTIVE_LOW;
  if (request->edges) flags |= GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
  return flags;
}

static void fill_request(const cairn_gpio_request *request, struct gpio_v2_line_request *kernel) {
  kernel->offsets[0] = request->offset;
  kernel->num_lines = 1;
  kernel->config.flags = request_flags(request);
  snprintf(kernel->consumer, sizeof kernel->consumer, "%s", request->consumer);
  if (request->edges) kernel->event_buffer_size = CAIRN_GPIO_EDGE_BUFFER;
  if (request->debounce_us > 0) {
    kernel->config.num_attrs = 1;
    kernel->config.attrs[0].mask = 1;
    kernel->config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    kernel->config.attrs[0].attr.debounce_period_us = request->debounce_us;
  }
}

int cairn_gpio_open(const cairn_gpio_sys *sys, const char *path, const cairn_gpio_request *request,
                    cairn_gpio_line *line) {
  if (request->output && (request->edges || request->debounce_us > 0)) return -EINVAL;
  struct gpio_v2_line_request kernel = {0};
  fill_request(request, &kernel);
  int chip = sys->open(path);
  if (chip < 0) return chip;
  int rc = sys->ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &kernel);
  sys->close(chip); /* the line has a file of its own */
  if (rc < 0) return rc;
  rc = sys->set_nonblocking(kernel.fd);
  if (rc < 0) {
    sys->close(kernel.fd);
    return rc;
  }
  *line = (cairn_gpio_line){.fd = kernel.fd};
  return 0;
}

void cairn_gpio_close(const cairn_gpio_sys *sys, cairn_gpio_line *line) {
  if (line->fd >= 0) sys->close(line->fd);
  line->fd = -1;
}

int cairn_gpio_get(const cairn_gpio_sys *sys, const cairn_gpio_line *line) {
  struct gpio_v2_line_values values = {.mask = 1};
  int rc = sys->ioctl(line->fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &values);
  return rc < 0 ? rc : (int)(values.bits & 1);
}

int cairn_gpio_set(const cairn_gpio_sys *sys, const cairn_gpio_line *line, bool active) {
  struct gpio_v2_line_values values = {.mask = 1, .bits = active};
  int rc = sys->ioctl(line->fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
  return rc < 0 ? rc : 0;
}

/* Outside of suspend the difference is constant: holding it keeps the spacing of edges free of measuring noise. */
static int refresh_offset(const cairn_gpio_sys *sys, cairn_gpio_line *line) {
  cairn_clock_pair pair;
  int rc = cairn_clock_read_pair(sys->clock, CAIRN_CLOCK_MONOTONIC, &pair);
  if (rc != 0) return rc;
  int64_t measured = pair.boot_ns - pair.other_ns;
  int64_t change = measured - line->boot_minus_monotonic_ns;
  if (line->offset_known && change <= pair.uncertainty_ns && -change <= pair.uncertainty_ns) return 0;
  line->boot_minus_monotonic_ns = measured;
  line->offset_known = true;
  return 0;
}

static void note_seqno(cairn_gpio_line *line, uint32_t seqno, uint64_t *lost) {
  uint32_t previous = line->seen_edge ? line->last_seqno : 0; /* the kernel counts from 1, and wraps */
  *lost += (uint32_t)(seqno - previous - 1);
  line->last_seqno = seqno;
  line->seen_edge = true;
}

static ssize_t read_chunk(const cairn_gpio_sys *sys, int fd, struct gpio_v2_line_event *events, size_t wanted) {
  ssize_t size;
  do size = sys->read(fd, events, wanted * sizeof *events);
  while (size == -EINTR);
  if (size == -EAGAIN) return 0;
  if (size < 0) return size;
  if (size == 0) return -ENODEV;
  return size % (ssize_t)sizeof *events == 0 ? size / (ssize_t)sizeof *events : -EIO;
}

ssize_t cairn_gpio_read_edges(const cairn_gpio_sys *sys, cairn_gpio_line *line, int64_t *times_ns, uint8_t *rising,
                              size_t capacity, uint64_t *lost) {
  struct gpio_v2_line_event events[READ_CHUNK];
  size_t count = 0;
  while (count < capacity) {
    size_t wanted = capacity - count < READ_CHUNK ? capacity - count : READ_CHUNK;
    ssize_t taken = read_chunk(sys, line->fd, events, wanted);
    if (taken < 0 && count == 0) return taken;
    if (taken <= 0) break; /* an error will be there again at the next call */
    for (ssize_t i = 0; i < taken; i++, count++) {
      times_ns[count] = (int64_t)events[i].timestamp_ns;
      rising[count] = events[i].id == GPIO_V2_LINE_EVENT_RISING_EDGE;
      note_seqno(line, events[i].line_seqno, lost);
    }
    if ((size_t)taken < wanted) break;
  }
  if (count == 0) return 0;
  int rc = refresh_offset(sys, line);
  if (rc != 0) return rc;
  for (size_t i = 0; i < count; i++) times_ns[i] += line->boot_minus_monotonic_ns;
  return (ssize_t)count;
}
