/* GPIO lines against a chip made of the ABI's own structs (linux/gpio.h), with the faults that real ones have. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpio/gpio.h"

enum { CHIP_FD = 100, LINE_FD = 200, EVENTS_MAX = 2048 };

/* The chip: four lines, line 2 in use by somebody. */
static struct {
  int open_rc, request_rc, read_rc;
  struct gpio_v2_line_request request;
  struct gpio_v2_line_event events[EVENTS_MAX];
  size_t first, count;
  size_t odd_bytes;
  int nonblocking_fd;
  int open_fds;
  uint64_t level;
  int64_t boot_minus_monotonic;
  int64_t clock_jitter;
} chip;

static void new_chip(void) {
  memset(&chip, 0, sizeof chip);
  chip.boot_minus_monotonic = 5000000;
}

static int fake_open(const char *path) {
  if (strstr(path, "gpiochip7")) return -ENODEV; /* went away between listing and opening */
  if (chip.open_rc) return chip.open_rc;
  chip.open_fds++;
  return CHIP_FD;
}

static int fake_close(int fd) {
  assert(fd == CHIP_FD || fd == LINE_FD);
  chip.open_fds--;
  return 0;
}

static int fill_line_info(struct gpio_v2_line_info *info) {
  if (info->offset >= 4) return -EINVAL;
  snprintf(info->name, sizeof info->name, "GPIO%u", info->offset);
  if (info->offset == 2) {
    info->flags = GPIO_V2_LINE_FLAG_USED;
    memset(info->consumer, 'x', sizeof info->consumer); /* a name without its NUL */
  }
  return 0;
}

static int request_line(struct gpio_v2_line_request *request) {
  chip.request = *request;
  if (chip.request_rc) return chip.request_rc;
  if (request->offsets[0] >= 4) return -EINVAL;
  if (request->offsets[0] == 2) return -EBUSY;
  request->fd = LINE_FD;
  chip.open_fds++;
  return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument) {
  struct gpio_v2_line_values *values = argument;
  if (chip.read_rc == -ENODEV) return -ENODEV;
  switch (request) {
    case GPIO_GET_CHIPINFO_IOCTL:
      *(struct gpiochip_info *)argument = (struct gpiochip_info){"gpiochip0", "pinctrl-bcm2711", 4};
      return 0;
    case GPIO_V2_GET_LINEINFO_IOCTL: return fill_line_info(argument);
    case GPIO_V2_GET_LINE_IOCTL: return request_line(argument);
    case GPIO_V2_LINE_GET_VALUES_IOCTL:
      assert(fd == LINE_FD && values->mask == 1);
      values->bits = chip.level;
      return 0;
    case GPIO_V2_LINE_SET_VALUES_IOCTL:
      if (!(chip.request.config.flags & GPIO_V2_LINE_FLAG_OUTPUT)) return -EPERM;
      chip.level = values->bits & values->mask;
      return 0;
    default: return -ENOTTY;
  }
}

static ssize_t fake_read(int fd, void *buffer, size_t size) {
  assert(fd == LINE_FD && chip.nonblocking_fd == LINE_FD);
  size_t wanted = size / sizeof *chip.events, left = chip.count - chip.first;
  size_t taken = wanted < left ? wanted : left;
  if (taken == 0) return chip.read_rc ? chip.read_rc : -EAGAIN;
  memcpy(buffer, &chip.events[chip.first], taken * sizeof *chip.events);
  chip.first += taken;
  return (ssize_t)(taken * sizeof *chip.events - chip.odd_bytes);
}

static int fake_set_nonblocking(int fd) {
  chip.nonblocking_fd = fd;
  return 0;
}

static int fake_now(cairn_clock_id clock, int64_t *ns) {
  static int64_t now = 1000000000;
  now += 100;
  *ns = clock == CAIRN_CLOCK_BOOT ? now + chip.boot_minus_monotonic : now + chip.clock_jitter;
  return 0;
}

static const cairn_clock_sys clock_sys = {fake_now, NULL};
static const cairn_gpio_sys sys = {fake_open, fake_close, fake_ioctl, fake_read, fake_set_nonblocking, &clock_sys};

static void push_edge(uint32_t seqno, uint64_t time_ns, bool rising) {
  uint32_t id = rising ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE;
  chip.events[chip.count++] = (struct gpio_v2_line_event){.timestamp_ns = time_ns, .id = id, .line_seqno = seqno};
}

static const cairn_gpio_request BUTTON = {
    .offset = 1, .active_low = true, .edges = true, .bias = CAIRN_GPIO_PULL_UP, .debounce_us = 5000, .consumer = "cairn"};

