#ifndef DUKKAN_VECTORS_H
#define DUKKAN_VECTORS_H
#include <stddef.h>
#include <stdint.h>

// The forms with "u" at the end may lie at any address and over any type.
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef uint64_t u64x4 __attribute__((vector_size(32)));
typedef uint32_t u32x4u __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t u32x8u __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint64_t u64x4u __attribute__((vector_size(32), aligned(1), may_alias));

/// The functions that have more than one form.
struct dukkan_kernels {
    void (*unpack_integers)(const uint8_t *, uint32_t, uint64_t, int64_t *);
    void (*unpack_codes)(const uint8_t *, uint32_t, uint32_t, uint32_t *);
    void (*scale)(int64_t *, size_t, uint64_t, uint64_t);
    uint32_t (*maximum_code)(const uint32_t *, size_t);
    void (*divide_to_doubles)(const int64_t *, size_t, double, double *);
};

#define DUKKAN_KERNEL_TABLE                                                                                            \
    {                                                                                                                  \
        SUFFIXED(unpack_integers), SUFFIXED(unpack_codes), SUFFIXED(scale), SUFFIXED(maximum_code),                    \
            SUFFIXED(divide_to_doubles)                                                                                \
    }

extern const struct dukkan_kernels dukkan_kernels_base;
#if defined(__x86_64__)
extern const struct dukkan_kernels dukkan_kernels_v3;
#endif
#endif
