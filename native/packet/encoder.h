#ifndef CAIRN_PACKET_ENCODER_H
#define CAIRN_PACKET_ENCODER_H

#include "packet/bits.h"
#include "packet/block.h"

/* One block being made. */
typedef struct {
  cairn_writer writer;
  const cairn_rows *rows;
  size_t row_count;
  size_t column_count;
  cairn_scratch *scratch;
} cairn_encoder;

static inline bool cairn_is_absent(const cairn_encoder *encoder, size_t row, size_t column) {
  return encoder->rows->quality[row * encoder->column_count + column] == CAIRN_FAULT;
}

static inline double cairn_value_at(const cairn_encoder *encoder, size_t row, size_t column) {
  return encoder->rows->values[row * encoder->column_count + column];
}

/*
 * Absent values repeat the one before; those before the first value take that one; 0 when there is none. Whatever
 * numbers[row] held for them is overwritten.
 */
void cairn_fill_absent(const cairn_encoder *encoder, size_t column, uint64_t *numbers);

/* A column of doubles in the smallest of its encodings; returns which: the low half of its column byte. */
uint8_t cairn_put_floats(cairn_encoder *encoder, size_t column);

#endif
