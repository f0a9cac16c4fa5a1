#ifndef CAIRN_PACKET_TEXTS_H
#define CAIRN_PACKET_TEXTS_H

#include "packet/bits.h"
#include "packet/block.h"

/*
 * A utf8 or bytes column: each distinct value once, in the order of first use. Which one each row has (an integer column), their
 * lengths (an integer column), their bytes back to back. Absent values repeat the one before.
 */

/* The column's values, in texts[row × stride]; quality is row by row, `columns` apart. Returns the row refused, or `rows`. */
size_t cairn_put_texts(cairn_writer *writer, const cairn_text *texts, size_t stride, const uint8_t *quality,
                       size_t columns, size_t rows, bool utf8, cairn_scratch *scratch);

/* The other way; absent values get data NULL. */
void cairn_get_texts(cairn_reader *reader, cairn_text *texts, size_t stride, const uint8_t *quality, size_t columns,
                     size_t rows, bool utf8, cairn_scratch *scratch);

/* Well-formed by RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF. */
bool cairn_is_utf8(const uint8_t *bytes, size_t length);

#endif
