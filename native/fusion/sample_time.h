#ifndef CAIRN_SAMPLE_TIME_H
#define CAIRN_SAMPLE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* Boot time in ns: not negative, and so far from the end of int64 (146 years) that no sum of two overflows. */
static inline bool cairn_time_sane(int64_t ns) { return ns >= 0 && ns < (INT64_C(1) << 62); }

#endif
