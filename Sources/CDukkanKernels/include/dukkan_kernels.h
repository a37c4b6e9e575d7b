#ifndef DUKKAN_KERNELS_H
#define DUKKAN_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Kernels of Dukkan for which C reaches instructions that Swift does not: CRC32C, and the AVX2 and
// AVX-512 forms of decoding. Each function picks the best form for the machine at load time. None reads or writes outside the ranges
// stated; the caller has checked widths and counts.

#ifdef __cplusplus
extern "C" {
#endif

/// CRC32C (Castagnoli, reflected polynomial 0x82F63B78). `crc` is 0 or the result over the bytes before.
uint32_t dukkan_crc32c(uint32_t crc, const void *bytes, size_t count);
/// The same without special instructions, so that tests can compare.
uint32_t dukkan_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// Asks the processor to bring bytes into its caches, without waiting for them.
static inline void dukkan_bring_near(const void *bytes, size_t count) {
    for (size_t at = 0; at < count; at += 64) __builtin_prefetch((const char *)bytes + at, 0, 2);
}

// Vertical blocks of 1,024 values: width <= 32 in 32 lanes of 32 bits, wider in 16 lanes of 64 bits; 128 * width bytes.
// The reference is added to each value, modulo 2^64 (2^32).

void dukkan_unpack_integers(const uint8_t *in, uint32_t width, uint64_t reference, int64_t *out);
/// width <= 32.
void dukkan_unpack_codes(const uint8_t *in, uint32_t width, uint32_t reference, uint32_t *out);
/// Packs the low `width` bits of 1,024 values.
void dukkan_pack(const uint64_t *in, uint32_t width, uint8_t *out);

// Horizontal: value i at bits i * width, lowest bit first, in (count * width + 7) / 8 bytes.

void dukkan_unpack_tail_integers(const uint8_t *in, size_t count, uint32_t width, uint64_t reference, int64_t *out);
void dukkan_unpack_tail_codes(const uint8_t *in, size_t count, uint32_t width, uint32_t reference, uint32_t *out);
void dukkan_pack_tail(const uint64_t *in, size_t count, uint32_t width, uint8_t *out);

// Taking lists apart for their forms, all in one pass without branches.

/// Bit i of `bitmap`, of (count + 7) / 8 bytes, tells whether value i is not `value`; those go to `rest`, which has room
/// for `count` values. Returns their number.
size_t dukkan_split_frequent(const int64_t *values, size_t count, int64_t value, uint8_t *bitmap, int64_t *rest);

/// The value of each run of equal ones and its length less one. `count` is at least 1.
void dukkan_split_runs(const int64_t *values, size_t count, int64_t *heads, int64_t *lengths);

/// The high parts of the values that have more than `width` bits, and how many values lie before each of them since the
/// last one. Both lists have room for `count` values. Returns the number of those.
size_t dukkan_split_patches(const uint64_t *values, size_t count, uint32_t width, uint64_t *gaps, uint64_t *highs);

/// Values of rows from differences within a customer: a row whose bit is set is the first of its customer, and gets the
/// next of `firsts`; another one gets the value before plus multiplier * the next of `differences`, modulo 2^64. Bit 0 is
/// set, bits past `count` are not. Reads up to 64 bytes past the lists' ends, writes up to 56 bytes past row `count`.
void dukkan_customer_values(const int64_t *differences, const int64_t *firsts, const uint64_t *start_bits, size_t count,
                            uint64_t multiplier, int64_t *out);
/// The same for runs: a row gets its run's first value plus multiplier * the sum modulo 2^32 of the differences since. Bit 0
/// need not be set where firsts[-1] can be read; the rows up to the first set bit then mean nothing.
void dukkan_run_values(const uint32_t *differences, const int64_t *firsts, const uint64_t *start_bits, size_t count,
                       uint32_t multiplier, int64_t *out);
/// Values at times that are 2^shift apart, from `origin` on; there are at least two, and `width` bits of what lies between
/// them count.
struct dukkan_knots {
    int64_t origin;
    const int64_t *knots;
    size_t count;
    uint32_t shift;
    uint32_t width;
};
/// Adds `sign` times the value between the knots around each time to the value beside it, modulo 2^64; before the first and
/// behind the last knot it is that knot.
void dukkan_add_predictions(const int64_t *times, size_t count, const struct dukkan_knots *model, int64_t sign,
                            int64_t *values);
/// The bitmap of `starts`, count + 1 ascending numbers: bit starts[i] - starts[0] for each i whose next number is
/// greater. Writes (starts[count] - starts[0]) / 64 + 1 words.
void dukkan_mark_starts(const uint32_t *starts, size_t count, uint64_t *words);
/// The bitmap of the first rows of runs of rests[i] + 1 rows. Writes (count + 63) / 64 words, of which nothing is of use
/// where the runs together are not `count` rows; then returns false.
bool dukkan_mark_runs(const uint32_t *rests, size_t runs, size_t count, uint64_t *words);

/// Bounds of a list, and the values that differ from, and that are less than, the one before.
struct dukkan_profile {
    int64_t minimum, maximum;
    uint64_t changes, descents;
};

/// count > 0.
void dukkan_profile_integers(const int64_t *values, size_t count, struct dukkan_profile *profile);
/// Returns the minimum; counts[w] is the number of values whose distance from it has w bits, 0 to 64. 0 < count < 2^16.
int64_t dukkan_count_widths(const int64_t *values, size_t count, uint32_t *counts);
/// Running sums in place from `first`, which stays out of `values`: values[i] = first + values[0] + … + values[i].
void dukkan_running_sums(int64_t *values, size_t count, int64_t first);
/// values[i] = values[i] * multiplier + addend, modulo 2^64.
void dukkan_scale(int64_t *values, size_t count, uint64_t multiplier, uint64_t addend);

/// How many bits of `count` words are set.
size_t dukkan_count_bits(const uint64_t *words, size_t count);
/// Whether each value is greater than the one before.
bool dukkan_is_ascending(const int64_t *values, size_t count);

// Spreading a dense list over rows: those whose bit is set get its values in turn, the others `absent`. Read up to 64
// bytes past the list's end; write up to 60 bytes past row `count`. Bits past `count` are not set.

void dukkan_spread_integers(const int64_t *in, const uint64_t *bits, size_t count, int64_t absent, int64_t *out);
void dukkan_spread_codes(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t absent, uint32_t *out);
/// out[row] += value << shift for the rows whose bit is set.
void dukkan_spread_add_integers(const int64_t *in, const uint64_t *bits, size_t count, uint32_t shift, int64_t *out);
/// The same modulo 2^32; shift < 64.
void dukkan_spread_add_codes(const int64_t *in, const uint64_t *bits, size_t count, uint32_t shift, uint32_t *out);

// Filling forward: a row whose bit is set begins a run, and gets the next of `values`; the rows behind it get the same.
// Bit 0 is set, bits past `count` are not, and there are as many values as set bits. Reads up to 64 bytes past the
// list's end (the bytes mean nothing), and writes up to 60 bytes past row `count`. `values` and `out` do not overlap.

void dukkan_fill_forward_integers(const int64_t *values, const uint64_t *start_bits, size_t count, int64_t *out);
void dukkan_fill_forward_codes(const uint32_t *values, const uint64_t *start_bits, size_t count, uint32_t *out);

/// In place values[i] = table[values[i]]; all values are less than `table_count`, which is less than 2^31.
void dukkan_look_up_codes(uint32_t *values, size_t count, const uint32_t *table, size_t table_count);
/// Largest value, 0 for none.
uint32_t dukkan_maximum_code(const uint32_t *values, size_t count);
/// out[i] = (double)in[i] / divisor, for |in[i]| <= 2^51. `out` may be `in`.
void dukkan_divide_to_doubles(const int64_t *in, size_t count, double divisor, double *out);

#ifdef __cplusplus
}
#endif
#endif
