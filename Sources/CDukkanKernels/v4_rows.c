#include "vectors.h"

#if defined(__x86_64__)
DUKKAN_V4_BEGIN

#define DUKKAN_AVX512 1
#define SUFFIXED(name) name##_v4
#include "bits.inc"
#include "marks.inc"
#include "predictions.inc"

/// Loads into a register: VPEXPAND from memory takes several times as long as from a register.
static inline __m512i load_register(const void *from) {
    __m512i values = _mm512_loadu_si512(from);
    __asm__("" : "+v"(values));
    return values;
}

// How many values a row lies behind that of its group's first row: the starts among the rows 1 to its own.

static void fill_forward_codes(const uint32_t *values, const uint64_t *bits, size_t count, uint32_t *out) {
    const __m512i rows_so_far = _mm512_set_epi32(0xFFFE, 0x7FFE, 0x3FFE, 0x1FFE, 0xFFE, 0x7FE, 0x3FE, 0x1FE, 0xFE, 0x7E,
                                                 0x3E, 0x1E, 0xE, 0x6, 0x2, 0);
    values--;
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 16, word >>= 16) {
            const __m512i set = _mm512_set1_epi32((int)(word & 0xFFFF));
            const __m512i lanes = _mm512_popcnt_epi32(_mm512_and_si512(set, rows_so_far));
            const __m512i dense = _mm512_loadu_si512(values + (word & 1));
            _mm512_storeu_si512(out + row + i, _mm512_permutexvar_epi32(lanes, dense));
            values += __builtin_popcountll(word & 0xFFFF);
        }
    }
}

static void fill_forward_integers(const int64_t *values, const uint64_t *bits, size_t count, int64_t *out) {
    const __m512i rows_so_far = _mm512_set_epi64(0xFE, 0x7E, 0x3E, 0x1E, 0xE, 0x6, 0x2, 0);
    values--;
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 8, word >>= 8) {
            const __m512i set = _mm512_set1_epi64((int64_t)(word & 0xFF));
            const __m512i lanes = _mm512_popcnt_epi64(_mm512_and_si512(set, rows_so_far));
            const __m512i dense = _mm512_loadu_si512(values + (word & 1));
            _mm512_storeu_si512(out + row + i, _mm512_permutexvar_epi64(lanes, dense));
            values += __builtin_popcountll(word & 0xFF);
        }
    }
}

// Spreading: VPEXPAND puts the next values into the lanes whose bit is set.

static void spread_integers(const int64_t *in, const uint64_t *bits, size_t count, int64_t absent, int64_t *out) {
    const __m512i absents = _mm512_set1_epi64(absent);
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 8, word >>= 8) {
            const __m512i dense = load_register(in);
            _mm512_storeu_si512(out + row + i, _mm512_mask_expand_epi64(absents, (__mmask8)word, dense));
            in += __builtin_popcountll(word & 0xFF);
        }
    }
}

static void spread_codes(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t absent, uint32_t *out) {
    const __m512i absents = _mm512_set1_epi32((int)absent);
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 16, word >>= 16) {
            const __m512i dense = load_register(in);
            _mm512_storeu_si512(out + row + i, _mm512_mask_expand_epi32(absents, (__mmask16)word, dense));
            in += __builtin_popcountll(word & 0xFFFF);
        }
    }
}

static void spread_add_integers(const int64_t *in, const uint64_t *bits, size_t count, uint32_t shift, int64_t *out) {
    const __m128i shifts = _mm_cvtsi32_si128((int)shift);
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 8, word >>= 8) {
            const __m512i present = _mm512_maskz_expand_epi64((__mmask8)word, load_register(in));
            int64_t *to = out + row + i;
            _mm512_storeu_si512(to, _mm512_add_epi64(_mm512_loadu_si512(to), _mm512_sll_epi64(present, shifts)));
            in += __builtin_popcountll(word & 0xFF);
        }
    }
}

