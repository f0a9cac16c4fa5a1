#ifndef CAIRN_FUZZ_FRAMING_H
#define CAIRN_FUZZ_FRAMING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "framing/framer.h"

/*
 * The oracle of all framing targets: the bytes at once and the bytes in random chunks give the same frames and counters. The
 * first input byte is the bound, the second seeds the chunks. Chunks and buffers lie in memory of exactly their length.
 */
typedef struct {
  uint8_t *log;
  size_t used;
  cairn_framer_counters counters;
} fuzz_record;

static inline void fuzz_require(int condition) {
  if (!condition) abort();
}

static inline void fuzz_feed(cairn_framer *framer, const uint8_t *chunk, size_t length, fuzz_record *record) {
  uint8_t *exact = malloc(length > 0 ? length : 1);
  fuzz_require(exact != NULL);
  memcpy(exact, chunk, length);
  const uint8_t *bytes = exact;
  size_t frame;
  while (cairn_framer_next(framer, &bytes, exact + length, &frame)) {
    fuzz_require(frame <= framer->max_bytes);
    record->log[record->used++] = (uint8_t)frame;
    memcpy(record->log + record->used, framer->buffer, frame);
    record->used += frame;
  }
  fuzz_require(bytes == exact + length);
  free(exact);
}

static inline void fuzz_frame(cairn_frame_kind kind, size_t max_bytes, const uint8_t *bytes, size_t length,
                              bool at_once, uint32_t seed, fuzz_record *record) {
  cairn_framer framer;
  uint8_t *buffer = malloc(max_bytes + 1);
  record->log = malloc(2 * length + 1);
  record->used = 0;
  fuzz_require(buffer != NULL && record->log != NULL);
  cairn_framer_init(&framer, kind, buffer, max_bytes);
  for (size_t at = 0; at < length;) {
    seed = seed * 1664525 + 1013904223; /* Numerical Recipes' generator */
    size_t count = at_once ? length : seed >> 31 ? 1 : 1 + (seed >> 20) % 97;
    if (count > length - at) count = length - at;
    fuzz_feed(&framer, bytes + at, count, record);
    at += count;
  }
  record->counters = framer.counters;
  free(buffer);
}

static inline int fuzz_framing(cairn_frame_kind kind, const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  fuzz_record whole, parts;
  size_t max_bytes = 1 + data[0];
  fuzz_frame(kind, max_bytes, data + 2, size - 2, true, 0, &whole);
  fuzz_frame(kind, max_bytes, data + 2, size - 2, false, data[1], &parts);
  fuzz_require(whole.used == parts.used && memcmp(whole.log, parts.log, whole.used) == 0);
  fuzz_require(memcmp(&whole.counters, &parts.counters, sizeof whole.counters) == 0);
  fuzz_require(whole.counters.bytes == size - 2);
  free(whole.log);
  free(parts.log);
  return 0;
}

#endif
