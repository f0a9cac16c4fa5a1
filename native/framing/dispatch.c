#include <assert.h>

#include "framing/framer.h"

static bool next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  switch (framer->kind) {
    case CAIRN_FRAME_LINE: return cairn_line_next(framer, bytes, end, length);
    case CAIRN_FRAME_NMEA: return cairn_nmea_next(framer, bytes, end, length);
    case CAIRN_FRAME_COBS: return cairn_cobs_next(framer, bytes, end, length);
  }
  assert(!"a kind that doesn't exist");
  return false;
}

bool cairn_framer_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  const uint8_t *start = *bytes;
  bool found = *bytes < end && next(framer, bytes, end, length);
  framer->counters.bytes += (uint64_t)(*bytes - start);
  framer->counters.frames += found;
  return found;
}
