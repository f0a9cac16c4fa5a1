/*
 * A wall clock for tests, preloaded (LD_PRELOAD) into a process: CLOCK_REALTIME is the kernel's plus an offset, and adjtimex says what
 * the test wants said of it. Both are read anew at each call from the file that FAKE_WALL names: two int64, the offset in ns and whether
 * the clock is set. Every other clock is the kernel's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  int64_t offset_ns;
  int64_t is_set;
} wall;

static const volatile wall *file;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map(void) {
  real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int fd = open(getenv("FAKE_WALL"), O_RDONLY);
  void *found = mmap(NULL, sizeof(wall), PROT_READ, MAP_SHARED, fd, 0);
  if (found == MAP_FAILED) abort();
  close(fd);
  file = found;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (!real_gettime) map();
  int rc = real_gettime(clock, now);
  if (rc != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return rc;
  int64_t ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + file->offset_ns;
  now->tv_sec = ns / 1000000000;
  now->tv_nsec = ns % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec wide;
  int rc = clock_gettime(CLOCK_REALTIME, &wide);
  *now = (struct timeval){wide.tv_sec, wide.tv_nsec / 1000};
  return rc;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int adjtimex(struct timex *kernel) {
  *kernel = (struct timex){.status = file->is_set ? STA_PLL : STA_UNSYNC, .maxerror = file->is_set ? 2000 : 16000000};
  return file->is_set ? TIME_OK : TIME_ERROR;
}
