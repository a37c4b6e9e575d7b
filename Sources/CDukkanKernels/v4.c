#include "vectors.h"

#if defined(__x86_64__)
#pragma clang attribute push(                                                                                          \
    __attribute__((target("arch=x86-64-v4,avx512vbmi,avx512vbmi2,avx512vpopcntdq"))), apply_to = function)

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

void dukkan_put_kernels_v4(struct dukkan_kernels *kernels) {
    kernels->fill_forward_integers = fill_forward_integers;
    kernels->fill_forward_codes = fill_forward_codes;
}

#pragma clang attribute pop
#endif
