#include "clock/clock.h"

#include <errno.h>
#include <sys/timex.h>

enum { PAIR_TRIES = 5 };

int cairn_clock_boot_ns(const cairn_clock_sys *sys, int64_t *ns) { return sys->now(CAIRN_CLOCK_BOOT, ns); }

static int read_once(const cairn_clock_sys *sys, cairn_clock_id other, cairn_clock_pair *pair) {
  int64_t before, middle, after;
  int rc = sys->now(CAIRN_CLOCK_BOOT, &before);
  if (rc == 0) rc = sys->now(other, &middle);
  if (rc == 0) rc = sys->now(CAIRN_CLOCK_BOOT, &after);
  if (rc != 0) return rc;
  if (after < before) return -EIO;
  int64_t bracket = after - before;
  *pair = (cairn_clock_pair){before + bracket / 2, middle, bracket - bracket / 2};
  return 0;
}

int cairn_clock_read_pair(const cairn_clock_sys *sys, cairn_clock_id other, cairn_clock_pair *pair) {
  bool found = false;
  for (int i = 0; i < PAIR_TRIES; i++) {
    cairn_clock_pair one;
    int rc = read_once(sys, other, &one);
    if (rc == -EIO) continue;
    if (rc != 0) return rc;
    if (!found || one.uncertainty_ns < pair->uncertainty_ns) *pair = one;
    found = true;
  }
  return found ? 0 : -EIO;
}

int cairn_clock_read_sync(const cairn_clock_sys *sys, cairn_clock_sync *sync) {
  cairn_clock_discipline kernel;
  int rc = sys->discipline(&kernel);
  if (rc != 0) return rc;
  sync->synchronised = kernel.state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
  int64_t offset_ns = (kernel.status & STA_NANO) != 0 ? kernel.offset : kernel.offset * 1000;
  sync->max_error_ns = kernel.max_error_us * 1000 + (offset_ns < 0 ? -offset_ns : offset_ns);
  sync->est_error_ns = kernel.est_error_us * 1000;
  return 0;
}
