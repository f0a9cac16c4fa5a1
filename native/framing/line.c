#include <string.h>

#include "framing/framer.h"

enum { COLLECTING, SKIPPING };

/* Appends what fits of a stretch without LF. One byte past the bound is kept, as it may be the CR; more is too long. */
static void collect(cairn_framer *framer, const uint8_t *bytes, size_t count) {
  if (framer->state == SKIPPING) return;
  if (count > framer->max_bytes + 1 - framer->used) {
    framer->state = SKIPPING;
    framer->counters.too_long++;
    return;
  }
  memcpy(framer->buffer + framer->used, bytes, count);
  framer->used += count;
}

/* At LF: whether what was collected is a frame. */
static bool end_line(cairn_framer *framer, size_t *length) {
  bool skipped = framer->state == SKIPPING;
  *length = framer->used;
  if (!skipped && *length > 0 && framer->buffer[*length - 1] == '\r') --*length;
  cairn_framer_reset(framer);
  if (skipped) return false;
  if (*length > framer->max_bytes) framer->counters.too_long++;
  return *length > 0 && *length <= framer->max_bytes;
}

bool cairn_line_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  while (*bytes < end) {
    size_t rest = (size_t)(end - *bytes);
    const uint8_t *feed = memchr(*bytes, '\n', rest);
    size_t count = feed != NULL ? (size_t)(feed - *bytes) : rest;
    collect(framer, *bytes, count);
    *bytes += count;
    if (feed == NULL) return false;
    ++*bytes;
    if (end_line(framer, length)) return true;
  }
  return false;
}