/// Running sums of eight lanes.
static inline __m512i running_sums_of_8(__m512i values) {
    const __m512i zero = _mm512_setzero_si512();
    values = _mm512_add_epi64(values, _mm512_alignr_epi64(values, zero, 7));
    values = _mm512_add_epi64(values, _mm512_alignr_epi64(values, zero, 6));
    return _mm512_add_epi64(values, _mm512_alignr_epi64(values, zero, 4));
}

static void spread_add_codes(const int64_t *in, const uint64_t *bits, size_t count, uint32_t shift, uint32_t *out) {
    const __m128i shifts = _mm_cvtsi32_si128((int)shift);
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 8, word >>= 8) {
            const __m512i present = _mm512_maskz_expand_epi64((__mmask8)word, load_register(in));
            const __m256i added = _mm512_cvtepi64_epi32(_mm512_sll_epi64(present, shifts));
            __m256i *to = (__m256i *)(out + row + i);
            _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), added));
            in += __builtin_popcountll(word & 0xFF);
        }
    }
}

// Eight rows at a time: the running sums of the group's differences, plus a base: that of a row behind the group's first
// start is its customer's first value less the sum at her start, that of the rows before is the group before's last value.
static void customer_values(const int64_t *differences, const int64_t *firsts, const uint64_t *start_bits, size_t count,
                            uint64_t multiplier, int64_t *out) {
    const __m512i rows_so_far = _mm512_set_epi64(0xFF, 0x7F, 0x3F, 0x1F, 0xF, 0x7, 0x3, 0x1);
    const __m512i factors = _mm512_set1_epi64((int64_t)multiplier);
    const __m512i ones = _mm512_set1_epi64(1);
    __m512i previous = _mm512_setzero_si512();
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = start_bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 8, word >>= 8) {
            const __mmask8 starts = (__mmask8)word;
            const int start_count = __builtin_popcountll(word & 0xFF);
            __m512i sums = _mm512_maskz_expand_epi64((__mmask8)~word, load_register(differences));
            sums = running_sums_of_8(_mm512_mullo_epi64(sums, factors));
            const __m512i bases =
                _mm512_sub_epi64(_mm512_loadu_si512(firsts), _mm512_maskz_compress_epi64(starts, sums));
            // Lane 15, which a row before the group's first start asks for, is the last of `previous`.
            const __m512i set = _mm512_set1_epi64((int64_t)(word & 0xFF));
            const __m512i lanes = _mm512_sub_epi64(_mm512_popcnt_epi64(_mm512_and_si512(set, rows_so_far)), ones);
            previous = _mm512_add_epi64(sums, _mm512_permutex2var_epi64(bases, lanes, previous));
            _mm512_storeu_si512(out + row + i, previous);
            firsts += start_count;
            differences += 8 - start_count;
        }
    }
}

/// Running sums of sixteen lanes.
static inline __m512i running_sums_of_16(__m512i values) {
    const __m512i zero = _mm512_setzero_si512();
    values = _mm512_add_epi32(values, _mm512_alignr_epi32(values, zero, 15));
    values = _mm512_add_epi32(values, _mm512_alignr_epi32(values, zero, 14));
    values = _mm512_add_epi32(values, _mm512_alignr_epi32(values, zero, 12));
    return _mm512_add_epi32(values, _mm512_alignr_epi32(values, zero, 8));
}

/// Eight rows' first values of their runs; `firsts` points to that of the run before the first row.
static inline __m512i firsts_of_8(const int64_t *firsts, uint64_t starts) {
    const __m512i rows_so_far = _mm512_set_epi64(0xFE, 0x7E, 0x3E, 0x1E, 0xE, 0x6, 0x2, 0);
    const __m512i set = _mm512_set1_epi64((int64_t)(starts & 0xFF));
    const __m512i lanes = _mm512_popcnt_epi64(_mm512_and_si512(set, rows_so_far));
    return _mm512_permutexvar_epi64(lanes, _mm512_loadu_si512(firsts + (starts & 1)));
}

