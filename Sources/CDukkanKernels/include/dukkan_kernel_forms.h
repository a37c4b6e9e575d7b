#ifndef DUKKAN_KERNEL_FORMS_H
#define DUKKAN_KERNEL_FORMS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The forms of each kernel, so that tests can compare them; everybody else calls the functions of dukkan_kernels.h.

struct dukkan_profile;
struct dukkan_knots;

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
    void (*customer_values)(const int64_t *, const int64_t *, const uint64_t *, size_t, uint64_t, int64_t *);
    void (*profile)(const int64_t *, size_t, struct dukkan_profile *);
    int64_t (*count_widths)(const int64_t *, size_t, uint32_t *);
    size_t (*split_frequent)(const int64_t *, size_t, int64_t, uint8_t *, int64_t *);
    size_t (*split_patches)(const uint64_t *, size_t, uint32_t, uint64_t *, uint64_t *);
    void (*look_up_codes)(uint32_t *, size_t, const uint32_t *, size_t);
    void (*fill_forward_integers)(const int64_t *, const uint64_t *, size_t, int64_t *);
    void (*fill_forward_codes)(const uint32_t *, const uint64_t *, size_t, uint32_t *);
    size_t (*count_bits)(const uint64_t *, size_t);
    bool (*is_ascending)(const int64_t *, size_t);
    void (*unpack_tail_integers)(const uint8_t *, size_t, uint32_t, uint64_t, int64_t *);
    void (*unpack_tail_codes)(const uint8_t *, size_t, uint32_t, uint32_t, uint32_t *);
    void (*select_range)(const int64_t *, size_t, int64_t, int64_t, uint64_t *);
    void (*select_code)(const uint32_t *, size_t, uint32_t, uint64_t *);
    void (*select_flags)(const uint32_t *, size_t, const uint8_t *, size_t, uint64_t *);
    size_t (*bit_places)(const uint64_t *, size_t, uint32_t *);
    void (*running_sums)(int64_t *, size_t, int64_t);
    void (*spread_add_codes)(const int64_t *, const uint64_t *, size_t, uint32_t, uint32_t *);
    void (*mark_starts)(const uint32_t *, size_t, uint64_t *);
    bool (*mark_runs)(const uint32_t *, size_t, size_t, uint64_t *);
    void (*run_values)(const uint32_t *, const int64_t *, const uint64_t *, size_t, uint32_t, int64_t *);
    void (*add_predictions)(const int64_t *, size_t, const struct dukkan_knots *, int64_t, int64_t *);
};

/// 0: portable, 1: AVX2 (x86-64-v3), 2: AVX-512. Null where this machine does not have the instructions.
const struct dukkan_kernels *dukkan_kernels_of_level(int level);

#endif
