#include <string.h>

#include "dukkan_kernels.h"

void dukkan_running_sums(int64_t *values, size_t count, int64_t first) {
    uint64_t sum = (uint64_t)first;
    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)values[i];
        values[i] = (int64_t)sum;
    }
}

void dukkan_mark_starts(const uint32_t *starts, size_t count, uint64_t *words) {
    const uint32_t base = starts[0];
    memset(words, 0, ((starts[count] - base) / 64 + 1) * 8);
    uint32_t current = 0;
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        // The word being filled stays in a register; it is stored each time, because a branch at its end would cost more.
        const uint32_t place = starts[i] - base;
        const uint64_t more = starts[i + 1] > starts[i];
        word = (place >> 6 == current ? word : 0) | more << (place & 63);
        current = place >> 6;
        words[current] = word;
    }
}

void dukkan_mark_runs(const uint32_t *rests, size_t runs, size_t count, uint64_t *words) {
    memset(words, 0, (count + 63) / 64 * 8);
    size_t place = 0, current = 0;
    uint64_t word = 0;
    for (size_t run = 0; run < runs; run++) {
        word = (place >> 6 == current ? word : 0) | (uint64_t)1 << (place & 63);
        current = place >> 6;
        words[current] = word;
        place += (size_t)rests[run] + 1;
    }
}
