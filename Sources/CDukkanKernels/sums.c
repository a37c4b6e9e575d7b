#include "dukkan_kernels.h"

void dukkan_running_sums(int64_t *values, size_t count, int64_t first) {
    uint64_t sum = (uint64_t)first;
    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)values[i];
        values[i] = (int64_t)sum;
    }
}

void dukkan_scaled_running_sums(int64_t *values, size_t count, uint64_t multiplier) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)values[i] * multiplier;
        values[i] = (int64_t)sum;
    }
}
