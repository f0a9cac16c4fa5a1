#include "memory/mapped.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* Longer lines are none of a store's: paths of more than PATH_MAX can't be opened. */
enum { LINE_SIZE = 4096 + 256 };

static bool ends_in(const char *text, size_t length, const char *suffix) {
  size_t size = strlen(suffix);
  return length >= size && memcmp(text + length - size, suffix, size) == 0;
}

/* The path is the line's end, behind five fields of which none has a slash but the device's number, which has none either. */
static bool is_ours(char *line, const char *prefix, const char *suffix) {
  char *path = strchr(line, '/');
  if (!path) return false;
  size_t length = strcspn(path, "\n");
  return strncmp(path, prefix, strlen(prefix)) == 0 && ends_in(path, length, suffix);
}

long cairn_page_out(FILE *maps, const char *prefix, const char *suffix) {
  char line[LINE_SIZE];
  long bytes = 0;
  while (fgets(line, sizeof line, maps)) {
    uintptr_t from, to;
    if (sscanf(line, "%zx-%zx", &from, &to) != 2 || !is_ours(line, prefix, suffix)) continue;
    if (madvise((void *)from, to - from, MADV_PAGEOUT) == 0) bytes += (long)(to - from);
    /* ENOMEM: it is mapped no longer. */
    else if (errno != ENOMEM) return -errno;
  }
  return bytes;
}
