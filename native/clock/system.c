/* 64-bit time on 32-bit Arm too: this file alone sees struct timespec and struct timex. */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64

#include <errno.h>
#include <sys/timex.h>
#include <time.h>

#include "clock/clock.h"

static int linux_now(cairn_clock_id clock, int64_t *ns) {
  static const clockid_t ids[] = {
      [CAIRN_CLOCK_BOOT] = CLOCK_BOOTTIME,
      [CAIRN_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
      [CAIRN_CLOCK_WALL] = CLOCK_REALTIME,
  };
  struct timespec now;
  if (clock_gettime(ids[clock], &now) != 0) return -errno;
  *ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  return 0;
}

static int linux_discipline(cairn_clock_discipline *out) {
  struct timex kernel = {.modes = 0};
  int state = adjtimex(&kernel);
  if (state < 0) return -errno;
  *out = (cairn_clock_discipline){state, kernel.status, kernel.maxerror, kernel.esterror, kernel.offset};
  return 0;
}

const cairn_clock_sys cairn_clock_linux = {linux_now, linux_discipline};
