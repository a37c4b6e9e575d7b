#ifndef DUKKAN_VECTORS_H
#define DUKKAN_VECTORS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dukkan_kernel_forms.h"
#include "dukkan_kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The forms with "u" at the end may lie at any address and over any type.
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef uint64_t u64x4 __attribute__((vector_size(32)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint64_t u64x8 __attribute__((vector_size(64)));
typedef uint32_t u32x4u __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t u32x8u __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint64_t u64x4u __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint32_t u32x16u __attribute__((vector_size(64), aligned(1), may_alias));
typedef uint64_t u64x8u __attribute__((vector_size(64), aligned(1), may_alias));

/// All ones for 1, zero for 0. Hides from the compiler that it is a mask, or it would make a branch of it.
static inline uint64_t hidden_mask(uint64_t bit) {
    uint64_t mask = 0 - bit;
    __asm__("" : "+r"(mask));
    return mask;
}

static inline uint64_t low_bits(uint32_t width) { return width == 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1; }

/// Byte k is the number of set bits below byte k, so that no group of eight rows waits for the one before.
static inline uint64_t values_below_bytes(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    return ((word + (word >> 4)) & 0x0F0F0F0F0F0F0F0Fu) * 0x0101010101010101u << 8;
}

/// For each set of present rows among four (eight), the place of each row's value; absent rows have the high bit set.
extern uint32_t dukkan_spread_lanes_64[16][8];
extern int8_t dukkan_spread_lanes_32[256][8];
/// For each set of starts among four rows, the place of the latest start up to each row; a row before the first one has
/// the high bit set.
extern uint32_t dukkan_latest_lanes_64[16][8];
/// For each set of starts among four (eight) rows, how many values each row lies behind that of the first row.
extern uint32_t dukkan_fill_lanes_64[16][8];
extern int8_t dukkan_fill_lanes_32[256][8];

#define DUKKAN_KERNEL_TABLE                                                                                            \
    {                                                                                                                  \
        SUFFIXED(unpack_integers), SUFFIXED(unpack_codes), SUFFIXED(scale), SUFFIXED(maximum_code),                    \
            SUFFIXED(divide_to_doubles), SUFFIXED(spread_integers), SUFFIXED(spread_codes),                            \
            SUFFIXED(spread_add_integers), SUFFIXED(customer_values), SUFFIXED(profile), SUFFIXED(count_widths),       \
            SUFFIXED(split_frequent), SUFFIXED(split_patches),                                                         \
            SUFFIXED(look_up_codes), SUFFIXED(fill_forward_integers), SUFFIXED(fill_forward_codes),                    \
            SUFFIXED(count_bits), SUFFIXED(is_ascending), SUFFIXED(unpack_tail_integers), SUFFIXED(unpack_tail_codes), \
            SUFFIXED(select_range), SUFFIXED(select_code), SUFFIXED(select_flags), SUFFIXED(bit_places),               \
            SUFFIXED(running_sums), SUFFIXED(spread_add_codes), SUFFIXED(mark_starts), SUFFIXED(mark_runs),            \
            SUFFIXED(run_values), SUFFIXED(add_predictions)                                                            \
    }

extern const struct dukkan_kernels dukkan_kernels_base;
#if defined(__x86_64__)
extern const struct dukkan_kernels dukkan_kernels_v3;
/// Replace the functions that have a better form with AVX-512.
void dukkan_put_row_kernels_v4(struct dukkan_kernels *kernels);
void dukkan_put_unpacking_v4(struct dukkan_kernels *kernels);
void dukkan_put_selection_v4(struct dukkan_kernels *kernels);
void dukkan_put_encoding_v4(struct dukkan_kernels *kernels);

/// Around functions with AVX-512, which only run where each of these is supported.
#define DUKKAN_V4_TARGET "arch=x86-64-v4,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq"
#define DUKKAN_PRAGMA(text) _Pragma(#text)
#define DUKKAN_V4_PUSH(target_text)                                                                                    \
    DUKKAN_PRAGMA(clang attribute push(__attribute__((target(target_text))), apply_to = function))
#define DUKKAN_V4_BEGIN DUKKAN_V4_PUSH(DUKKAN_V4_TARGET)
#define DUKKAN_V4_END _Pragma("clang attribute pop")
#endif
#endif