static cairn_gpio_line open_button(void) {
  cairn_gpio_line line;
  new_chip();
  assert(cairn_gpio_open(&sys, "/dev/gpiochip0", &BUTTON, &line) == 0);
  return line;
}

static void asks_for_what_was_wanted(void) {
  cairn_gpio_line line = open_button();
  uint64_t wanted = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_BIAS_PULL_UP |
                    GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
  assert(chip.request.config.flags == wanted); /* no clock flag: the kernel stamps with CLOCK_MONOTONIC */
  assert(chip.request.num_lines == 1 && chip.request.offsets[0] == 1);
  assert(strcmp(chip.request.consumer, "cairn") == 0);
  assert(chip.request.config.num_attrs == 1 && chip.request.config.attrs[0].mask == 1);
  assert(chip.request.config.attrs[0].attr.id == GPIO_V2_LINE_ATTR_ID_DEBOUNCE);
  assert(chip.request.config.attrs[0].attr.debounce_period_us == 5000);
  assert(chip.open_fds == 1); /* the chip's own file is closed again */
  cairn_gpio_close(&sys, &line);
  cairn_gpio_close(&sys, &line);
  assert(chip.open_fds == 0);
}

static int open_rc(cairn_gpio_request request) {
  cairn_gpio_line line;
  int rc = cairn_gpio_open(&sys, "/dev/gpiochip0", &request, &line);
  assert(rc != 0 && chip.open_fds == 0);
  return rc;
}

static void says_why_a_line_cannot_be_had(void) {
  new_chip();
  assert(open_rc((cairn_gpio_request){.offset = 2}) == -EBUSY);
  assert(open_rc((cairn_gpio_request){.offset = 4}) == -EINVAL);
  assert(open_rc((cairn_gpio_request){.offset = 1, .output = true, .edges = true}) == -EINVAL);
  chip.open_rc = -EACCES;
  assert(open_rc(BUTTON) == -EACCES);
}

static void reads_and_writes_levels(void) {
  cairn_gpio_line line = open_button();
  chip.level = 1;
  assert(cairn_gpio_get(&sys, &line) == 1);
  assert(cairn_gpio_set(&sys, &line, true) == -EPERM);
  cairn_gpio_close(&sys, &line);
  new_chip();
  assert(cairn_gpio_open(&sys, "/dev/gpiochip0", &(cairn_gpio_request){.offset = 3, .output = true}, &line) == 0);
  assert(cairn_gpio_set(&sys, &line, true) == 0 && chip.level == 1);
  assert(cairn_gpio_set(&sys, &line, false) == 0 && chip.level == 0);
  assert(chip.request.config.num_attrs == 0);
  cairn_gpio_close(&sys, &line);
}

static void counts_edges_and_holes(void) {
  cairn_gpio_line line = open_button();
  int64_t times[8];
  uint8_t rising[8];
  uint64_t lost = 0;
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 8, &lost) == 0 && lost == 0);
  push_edge(1, 1000, true);
  push_edge(2, 2000, false);
  push_edge(6, 9000, true); /* 3, 4, 5 overflowed */
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 8, &lost) == 3 && lost == 3);
  assert(rising[0] == 1 && rising[1] == 0 && rising[2] == 1);
  assert(times[1] - times[0] == 1000 && times[2] - times[1] == 7000);
  push_edge(9, 9500, false); /* 7, 8: lost between two reads */
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 8, &lost) == 1 && lost == 5);
  line.last_seqno = UINT32_MAX - 1;
  push_edge(1, 9600, true); /* the counter wraps: 2^32 - 1 and 0 are missing */
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 8, &lost) == 1 && lost == 7);
}

static void a_hole_before_the_first_edge_counts(void) {
  cairn_gpio_line line = open_button();
  int64_t times[4];
  uint8_t rising[4];
  uint64_t lost = 0;
  push_edge(11, 1000, true); /* the kernel counts from 1 */
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == 1 && lost == 10);
}

static void a_flood_is_taken_in_bounded_bites(void) {
  static int64_t times[512];
  static uint8_t rising[512];
  cairn_gpio_line line = open_button();
  uint64_t lost = 0;
  for (uint32_t i = 1; i <= 1000; i++) push_edge(i, i * 20000, i % 2);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 512, &lost) == 512);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 512, &lost) == 488);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 512, &lost) == 0);
  assert(lost == 0 && times[487] - chip.boot_minus_monotonic - 1000 * 20000 < 200);
}

