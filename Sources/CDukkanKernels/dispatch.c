#include "dukkan_kernels.h"
#include "vectors.h"

static const struct dukkan_kernels *kernels = &dukkan_kernels_base;

__attribute__((constructor)) static void choose_kernels(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v3")) kernels = &dukkan_kernels_v3;
#endif
}

void dukkan_unpack_integers(const uint8_t *in, uint32_t width, uint64_t reference, int64_t *out) {
    kernels->unpack_integers(in, width, reference, out);
}

void dukkan_unpack_codes(const uint8_t *in, uint32_t width, uint32_t reference, uint32_t *out) {
    kernels->unpack_codes(in, width, reference, out);
}

void dukkan_scale(int64_t *values, size_t count, uint64_t multiplier, uint64_t addend) {
    kernels->scale(values, count, multiplier, addend);
}

uint32_t dukkan_maximum_code(const uint32_t *values, size_t count) { return kernels->maximum_code(values, count); }

void dukkan_divide_to_doubles(const int64_t *in, size_t count, double divisor, double *out) {
    kernels->divide_to_doubles(in, count, divisor, out);
}
