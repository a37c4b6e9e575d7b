#ifndef DUKKAN_AGGREGATION_H
#define DUKKAN_AGGREGATION_H

#include <stddef.h>
#include <stdint.h>

// Bitmaps have bit i of word i / 64 for row i, lowest bit first, and no bits set past the last row.

// Compression: what belongs to the rows whose bit is set, one behind the other. Reads whole groups of eight values
// where any bit of the group is set, and writes up to seven values past the last one. Returns how many there are.

size_t dukkan_compress_integers(const int64_t *in, const uint64_t *bits, size_t count, int64_t *out);
size_t dukkan_compress_codes(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t *out);
/// The bits of `in` in the rows whose bit is set in `bits`; bits past the last are 0 up to the end of its word. `out`
/// may be `in`, and has as many words.
size_t dukkan_compress_bits(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out);

// Numbers of groups: mixed-radix numbers of the keys' digits, one key after the other, modulo 2^32.

/// numbers[i] = numbers[i] * radix + codes[i]; radix 0 does not read `numbers`.
void dukkan_add_code_digit(uint32_t *numbers, const uint32_t *codes, size_t count, uint32_t radix);
/// numbers[i] = numbers[i] * radix + values[i] - low; radix 0 does not read `numbers`.
void dukkan_add_integer_digit(uint32_t *numbers, const int64_t *values, size_t count, uint32_t radix, int64_t low);
/// numbers[i] += added for the rows whose bit is not set.
void dukkan_add_null_digit(uint32_t *numbers, const uint64_t *validity, size_t count, uint32_t added);
/// numbers[i] = (times[i] - first) / length, which is less than 2^22, for times from `first` to `first + span`, which
/// is less than 2^60. Returns 0 where a time lies outside, 1 otherwise.
int dukkan_number_periods(const int64_t *times, size_t count, int64_t first, uint64_t length, uint64_t span,
                          uint32_t *numbers);

/// What is held of a group: the sum of its values, modulo 2^64, and how many of its rows have one.
typedef struct {
    int64_t sum;
    uint32_t valid;
    uint32_t rows;
} dukkan_group_cell;

// Groups have `copies` cells each, 1 or 4, because adding to one place waits for the add before: group g has those from
// g * copies, and the sum of all is the group's.

/// Adds rows to the cells of their groups; null rows hold 0. `validity` may be null: no row is.
void dukkan_add_to_groups(const uint32_t *groups, const int64_t *values, const uint64_t *validity, size_t count,
                          size_t copies, dukkan_group_cell *cells);
/// Counts the rows of groups, those whose bit is set where `validity` is not null.
void dukkan_count_groups(const uint32_t *groups, const uint64_t *validity, size_t count, size_t copies,
                         uint32_t *counts);

// Distinct customers of groups. `last` holds for each group the number of the customer whom it counted last.

/// Sets the bits of the rows whose group is another than that of the row before, and those of `first_rows`. The first
/// row has its bit set in `first_rows`.
void dukkan_mark_changes(const uint32_t *groups, const uint64_t *first_rows, size_t count, uint64_t *marks);
/// Counts customers by their marked rows, all others repeat the row before. `serial` is the number of the customer
/// before the first one. Returns that of the last one.
uint32_t dukkan_count_marked_customers(const uint32_t *groups, const uint64_t *marks, const uint64_t *first_rows,
                                       size_t count, uint32_t serial, uint32_t *last, int64_t *counts);
/// Counts customers where no customer comes back to a group that she left: each marked row counts.
void dukkan_count_marks(const uint32_t *groups, const uint64_t *marks, size_t count, int64_t *counts);
/// Counts customers of rows that know their customer: number `base + customers[i]`. `groups` may be null: one group.
void dukkan_count_row_customers(const uint32_t *groups, const uint32_t *customers, size_t count, uint32_t base,
                                uint32_t *last, int64_t *counts);
/// The number of the run that each selected row belongs to, counted from 0, one row behind the other: of its customer
/// among those that have rows, or of its session. `first_rows` has the bit of each run's first row; the first row is
/// one. `runs` has room for two more than are selected.
void dukkan_number_runs(const uint64_t *first_rows, const uint64_t *selected, size_t count, uint32_t *runs);

#endif
