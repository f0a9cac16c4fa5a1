#ifndef CAIRN_FRAMING_COBS_H
#define CAIRN_FRAMING_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Consistent Overhead Byte Stuffing (S. Cheshire, M. Baker, IEEE/ACM Trans. Networking 7(2), 1999): no zero byte in the
 * encoded form, which does not include the 0x00 that ends a frame on a line.
 */

/* The most that `length` bytes can become: one more, and one for each full 254. */
static inline size_t cairn_cobs_bound(size_t length) { return length + length / 254 + 1; }

/* `out` has room for cairn_cobs_bound(length); returns how many bytes were written. */
size_t cairn_cobs_encode(const uint8_t *bytes, size_t length, uint8_t *out);

/* `out` has room for `length`. False when a zero byte is inside or the last run is cut. */
bool cairn_cobs_decode(const uint8_t *bytes, size_t length, uint8_t *out, size_t *written);

#endif
