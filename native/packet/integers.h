#ifndef CAIRN_PACKET_INTEGERS_H
#define CAIRN_PACKET_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

#include "packet/bits.h"

/*
 * An integer column: two's complement 64-bit numbers, kept exactly. What is stored are the residuals of a predictor (order 0:
 * a base; order 1: the number before; order 2: the line through the two before), zigzagged and Rice coded (R. F. Rice, JPL 79-22,
 * 1979), with an escape for outliers. All arithmetic is modulo 2^64, so the extremes need no care. Bytes: docs/wire-format.md §1.
 */
#define CAIRN_RICE_ESCAPE 12u   /* this many ones say that a length and the plain residual follow */
#define CAIRN_RICE_ALL_ZERO 63u /* as parameter: every residual is 0 and none is written */
#define CAIRN_UNIT_FOLLOWS 0x03u

typedef struct {
  uint64_t base;
  uint64_t step; /* order 2 only: the second number less the first */
  uint8_t order;
  uint8_t parameter;
  size_t bytes; /* of the column, exactly */
} cairn_rice_plan;

typedef struct {
  uint64_t unit; /* 0: none. Otherwise all numbers lie `origin` + a multiple of it, and `rice` is about those multiples */
  uint64_t origin;
  cairn_rice_plan rice;
  size_t bytes;
} cairn_integer_plan;

/* The cheapest way to keep `count` (1 to 4096) numbers; `work` has room for 2 × count. The same numbers give the same plan. */
cairn_integer_plan cairn_plan_integers(const uint64_t *numbers, size_t count, uint64_t *work);

void cairn_put_integers(cairn_writer *writer, const uint64_t *numbers, size_t count, const cairn_integer_plan *plan);

/* Reads `count` (1 to 4096) numbers; the reader has `failed` when they are malformed. */
void cairn_get_integers(cairn_reader *reader, uint64_t *numbers, size_t count);

#endif
