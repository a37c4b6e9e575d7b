#include "tail.h"
#include "vectors.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define DUKKAN_AVX2 1
#define SUFFIXED(name) name##_v3
#include "kernels.inc"
#pragma clang attribute pop

const struct dukkan_kernels dukkan_kernels_v3 = DUKKAN_KERNEL_TABLE;
#endif
