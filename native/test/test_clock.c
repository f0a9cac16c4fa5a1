/* The clock against a kernel that refuses, jumps and is slow. Expected values: adjtimex(2), and arithmetic by hand. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/timex.h>

#include "clock/clock.h"

/* Readings that the kernel will give next, in ns; a negative one is an errno. */
static const int64_t *script;
static int reads;

static int scripted_now(cairn_clock_id clock, int64_t *ns) {
  (void)clock;
  int64_t value = script[reads++];
  if (value < 0) return (int)value;
  *ns = value;
  return 0;
}

static cairn_clock_discipline kernel;
static int kernel_rc;

static int scripted_discipline(cairn_clock_discipline *out) {
  *out = kernel;
  return kernel_rc;
}

static const cairn_clock_sys sys = {scripted_now, scripted_discipline};

static int pair(const int64_t *readings, cairn_clock_pair *out) {
  script = readings;
  reads = 0;
  return cairn_clock_read_pair(&sys, CAIRN_CLOCK_WALL, out);
}

static void takes_the_tightest_bracket(void) {
  cairn_clock_pair p;
  /* The third try is the only one that the scheduler left alone. */
  const int64_t readings[] = {1000, 900, 9000, 10000, 901, 90000, 100000, 902, 100041, 200000, 903, 900000,
                              1000000, 904, 2000000};
  assert(pair(readings, &p) == 0);
  assert(p.boot_ns == 100020 && p.other_ns == 902 && p.uncertainty_ns == 21);
}

static void a_wall_clock_jump_does_not_widen_it(void) {
  cairn_clock_pair p;
  const int64_t readings[] = {10, 1700000000000000000, 20, 30, 5, 50, 60, 1700000000000000001, 90,
                              100, 6, 140, 200, 7, 290};
  assert(pair(readings, &p) == 0);
  assert(p.boot_ns == 15 && p.other_ns == 1700000000000000000 && p.uncertainty_ns == 5);
}

static void boot_time_running_backwards_is_refused(void) {
  cairn_clock_pair p;
  const int64_t once[] = {50, 1, 40, 100, 2, 104, 200, 3, 190, 300, 4, 290, 400, 5, 390};
  assert(pair(once, &p) == 0 && p.boot_ns == 102 && p.other_ns == 2);
  const int64_t always[] = {50, 1, 40, 100, 2, 90, 200, 3, 190, 300, 4, 290, 400, 5, 390};
  assert(pair(always, &p) == -EIO);
}

static void a_refusal_is_passed_on(void) {
  cairn_clock_pair p;
  const int64_t refused[] = {10, -EPERM};
  assert(pair(refused, &p) == -EPERM);
  int64_t ns;
  script = &refused[1], reads = 0;
  assert(cairn_clock_boot_ns(&sys, &ns) == -EPERM);
}

static cairn_clock_sync sync_of(int state, int status) {
  cairn_clock_sync sync;
  kernel = (cairn_clock_discipline){state, status, 16000000, 1234, 0};
  kernel_rc = 0;
  assert(cairn_clock_read_sync(&sys, &sync) == 0);
  return sync;
}

static void knows_when_the_kernel_is_disciplined(void) {
  assert(sync_of(TIME_OK, STA_PLL).synchronised);
  assert(sync_of(TIME_INS, STA_PLL | STA_INS).synchronised); /* a leap second to come is no fault */
  assert(!sync_of(TIME_ERROR, STA_PLL).synchronised);
  assert(!sync_of(TIME_OK, STA_UNSYNC).synchronised);
  assert(!sync_of(TIME_ERROR, STA_UNSYNC).synchronised);
  assert(sync_of(TIME_OK, 0).max_error_ns == INT64_C(16000000000));
  assert(sync_of(TIME_OK, 0).est_error_ns == 1234000);
  cairn_clock_sync sync;
  /* 0.3 s behind and being slewed, while the daemon says that there is no error. */
  kernel = (cairn_clock_discipline){TIME_OK, STA_PLL | STA_NANO, 0, 0, -300000000};
  assert(cairn_clock_read_sync(&sys, &sync) == 0 && sync.max_error_ns == 300000000);
  kernel = (cairn_clock_discipline){TIME_OK, STA_PLL, 20, 0, 300000};
  assert(cairn_clock_read_sync(&sys, &sync) == 0 && sync.max_error_ns == 300020000);
  kernel_rc = -EPERM;
  assert(cairn_clock_read_sync(&sys, &sync) == -EPERM);
}

static void the_real_kernel_agrees_with_itself(void) {
  cairn_clock_pair p;
  int64_t before, after;
  assert(cairn_clock_boot_ns(&cairn_clock_linux, &before) == 0);
  assert(cairn_clock_read_pair(&cairn_clock_linux, CAIRN_CLOCK_WALL, &p) == 0);
  assert(cairn_clock_boot_ns(&cairn_clock_linux, &after) == 0);
  assert(before <= p.boot_ns && p.boot_ns <= after);
  assert(p.uncertainty_ns >= 0 && p.uncertainty_ns <= after - before);
}

int main(void) {
  takes_the_tightest_bracket();
  a_wall_clock_jump_does_not_widen_it();
  boot_time_running_backwards_is_refused();
  a_refusal_is_passed_on();
  knows_when_the_kernel_is_disciplined();
  the_real_kernel_agrees_with_itself();
  puts("clock: ok");
  return 0;
}
