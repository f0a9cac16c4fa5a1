#ifndef CAIRN_GPIO_H
#define CAIRN_GPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "clock/clock.h"

/*
 * GPIO lines by the character device, ABI v2 (linux/gpio.h, Linux 5.10 and later). One request is one line.
 * Functions return 0 or a count, or a negative errno. Nothing is allocated. A line belongs to one thread at a time.
 */

enum {
  CAIRN_GPIO_NAME_SIZE = 32,     /* GPIO_MAX_NAME_SIZE, NUL included */
  CAIRN_GPIO_PATH_SIZE = 64,
  CAIRN_GPIO_CHIPS_MAX = 64,
  CAIRN_GPIO_LINES_MAX = 4096,
  CAIRN_GPIO_EDGE_BUFFER = 1024, /* events; the kernel's own ceiling (16 times 64 lines) */
};

/* The kernel, or a test's stand-in for it. Each entry returns a non-negative result or a negative errno. */
typedef struct {
  int (*open)(const char *path);
  int (*close)(int fd);
  int (*ioctl)(int fd, unsigned long request, void *argument);
  ssize_t (*read)(int fd, void *buffer, size_t size);
  int (*set_nonblocking)(int fd);
  const cairn_clock_sys *clock;
} cairn_gpio_sys;

extern const cairn_gpio_sys cairn_gpio_linux;

typedef struct {
  char path[CAIRN_GPIO_PATH_SIZE];
  char name[CAIRN_GPIO_NAME_SIZE];
  char label[CAIRN_GPIO_NAME_SIZE];
  uint32_t lines;
} cairn_gpio_chip;

typedef struct {
  uint32_t offset;
  char name[CAIRN_GPIO_NAME_SIZE];
  char consumer[CAIRN_GPIO_NAME_SIZE];
  bool used;
} cairn_gpio_line_info;

typedef enum { CAIRN_GPIO_AS_IS, CAIRN_GPIO_BIAS_OFF, CAIRN_GPIO_PULL_UP, CAIRN_GPIO_PULL_DOWN } cairn_gpio_bias;

typedef struct {
  uint32_t offset;
  bool output;
  bool active_low;
  bool edges; /* both; inputs only */
  cairn_gpio_bias bias;
  uint32_t debounce_us;
  char consumer[CAIRN_GPIO_NAME_SIZE];
} cairn_gpio_request;

typedef struct {
  int fd;
  bool seen_edge;
  uint32_t last_seqno;
  bool offset_known;
  int64_t boot_minus_monotonic_ns;
} cairn_gpio_line;

/*
 * The chips below `folder` (`/dev`), by number; links to chips are left out, so that none is listed twice.
 * A chip that goes away meanwhile is left out; any other failure (-EACCES) is returned, its path in failed_path.
 */
int cairn_gpio_list_chips(const cairn_gpio_sys *sys, const char *folder, cairn_gpio_chip *chips, size_t capacity,
                          char failed_path[CAIRN_GPIO_PATH_SIZE]);

/* Reads what the chip says of itself. -ENOTTY where the path isn't a GPIO chip. */
int cairn_gpio_read_chip(const cairn_gpio_sys *sys, const char *path, cairn_gpio_chip *chip);

/* Up to `capacity` lines of the chip, from offset 0; how many. */
int cairn_gpio_list_lines(const cairn_gpio_sys *sys, const char *path, cairn_gpio_line_info *lines, size_t capacity);

/*
 * Claims a line; reads of its edges never block. -EBUSY where somebody else holds it, -EINVAL for an offset that
 * the chip lacks or edges on an output. The caller closes it.
 */
int cairn_gpio_open(const cairn_gpio_sys *sys, const char *path, const cairn_gpio_request *request,
                    cairn_gpio_line *line);
void cairn_gpio_close(const cairn_gpio_sys *sys, cairn_gpio_line *line);

/* The logical level: 0 or 1. */
int cairn_gpio_get(const cairn_gpio_sys *sys, const cairn_gpio_line *line);
int cairn_gpio_set(const cairn_gpio_sys *sys, const cairn_gpio_line *line, bool active);

/*
 * Takes up to `capacity` waiting edges: CLOCK_BOOTTIME ns, and 1 where the line became active. How many; 0 when none wait.
 * *lost grows by the holes in the line's sequence numbers: the kernel drops its oldest edges when nobody reads.
 * An error that follows edges in the same call is kept for the next one.
 *
 * The kernel stamps with CLOCK_MONOTONIC; the difference to boot time is measured after the read. It changes only
 * in suspend, so an edge from before a suspend that is read after it is late by the sleep's length.
 */
ssize_t cairn_gpio_read_edges(const cairn_gpio_sys *sys, cairn_gpio_line *line, int64_t *times_ns, uint8_t *rising,
                              size_t capacity, uint64_t *lost);

#endif
