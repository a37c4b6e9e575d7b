#include "dukkan_kernels.h"

void dukkan_split_runs(const int64_t *values, size_t count, int64_t *heads, int64_t *lengths) {
    size_t run = 0, start = 0;
    heads[0] = values[0];
    for (size_t i = 1; i < count; i++) {
        const size_t differs = values[i] != values[i - 1];
        lengths[run] = (int64_t)(i - start - 1);
        run += differs;
        heads[run] = values[i];
        start = differs ? i : start;
    }
    lengths[run] = (int64_t)(count - start - 1);
}