// Sixteen rows at a time: the running sums of the group's differences, less the sum at the run's start; rows of a run that
// was begun before add what its last row had.
static void run_values(const uint32_t *differences, const int64_t *firsts, const uint64_t *start_bits, size_t count,
                       uint32_t multiplier, int64_t *out) {
    const __m512i rows_so_far = _mm512_set_epi32(0xFFFF, 0x7FFF, 0x3FFF, 0x1FFF, 0xFFF, 0x7FF, 0x3FF, 0x1FF, 0xFF, 0x7F,
                                                 0x3F, 0x1F, 0xF, 0x7, 0x3, 0x1);
    const __m512i factors = _mm512_set1_epi64((int64_t)(uint64_t)multiplier);
    const __m512i ones = _mm512_set1_epi32(1), last_lane = _mm512_set1_epi32(15);
    __m512i carried = _mm512_setzero_si512();
    firsts--;
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = start_bits[row >> 6];
        const size_t rows = count - row < 64 ? count - row : 64;
        for (size_t i = 0; i < rows; i += 16, word >>= 16) {
            const __mmask16 starts = (__mmask16)word;
            const __m512i own = _mm512_maskz_expand_epi32((__mmask16)~starts, load_register(differences));
            const __m512i sums = running_sums_of_16(own);
            const __m512i set = _mm512_set1_epi32((int)(word & 0xFFFF));
            const __m512i runs = _mm512_popcnt_epi32(_mm512_and_si512(set, rows_so_far));
            const __mmask16 is_begun = _mm512_test_epi32_mask(runs, runs);
            const __m512i at_starts = _mm512_maskz_compress_epi32(starts, sums);
            const __m512i before = _mm512_permutexvar_epi32(_mm512_sub_epi32(runs, ones), at_starts);
            const __m512i offsets =
                _mm512_mask_sub_epi32(_mm512_add_epi32(sums, carried), is_begun, sums, before);
            carried = _mm512_permutexvar_epi32(last_lane, offsets);
            const int low_count = __builtin_popcountll(word & 0xFF);
            const __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(offsets));
            const __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(offsets, 1));
            int64_t *to = out + row + i;
            _mm512_storeu_si512(to, _mm512_add_epi64(_mm512_mul_epu32(low, factors), firsts_of_8(firsts, word)));
            if (rows - i > 8) {
                _mm512_storeu_si512(to + 8, _mm512_add_epi64(_mm512_mul_epu32(high, factors),
                                                             firsts_of_8(firsts + low_count, word >> 8)));
            }
            const int start_count = __builtin_popcountll(word & 0xFFFF);
            firsts += start_count;
            differences += 16 - start_count;
        }
    }
}

// The sums before a group are added to all its lanes at once, so that one addition a group waits for the one before.
static void running_sums(int64_t *values, size_t count, int64_t first) {
    const __m512i sevens = _mm512_set1_epi64(7);
    __m512i before = _mm512_set1_epi64(first);
    for (size_t i = 0; i < count; i += 8) {
        const __mmask8 lanes = (__mmask8)(count - i >= 8 ? 0xFF : (1u << (count - i)) - 1);
        const __m512i sums = running_sums_of_8(_mm512_maskz_loadu_epi64(lanes, values + i));
        _mm512_mask_storeu_epi64(values + i, lanes, _mm512_add_epi64(sums, before));
        before = _mm512_add_epi64(before, _mm512_permutexvar_epi64(sevens, sums));
    }
}

void dukkan_put_row_kernels_v4(struct dukkan_kernels *kernels) {
    kernels->fill_forward_integers = fill_forward_integers;
    kernels->fill_forward_codes = fill_forward_codes;
    kernels->spread_integers = spread_integers;
    kernels->spread_codes = spread_codes;
    kernels->spread_add_integers = spread_add_integers;
    kernels->spread_add_codes = spread_add_codes;
    kernels->customer_values = customer_values;
    kernels->run_values = run_values;
    kernels->running_sums = running_sums;
    kernels->count_bits = count_bits_v4;
    kernels->mark_starts = mark_starts_v4;
    kernels->add_predictions = add_predictions_v4;
    kernels->mark_runs = mark_runs_v4;
}

DUKKAN_V4_END
#endif
