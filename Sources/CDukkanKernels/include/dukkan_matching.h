#ifndef DUKKAN_MATCHING_H
#define DUKKAN_MATCHING_H

#include <stddef.h>
#include <stdint.h>

// Which rows of a morsel a query matches, and what is left of columns when only those rows are kept.
//
// Bit i of word i / 64 is row i, lowest bit first; a word behind the last row may be read as far as its rows go.
// What writes compact output needs room for 64 bytes more than it writes.

// masks[i] = table[codes[i]], or 0 where the row's bit of `validity` is 0; `validity` may be null: all rows are valid.
// Every code is less than `table_count`.
void dukkan_masks_of_codes(const uint32_t *codes, size_t count, const uint8_t *table, size_t table_count,
                           const uint64_t *validity, uint8_t *masks);

// masks[i] = 0 where bit i is 0.
void dukkan_keep_masks(uint8_t *masks, size_t count, const uint64_t *bits);

// numbers[i] = table[codes[i]], or `absent` where the row's bit of `validity` is 0; `validity` may be null.
void dukkan_numbers_of_codes(const uint32_t *codes, size_t count, const uint32_t *table, size_t table_count,
                             const uint64_t *validity, uint32_t absent, uint32_t *numbers);

// Bit i: masks[i] != 0. Writes (count + 63) / 64 words, bits past `count` 0; returns how many are set.
size_t dukkan_matching_bytes(const uint8_t *masks, size_t count, uint64_t *bits);
size_t dukkan_matching_words(const uint32_t *masks, size_t count, uint64_t *bits);

// The bytes of the rows whose bit is set, in order; bits past `count` must be 0. Returns how many there are.
size_t dukkan_compact_8(const uint8_t *values, const uint64_t *bits, size_t count, uint8_t *out);

// ranks[i] = number of bits set before row rows[i]; rows ascend and are at most `row_count`. `before` has room for
// row_count / 64 + 1 numbers, which the function works on.
void dukkan_ranks(const uint64_t *bits, size_t row_count, const uint32_t *rows, size_t count, uint32_t *before,
                  uint32_t *ranks);

// counts[v] += number of values that are v, for each v below `value_count`, which is small. O(count * value_count / 32).
void dukkan_count_bytes(const uint8_t *values, size_t count, uint8_t first_value, size_t value_count, uint64_t *counts);

// One table's customers: ascending keys without repeats, the first row of each (`count + 1` entries), and where the first
// rows of the united customers go (one entry more than there are).
typedef struct {
    const int64_t *keys;
    const uint32_t *starts;
    uint32_t *united;
    size_t count;
} dukkan_key_lane;

enum { DUKKAN_KEY_LANES_MAX = 32 };

// Writes the union of the lanes' keys, ascending, and for each lane the first row of each; a customer without rows in a lane
// has an empty run there. All have room for eight more than that. `lane_count` is 1 to DUKKAN_KEY_LANES_MAX. Returns how many keys there are.
// O(keys * lanes), without a branch on the keys.
size_t dukkan_unite_keys(const dukkan_key_lane *lanes, size_t lane_count, int64_t *keys);

#endif
