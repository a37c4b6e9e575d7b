#include "tail.h"
#include "vectors.h"

#define SUFFIXED(name) name##_base
#include "kernels.inc"

const struct dukkan_kernels dukkan_kernels_base = DUKKAN_KERNEL_TABLE;
