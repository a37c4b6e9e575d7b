#ifndef DUKKAN_SELECTION_H
#define DUKKAN_SELECTION_H

#include <stddef.h>
#include <stdint.h>

// Conditions on a column's values as bitmaps: bit i of word i / 64 is row i, lowest bit first. All of `words`
// ((count + 63) / 64 of them) is written; bits past `count` are 0.

// Bit i: low <= values[i] <= high.
void dukkan_select_range(const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words);

// Bit i: codes[i] == code.
void dukkan_select_code(const uint32_t *codes, size_t count, uint32_t code, uint64_t *words);

// Bit i: flags[codes[i]], each flag 0 or 1; all codes are less than `flag_count`.
void dukkan_select_flags(const uint32_t *codes, size_t count, const uint8_t *flags, size_t flag_count, uint64_t *words);

// Writes the places of the set bits in order, and returns how many there are.
size_t dukkan_bit_places(const uint64_t *words, size_t word_count, uint32_t *places);

// What is known of some rows for all rows. Both read one word past the last bit that they take from `in`.

// The next bit of `in` in each row whose bit is set in `bits`, 0 in the others.
void dukkan_spread_bits(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out);

// The bit of each row's run: `in` has one for each run, `starts` has the bit of each run's first row; the first row is one.
void dukkan_fill_forward_bits(const uint64_t *in, const uint64_t *starts, size_t count, uint64_t *out);

#endif
