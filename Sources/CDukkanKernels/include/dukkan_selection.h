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

/// Neighbouring words of which each has a bit, and what is set before the first of them in another bitmap.
typedef struct {
    uint32_t first, end, before;
} dukkan_word_span;

/// Finds the spans of words that have a bit; `spans` has an entry for every second word and two more.
///
/// A value stands for each row that is not set in `starts`: `*blocks` gets a bit for each block of 2^`block_shift` of the
/// `value_count` values that holds one of a word in a span; the last bit stands for all blocks from the 64th on.
size_t dukkan_word_spans(const uint64_t *words, const uint64_t *starts, size_t word_count, size_t value_count,
                         uint32_t block_shift, dukkan_word_span *spans, uint64_t *blocks);

#endif
