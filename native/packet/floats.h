#ifndef CAIRN_PACKET_FLOATS_H
#define CAIRN_PACKET_FLOATS_H

#include "packet/bits.h"

/*
 * Doubles bit by bit, each XORed with the one before: Gorilla (T. Pelkonen et al., VLDB 2015, §4.1.2). NaN payloads and -0
 * are kept. `numbers` are IEEE 754 bits.
 */
void cairn_put_xor(cairn_writer *writer, const uint64_t *numbers, size_t count);
void cairn_get_xor(cairn_reader *reader, uint64_t *numbers, size_t count);
size_t cairn_xor_bytes(const uint64_t *numbers, size_t count);

/* The integer n, within ±(2^53 - 1), for which n / 10^scale is `value`, or the nearest to it (half away from zero); false if none. */
bool cairn_to_decimal(double value, unsigned scale, int64_t *number);

/* The double nearest to number / 10^scale. */
double cairn_from_decimal(int64_t number, unsigned scale);

static inline uint64_t cairn_double_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline double cairn_bits_double(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#endif
