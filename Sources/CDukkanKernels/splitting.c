#include "dukkan_kernels.h"

size_t dukkan_split_frequent(const int64_t *values, size_t count, int64_t value, uint8_t *bitmap, int64_t *rest) {
    size_t rest_count = 0;
    for (size_t start = 0; start < count; start += 64) {
        const size_t length = count - start < 64 ? count - start : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < length; i++) {
            const int64_t found = values[start + i];
            const uint64_t differs = found != value;
            word |= differs << i;
            rest[rest_count] = found;
            rest_count += differs;
        }
        for (size_t i = 0; i < (length + 7) / 8; i++) bitmap[start / 8 + i] = (uint8_t)(word >> (8 * i));
    }
    return rest_count;
}

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

size_t dukkan_split_patches(const uint64_t *values, size_t count, uint32_t width, uint64_t *gaps, uint64_t *highs) {
    size_t patch_count = 0, next = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t high = values[i] >> width;
        gaps[patch_count] = i - next;
        highs[patch_count] = high;
        next = high ? i + 1 : next;
        patch_count += high != 0;
    }
    return patch_count;
}
