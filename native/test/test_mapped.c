/* Mapped pages given back. Expected values: proc_pid_maps(5) and madvise(2). */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/mapped.h"

enum { SIZE = 65536 };

static unsigned char *mapped(void) {
  unsigned char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert(at != MAP_FAILED);
  memset(at, 0xa5, SIZE);
  return at;
}

/* What the kernel would say of a mapping of that file. */
static long of_line(const void *at, const char *path, const char *prefix) {
  char text[8192];
  int length = snprintf(text, sizeof text, "%zx-%zx r--s 00000000 fe:00 131 %s\n", (size_t)at, (size_t)at + SIZE, path);
  FILE *maps = fmemopen(text, (size_t)length, "r");
  assert(maps);
  long bytes = cairn_page_out(maps, prefix, ".ldb");
  assert(fclose(maps) == 0);
  return bytes;
}

static void only_files_of_the_folder_and_kind(void) {
  unsigned char *at = mapped();
  assert(of_line(at, "/data/store/level/000005.ldb", "/data/store/level/") == SIZE);
  assert(of_line(at, "/data/store/level 2/000005.ldb", "/data/store/level 2/") == SIZE);
  assert(of_line(at, "/data/store/level/000005.log", "/data/store/level/") == 0);
  assert(of_line(at, "/data/store/level2/000005.ldb", "/data/store/level/") == 0);
  assert(of_line(at, "/mnt/data/store/level/000005.ldb", "/data/store/level/") == 0);
  assert(of_line(at, "[heap]", "/data/store/level/") == 0);
  assert(of_line(at, "", "/data/store/level/") == 0);
  for (int i = 0; i < SIZE; i++) assert(at[i] == 0xa5);
  assert(munmap(at, SIZE) == 0);
}

static void what_was_unmapped_meanwhile_is_passed_by(void) {
  unsigned char *at = mapped();
  assert(munmap(at, SIZE) == 0);
  assert(of_line(at, "/a/1.ldb", "/a/") == 0);
}

static void a_line_that_is_too_long_is_nobodys(void) {
  unsigned char *at = mapped();
  char path[6000] = "/a/";
  memset(path + 3, 'x', sizeof path - 8);
  strcpy(path + sizeof path - 5, ".ldb");
  assert(of_line(at, path, "/a/") == 0);
  assert(munmap(at, SIZE) == 0);
}

static void ones_own_maps(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  assert(maps && cairn_page_out(maps, "/nowhere/", ".ldb") == 0 && fclose(maps) == 0);
}

int main(void) {
  only_files_of_the_folder_and_kind();
  what_was_unmapped_meanwhile_is_passed_by();
  a_line_that_is_too_long_is_nobodys();
  ones_own_maps();
  return 0;
}
