#ifndef DUKKAN_VECTORS_H
#define DUKKAN_VECTORS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dukkan_kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The forms with "u" at the end may lie at any address and over any type.
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef uint64_t u64x4 __attribute__((vector_size(32)));
typedef uint32_t u32x4u __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t u32x8u __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint64_t u64x4u __attribute__((vector_size(32), aligned(1), may_alias));

/// All ones for 1, zero for 0. Hides from the compiler that it is a mask, or it would make a branch of it.
static inline uint64_t hidden_mask(uint64_t bit) {
    uint64_t mask = 0 - bit;
    __asm__("" : "+r"(mask));
    return mask;
}

/// The functions that have more than one form.
struct dukkan_kernels {
    void (*unpack_integers)(const uint8_t *, uint32_t, uint64_t, int64_t *);
    void (*unpack_codes)(const uint8_t *, uint32_t, uint32_t, uint32_t *);
    void (*scale)(int64_t *, size_t, uint64_t, uint64_t);
    uint32_t (*maximum_code)(const uint32_t *, size_t);
    void (*divide_to_doubles)(const int64_t *, size_t, double, double *);
    void (*spread_integers)(const int64_t *, const uint64_t *, size_t, int64_t, int64_t *);
    void (*spread_codes)(const uint32_t *, const uint64_t *, size_t, uint32_t, uint32_t *);
    void (*spread_add_integers)(const int64_t *, const uint64_t *, size_t, uint32_t, int64_t *);
    void (*customer_sums)(const int64_t *, const int64_t *, const uint32_t *, size_t, int64_t *);
    void (*profile)(const int64_t *, size_t, struct dukkan_profile *);
    int64_t (*count_widths)(const int64_t *, size_t, uint32_t *);
    void (*look_up_codes)(uint32_t *, size_t, const uint32_t *, size_t);
};

/// For each set of present rows among four (eight), the place of each row's value; absent rows have the high bit set.
extern uint32_t dukkan_spread_lanes_64[16][8];
extern int8_t dukkan_spread_lanes_32[256][8];

#define DUKKAN_KERNEL_TABLE                                                                                            \
    {                                                                                                                  \
        SUFFIXED(unpack_integers), SUFFIXED(unpack_codes), SUFFIXED(scale), SUFFIXED(maximum_code),                    \
            SUFFIXED(divide_to_doubles), SUFFIXED(spread_integers), SUFFIXED(spread_codes),                            \
            SUFFIXED(spread_add_integers), SUFFIXED(customer_sums), SUFFIXED(profile), SUFFIXED(count_widths),         \
            SUFFIXED(look_up_codes)                                                                                    \
    }

extern const struct dukkan_kernels dukkan_kernels_base;
#if defined(__x86_64__)
extern const struct dukkan_kernels dukkan_kernels_v3;
#endif
#endif
