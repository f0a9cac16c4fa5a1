#ifndef CAIRN_PACKET_CRC32C_H
#define CAIRN_PACKET_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 §12.1, test vectors in B.4). `seed` is 0, or the CRC of
 * the bytes before: crc(a ++ b) == crc(b, seed = crc(a)).
 */
uint32_t cairn_crc32c(uint32_t seed, const uint8_t *bytes, size_t length);

/* The same in plain C (slicing by 8), which every machine has; the other one uses the CPU's instruction where there is one. */
uint32_t cairn_crc32c_software(uint32_t seed, const uint8_t *bytes, size_t length);

/* Whether this CPU has the instruction: SSE4.2 on x86-64, the CRC extension on 64-bit ARM. */
bool cairn_crc32c_has_hardware(void);

#endif
