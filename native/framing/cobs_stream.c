#include <string.h>

#include "framing/framer.h"

/* EMPTY: at the start of a frame. RUNS: inside. SKIPPING: too long, up to the next zero. */
enum { EMPTY, RUNS, SKIPPING };

static void skip(cairn_framer *framer) {
  framer->counters.too_long++;
  framer->state = SKIPPING;
}

/* A run's code. Before it belongs the zero that ended the run before, unless that one was full. */
static void start_run(cairn_framer *framer, uint8_t code) {
  if (framer->state == RUNS && framer->code != 0xFF) {
    if (framer->used == framer->max_bytes) {
      skip(framer);
      return;
    }
    framer->buffer[framer->used++] = 0;
  }
  framer->state = RUNS;
  framer->code = code;
  framer->remaining = code - 1;
}

static void append(cairn_framer *framer, const uint8_t *bytes, size_t count) {
  if (count > framer->max_bytes - framer->used) {
    skip(framer);
    return;
  }
  memcpy(framer->buffer + framer->used, bytes, count);
  framer->used += count;
  framer->remaining = (uint8_t)(framer->remaining - count);
}

/* At 0x00: whether a whole frame lies in the buffer. */
static bool end_frame(cairn_framer *framer, size_t *length) {
  bool whole = framer->state == RUNS && framer->remaining == 0;
  if (framer->state == RUNS && !whole) framer->counters.bad_checksum++;
  *length = framer->used;
  cairn_framer_reset(framer);
  return whole;
}

static size_t up_to_zero(const uint8_t *bytes, size_t count) {
  const uint8_t *zero = memchr(bytes, 0, count);
  return zero != NULL ? (size_t)(zero - bytes) : count;
}

bool cairn_cobs_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  while (*bytes < end) {
    if (**bytes == 0) {
      ++*bytes;
      if (end_frame(framer, length)) return true;
      continue;
    }
    size_t rest = (size_t)(end - *bytes);
    if (framer->state == SKIPPING) {
      *bytes += up_to_zero(*bytes, rest);
    } else if (framer->remaining == 0) {
      start_run(framer, *(*bytes)++);
    } else {
      size_t count = up_to_zero(*bytes, rest < framer->remaining ? rest : framer->remaining);
      append(framer, *bytes, count);
      *bytes += count;
    }
  }
  return false;
}
