#include "dukkan_kernels.h"

void dukkan_customer_sums(const int64_t *deltas, const int64_t *firsts, const uint32_t *starts, size_t customers,
                          uint64_t multiplier, int64_t *out) {
    for (size_t c = 0; c < customers; c++) {
        const uint32_t end = starts[c + 1];
        uint64_t sum = (uint64_t)firsts[c];
        uint32_t row = starts[c];
        out[row++] = (int64_t)sum;
        for (; row < end; row++) {
            sum += (uint64_t)*deltas++ * multiplier;
            out[row] = (int64_t)sum;
        }
    }
}

void dukkan_running_sums(int64_t *values, size_t count, int64_t first) {
    uint64_t sum = (uint64_t)first;
    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)values[i];
        values[i] = (int64_t)sum;
    }
}
