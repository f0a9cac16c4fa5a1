#ifndef CAIRN_CLOCK_H
#define CAIRN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Time as the kernel keeps it. Every function returns 0 or a negative errno and writes its result only on 0.
 * Nothing is allocated and nothing is kept: any thread may call.
 */

typedef enum { CAIRN_CLOCK_BOOT, CAIRN_CLOCK_MONOTONIC, CAIRN_CLOCK_WALL } cairn_clock_id;

/* What adjtimex(2) with modes = 0 says: its return value, and the fields that matter here. */
typedef struct {
  int state;
  int status;
  int64_t max_error_us;
  int64_t est_error_us;
  /* What the kernel is still slewing, in ns where `status` has STA_NANO, else in us. */
  int64_t offset;
} cairn_clock_discipline;

/* The kernel, or a test's stand-in for it. Each entry returns 0 or a negative errno. */
typedef struct {
  int (*now)(cairn_clock_id clock, int64_t *ns);
  int (*discipline)(cairn_clock_discipline *out);
} cairn_clock_sys;

extern const cairn_clock_sys cairn_clock_linux;

typedef struct {
  int64_t boot_ns;
  int64_t other_ns;
  /* Half of the time between the two readings around `other_ns`, rounded up. */
  int64_t uncertainty_ns;
} cairn_clock_pair;

typedef struct {
  bool synchronised;
  /* With what is still to be slewed: a daemon such as systemd-timesyncd sets maxerror to 0 before the kernel has moved the clock by up to 0.4 s. */
  int64_t max_error_ns;
  int64_t est_error_ns;
} cairn_clock_sync;

int cairn_clock_boot_ns(const cairn_clock_sys *sys, int64_t *ns);

/*
 * CLOCK_BOOTTIME together with another clock: boot, other, boot again, the tightest of five tries (being put
 * aside by the scheduler in the middle makes a try wide, not wrong). -EIO when boot time ran backwards each time.
 */
int cairn_clock_read_pair(const cairn_clock_sys *sys, cairn_clock_id other, cairn_clock_pair *pair);

/* Whether the kernel calls its wall clock disciplined: neither TIME_ERROR nor STA_UNSYNC (adjtimex(2)). */
int cairn_clock_read_sync(const cairn_clock_sys *sys, cairn_clock_sync *sync);

#endif