static void times_become_boot_time(void) {
  cairn_gpio_line line = open_button();
  int64_t times[4];
  uint8_t rising[4];
  uint64_t lost = 0;
  push_edge(1, 1000, true);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == 1);
  int64_t first = times[0] - 1000;
  assert(llabs(first - 5000000) <= 100); /* as well as it can be measured */
  chip.clock_jitter = 60;                /* within what a measurement can tell: spacing must stay exact */
  push_edge(2, 2000, false);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == 1 && times[0] - 2000 == first);
  chip.boot_minus_monotonic += 3600 * INT64_C(1000000000); /* an hour of suspend */
  push_edge(3, 3000, true);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == 1);
  assert(llabs(times[0] - 3000 - chip.boot_minus_monotonic) <= 200);
}

static void an_unplugged_chip_is_told_after_its_last_edges(void) {
  cairn_gpio_line line = open_button();
  int64_t times[4];
  uint8_t rising[4];
  uint64_t lost = 0;
  push_edge(1, 1000, true);
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == 1);
  chip.read_rc = -ENODEV;
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == -ENODEV);
  assert(cairn_gpio_get(&sys, &line) == -ENODEV);
}

static void a_torn_event_is_refused(void) {
  cairn_gpio_line line = open_button();
  int64_t times[4];
  uint8_t rising[4];
  uint64_t lost = 0;
  push_edge(1, 1000, true);
  chip.odd_bytes = 8;
  assert(cairn_gpio_read_edges(&sys, &line, times, rising, 4, &lost) == -EIO);
}

static void lists_lines_with_names_cut_where_they_must_be(void) {
  cairn_gpio_line_info lines[8];
  new_chip();
  assert(cairn_gpio_list_lines(&sys, "/dev/gpiochip0", lines, 8) == 4);
  assert(strcmp(lines[1].name, "GPIO1") == 0 && !lines[1].used && lines[1].consumer[0] == '\0');
  assert(lines[2].used && strlen(lines[2].consumer) == CAIRN_GPIO_NAME_SIZE - 1);
  assert(cairn_gpio_list_lines(&sys, "/dev/gpiochip0", lines, 2) == 2);
  assert(chip.open_fds == 0);
  chip.open_rc = -ENOENT;
  assert(cairn_gpio_list_lines(&sys, "/dev/gpiochip0", lines, 8) == -ENOENT);
}

static void touch(const char *folder, const char *name) {
  char path[96];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  assert(fd >= 0);
  close(fd);
}

static void lists_chips_by_number_once_each(void) {
  char folder[] = "/tmp/cairn-gpio-XXXXXX", failed[CAIRN_GPIO_PATH_SIZE], command[64];
  cairn_gpio_chip chips[8];
  assert(mkdtemp(folder));
  static const char *const names[] = {"gpiochip10", "gpiochip2", "gpiochip7",  "gpiochip", "gpiochip1x",
                                      "gpiochip31", "gpiochip5", "gpiochip12", "null"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) touch(folder, names[i]);
  char link_path[64];
  snprintf(link_path, sizeof link_path, "%s/gpiochip4", folder);
  assert(symlink("gpiochip2", link_path) == 0); /* as Raspberry Pi OS has it on a Pi 5 */
  new_chip();
  static const char *const wanted[] = {"/gpiochip2", "/gpiochip5", "/gpiochip10", "/gpiochip12", "/gpiochip31"};
  assert(cairn_gpio_list_chips(&sys, folder, chips, 8, failed) == 5);
  for (int i = 0; i < 5; i++) assert(strcmp(strrchr(chips[i].path, '/'), wanted[i]) == 0);
  assert(strcmp(chips[0].label, "pinctrl-bcm2711") == 0 && chips[0].lines == 4);
  chip.open_rc = -EACCES; /* no silent empty list for a user outside the gpio group */
  assert(cairn_gpio_list_chips(&sys, folder, chips, 8, failed) == -EACCES);
  assert(strcmp(strrchr(failed, '/'), "/gpiochip2") == 0);
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert(system(command) == 0);
  assert(cairn_gpio_list_chips(&sys, folder, chips, 8, failed) == -ENOENT);
}

int main(void) {
  asks_for_what_was_wanted();
  says_why_a_line_cannot_be_had();
  reads_and_writes_levels();
  counts_edges_and_holes();
  a_hole_before_the_first_edge_counts();
  a_flood_is_taken_in_bounded_bites();
  times_become_boot_time();
  an_unplugged_chip_is_told_after_its_last_edges();
  a_torn_event_is_refused();
  lists_lines_with_names_cut_where_they_must_be();
  lists_chips_by_number_once_each();
  puts("gpio: ok");
  return 0;
}
