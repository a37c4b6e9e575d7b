#include "dukkan_selection.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Rows from `from` on, one by one; also the whole where the processor has nothing better.

static void range_rows(const int64_t *values, size_t from, size_t count, int64_t low, int64_t high, uint64_t *words) {
    const uint64_t base = (uint64_t)low, span = (uint64_t)high - base;
    for (size_t row = from; row < count; row += 64) {
        const size_t end = count - row < 64 ? count - row : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < end; i++) word |= (uint64_t)((uint64_t)values[row + i] - base <= span) << i;
        words[row / 64] = word;
    }
}

static void code_rows(const uint32_t *codes, size_t from, size_t count, uint32_t code, uint64_t *words) {
    for (size_t row = from; row < count; row += 64) {
        const size_t end = count - row < 64 ? count - row : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < end; i++) word |= (uint64_t)(codes[row + i] == code) << i;
        words[row / 64] = word;
    }
}

#if defined(__x86_64__)

// Flipping the highest bit turns the order of unsigned numbers into that of signed ones, which AVX2 compares.
__attribute__((target("avx2"))) static size_t range_avx2(const int64_t *values, size_t count, int64_t low,
                                                          int64_t high, uint64_t *words) {
    const __m256i base = _mm256_set1_epi64x(low);
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN);
    const __m256i span = _mm256_xor_si256(_mm256_set1_epi64x((int64_t)((uint64_t)high - (uint64_t)low)), flip);
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t outside = 0;
        for (int i = 0; i < 16; i++) {
            const __m256i value = _mm256_loadu_si256((const __m256i *)(const void *)(values + row + 4 * i));
            const __m256i distance = _mm256_xor_si256(_mm256_sub_epi64(value, base), flip);
            const __m256i above = _mm256_cmpgt_epi64(distance, span);
            outside |= (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(above)) << (4 * i);
        }
        words[row / 64] = ~outside;
    }
    return row;
}

__attribute__((target("avx2"))) static size_t code_avx2(const uint32_t *codes, size_t count, uint32_t code,
                                                         uint64_t *words) {
    const __m256i wanted = _mm256_set1_epi32((int32_t)code);
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++) {
            const __m256i value = _mm256_loadu_si256((const __m256i *)(const void *)(codes + row + 8 * i));
            const __m256i equal = _mm256_cmpeq_epi32(value, wanted);
            word |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) << (8 * i);
        }
        words[row / 64] = word;
    }
    return row;
}

static int has_avx2;

__attribute__((constructor)) static void look_at_processor(void) {
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2") != 0;
}

#endif

void dukkan_select_range(const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words) {
    size_t from = 0;
#if defined(__x86_64__)
    if (has_avx2) from = range_avx2(values, count, low, high, words);
#endif
    range_rows(values, from, count, low, high, words);
}

void dukkan_select_code(const uint32_t *codes, size_t count, uint32_t code, uint64_t *words) {
    size_t from = 0;
#if defined(__x86_64__)
    if (has_avx2) from = code_avx2(codes, count, code, words);
#endif
    code_rows(codes, from, count, code, words);
}

void dukkan_select_flags(const uint32_t *codes, size_t count, const uint8_t *flags, uint64_t *words) {
    for (size_t row = 0; row < count; row += 64) {
        const size_t end = count - row < 64 ? count - row : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < end; i++) word |= (uint64_t)flags[codes[row + i]] << i;
        words[row / 64] = word;
    }
}
