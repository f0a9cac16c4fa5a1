#include <dirent.h>
#include <errno.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpio/gpio.h"

_Static_assert(CAIRN_GPIO_NAME_SIZE == GPIO_MAX_NAME_SIZE, "names are as long as the kernel's");

/* The kernel's names end in a NUL; a broken driver's might not. */
static void copy_name(char to[CAIRN_GPIO_NAME_SIZE], const char from[GPIO_MAX_NAME_SIZE]) {
  memcpy(to, from, CAIRN_GPIO_NAME_SIZE);
  to[CAIRN_GPIO_NAME_SIZE - 1] = '\0';
}

static int read_open_chip(const cairn_gpio_sys *sys, int fd, cairn_gpio_chip *chip) {
  struct gpiochip_info info = {0};
  int rc = sys->ioctl(fd, GPIO_GET_CHIPINFO_IOCTL, &info);
  if (rc < 0) return rc;
  copy_name(chip->name, info.name);
  copy_name(chip->label, info.label);
  chip->lines = info.lines;
  return 0;
}

int cairn_gpio_read_chip(const cairn_gpio_sys *sys, const char *path, cairn_gpio_chip *chip) {
  if (strlen(path) >= sizeof chip->path) return -ENAMETOOLONG;
  strcpy(chip->path, path);
  int fd = sys->open(path);
  if (fd < 0) return fd;
  int rc = read_open_chip(sys, fd, chip);
  sys->close(fd);
  return rc;
}

int cairn_gpio_list_lines(const cairn_gpio_sys *sys, const char *path, cairn_gpio_line_info *lines, size_t capacity) {
  cairn_gpio_chip chip;
  int fd = sys->open(path);
  if (fd < 0) return fd;
  int rc = read_open_chip(sys, fd, &chip);
  uint32_t count = 0;
  for (; rc >= 0 && count < chip.lines && count < capacity; count++) {
    struct gpio_v2_line_info info = {.offset = count};
    rc = sys->ioctl(fd, GPIO_V2_GET_LINEINFO_IOCTL, &info);
    if (rc < 0) break;
    lines[count].offset = count;
    lines[count].used = (info.flags & GPIO_V2_LINE_FLAG_USED) != 0;
    copy_name(lines[count].name, info.name);
    copy_name(lines[count].consumer, info.consumer);
  }
  sys->close(fd);
  return rc < 0 ? rc : (int)count;
}

static int chip_number(const char *file_name) {
  unsigned number;
  char rest;
  return sscanf(file_name, "gpiochip%5u%c", &number, &rest) == 1 ? (int)number : -1;
}

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static int chip_numbers(const char *folder, int *numbers, size_t capacity) {
  DIR *entries = opendir(folder);
  if (!entries) return -errno;
  size_t count = 0;
  for (struct dirent *entry; count < capacity && (entry = readdir(entries));) {
    int number = entry->d_type == DT_LNK ? -1 : chip_number(entry->d_name);
    if (number >= 0) numbers[count++] = number;
  }
  closedir(entries);
  qsort(numbers, count, sizeof *numbers, by_number);
  return (int)count;
}

static bool gone(int rc) { return rc == -ENOENT || rc == -ENODEV || rc == -ENXIO || rc == -ENOTTY; }

int cairn_gpio_list_chips(const cairn_gpio_sys *sys, const char *folder, cairn_gpio_chip *chips, size_t capacity,
                          char failed_path[CAIRN_GPIO_PATH_SIZE]) {
  int numbers[CAIRN_GPIO_CHIPS_MAX];
  size_t bound = capacity < CAIRN_GPIO_CHIPS_MAX ? capacity : CAIRN_GPIO_CHIPS_MAX;
  snprintf(failed_path, CAIRN_GPIO_PATH_SIZE, "%s", folder);
  int found = chip_numbers(folder, numbers, bound);
  if (found < 0) return found;
  int count = 0;
  for (int i = 0; i < found; i++) {
    int length = snprintf(failed_path, CAIRN_GPIO_PATH_SIZE, "%s/gpiochip%d", folder, numbers[i]);
    if (length >= CAIRN_GPIO_PATH_SIZE) return -ENAMETOOLONG;
    int rc = cairn_gpio_read_chip(sys, failed_path, &chips[count]);
    if (rc == 0) count++;
    else if (!gone(rc)) return rc;
  }
  return count;
}
