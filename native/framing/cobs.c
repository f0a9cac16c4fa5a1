#include "framing/cobs.h"

#include <string.h>

#define RUN_MAX 254u

size_t cairn_cobs_encode(const uint8_t *bytes, size_t length, uint8_t *out) {
  size_t written = 0, position = 0;
  for (;;) {
    size_t rest = length - position, most = rest < RUN_MAX ? rest : RUN_MAX;
    const uint8_t *zero = most > 0 ? memchr(bytes + position, 0, most) : NULL;
    size_t run = zero != NULL ? (size_t)(zero - (bytes + position)) : most;
    out[written++] = (uint8_t)(run + 1);
    if (run > 0) memcpy(out + written, bytes + position, run);
    written += run;
    position += run;
    if (zero != NULL) position++; /* the zero is in the code; if it is the last byte, an empty run follows it */
    else if (position == length) return written;
  }
}

bool cairn_cobs_decode(const uint8_t *bytes, size_t length, uint8_t *out, size_t *written) {
  *written = 0;
  for (size_t position = 0; position < length;) {
    uint8_t code = bytes[position++];
    size_t run = (size_t)code - 1;
    if (code == 0 || run > length - position) return false;
    if (run > 0 && memchr(bytes + position, 0, run) != NULL) return false;
    if (run > 0) memcpy(out + *written, bytes + position, run);
    *written += run;
    position += run;
    if (run < RUN_MAX && position < length) out[(*written)++] = 0;
  }
  return length > 0;
}
