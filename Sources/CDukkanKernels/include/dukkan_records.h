#ifndef DUKKAN_RECORDS_H
#define DUKKAN_RECORDS_H

#include <stddef.h>
#include <stdint.h>

// Rows that lie as records of `stride` bytes one behind the other, so that a scattered row costs one cache miss and not
// one for each column. A field is 1, 2, 4 or 8 bytes wide, at any place of the record; a null bit is one of a byte.

/// Bytes of the narrowest signed field that holds all values: 1, 2, 4 or 8.
uint32_t dukkan_record_width(const int64_t *values, size_t count);

/// Writes values to the fields of records that follow one another, `field` being that of the first.
void dukkan_record_put_words(const int64_t *values, size_t count, uint32_t width, uint8_t *field, size_t stride);
void dukkan_record_put_codes(const uint32_t *codes, size_t count, uint32_t width, uint8_t *field, size_t stride);

/// Clears bit `bit` of the bytes of rows whose bit in `valid`, from bit `from` on, is 0.
void dukkan_record_clear_nulls(const uint64_t *valid, size_t from, size_t count, uint32_t bit, uint8_t *bytes);

/// Writes bytes to the records that follow one another, `field` being the place in the first.
void dukkan_record_put_bytes(const uint8_t *bytes, size_t count, uint8_t *field, size_t stride);

/// Where the records of rows are: row r is number `r & (2^shift - 1)` of piece `r >> shift`. Begins to load them.
void dukkan_record_places(const uint32_t *rows, size_t count, const uint8_t *const *pieces, uint32_t shift,
                          size_t stride, const uint8_t **places);

/// The values of a field at `offset` of the records at `places`; words are signed.
void dukkan_record_words(const uint8_t *const *places, size_t count, size_t offset, uint32_t width, int64_t *values);
void dukkan_record_codes(const uint8_t *const *places, size_t count, size_t offset, uint32_t width, uint32_t *codes);

/// Bit `bit` of the byte at `offset` of the records at `places`, 64 to a word, the last one filled up with 0.
void dukkan_record_bits(const uint8_t *const *places, size_t count, size_t offset, uint32_t bit, uint64_t *words);

#endif
