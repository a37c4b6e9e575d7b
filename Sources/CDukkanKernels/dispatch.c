#include "dukkan_kernels.h"
#include "processor.h"
#include "dukkan_selection.h"
#include "vectors.h"

static struct dukkan_kernels forms[3];
static const struct dukkan_kernels *kernels = &dukkan_kernels_base;
static int best_level;

uint32_t dukkan_spread_lanes_64[16][8];
int8_t dukkan_spread_lanes_32[256][8];
uint32_t dukkan_latest_lanes_64[16][8];
uint32_t dukkan_fill_lanes_64[16][8];
int8_t dukkan_fill_lanes_32[256][8];

static void fill_spread_lanes(void) {
    for (uint32_t set = 0; set < 256; set++) {
        uint32_t place = 0;
        for (uint32_t row = 0; row < 8; row++) {
            const uint32_t present = set >> row & 1;
            dukkan_spread_lanes_32[set][row] = present ? (int8_t)place : -1;
            if (set < 16 && row < 4) {
                dukkan_spread_lanes_64[set][2 * row] = present ? 2 * place : 0x80000000u;
                dukkan_spread_lanes_64[set][2 * row + 1] = present ? 2 * place + 1 : 0x80000000u;
            }
            place += present;
        }
    }
}

static void fill_run_lanes(void) {
    for (uint32_t set = 0; set < 256; set++) {
        uint32_t place = 0, latest = 0x80000000u;
        for (uint32_t row = 0; row < 8; row++) {
            if (row > 0) place += set >> row & 1;
            dukkan_fill_lanes_32[set][row] = (int8_t)place;
            if (set < 16 && row < 4) {
                dukkan_fill_lanes_64[set][2 * row] = 2 * place;
                dukkan_fill_lanes_64[set][2 * row + 1] = 2 * place + 1;
                if (set >> row & 1) latest = 2 * row;
                dukkan_latest_lanes_64[set][2 * row] = latest;
                dukkan_latest_lanes_64[set][2 * row + 1] = latest + 1;
            }
        }
    }
}

__attribute__((constructor)) static void choose_kernels(void) {
    fill_spread_lanes();
    fill_run_lanes();
    forms[0] = dukkan_kernels_base;
#if defined(__x86_64__)
    best_level = processor_level();
    if (best_level >= 1) forms[1] = dukkan_kernels_v3;
    if (best_level >= 2) {
        forms[2] = dukkan_kernels_v3;
        dukkan_put_row_kernels_v4(&forms[2]);
        dukkan_put_unpacking_v4(&forms[2]);
        dukkan_put_selection_v4(&forms[2]);
        dukkan_put_encoding_v4(&forms[2]);
    }
#endif
    kernels = &forms[best_level];
}

const struct dukkan_kernels *dukkan_kernels_of_level(int level) {
    return level >= 0 && level <= best_level ? &forms[level] : 0;
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

size_t dukkan_count_bits(const uint64_t *words, size_t count) { return kernels->count_bits(words, count); }

bool dukkan_is_ascending(const int64_t *values, size_t count) { return kernels->is_ascending(values, count); }

uint32_t dukkan_maximum_code(const uint32_t *values, size_t count) { return kernels->maximum_code(values, count); }

void dukkan_divide_to_doubles(const int64_t *in, size_t count, double divisor, double *out) {
    kernels->divide_to_doubles(in, count, divisor, out);
}

void dukkan_spread_integers(const int64_t *in, const uint64_t *bits, size_t count, int64_t absent, int64_t *out) {
    kernels->spread_integers(in, bits, count, absent, out);
}

void dukkan_spread_codes(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t absent, uint32_t *out) {
    kernels->spread_codes(in, bits, count, absent, out);
}

void dukkan_spread_add_integers(const int64_t *in, const uint64_t *bits, size_t count, uint32_t shift, int64_t *out) {
    kernels->spread_add_integers(in, bits, count, shift, out);
}

void dukkan_add_predictions(const int64_t *times, size_t count, const struct dukkan_knots *model, int64_t sign,
                            int64_t *values) {
    kernels->add_predictions(times, count, model, sign, values);
}

void dukkan_customer_values(const int64_t *differences, const int64_t *firsts, const uint64_t *start_bits, size_t count,
                            uint64_t multiplier, int64_t *out) {
    kernels->customer_values(differences, firsts, start_bits, count, multiplier, out);
}

void dukkan_run_values(const uint32_t *differences, const int64_t *firsts, const uint64_t *start_bits, size_t count,
                       uint32_t multiplier, int64_t *out) {
    kernels->run_values(differences, firsts, start_bits, count, multiplier, out);
}

void dukkan_profile_integers(const int64_t *values, size_t count, struct dukkan_profile *profile) {
    kernels->profile(values, count, profile);
}

size_t dukkan_split_frequent(const int64_t *values, size_t count, int64_t value, uint8_t *bitmap, int64_t *rest) {
    return kernels->split_frequent(values, count, value, bitmap, rest);
}

size_t dukkan_split_patches(const uint64_t *values, size_t count, uint32_t width, uint64_t *gaps, uint64_t *highs) {
    return kernels->split_patches(values, count, width, gaps, highs);
}

int64_t dukkan_count_widths(const int64_t *values, size_t count, uint32_t *counts) {
    return kernels->count_widths(values, count, counts);
}

void dukkan_look_up_codes(uint32_t *values, size_t count, const uint32_t *table, size_t table_count) {
    kernels->look_up_codes(values, count, table, table_count);
}

void dukkan_fill_forward_integers(const int64_t *values, const uint64_t *start_bits, size_t count, int64_t *out) {
    kernels->fill_forward_integers(values, start_bits, count, out);
}

void dukkan_fill_forward_codes(const uint32_t *values, const uint64_t *start_bits, size_t count, uint32_t *out) {
    kernels->fill_forward_codes(values, start_bits, count, out);
}

void dukkan_unpack_tail_integers(const uint8_t *in, size_t count, uint32_t width, uint64_t reference, int64_t *out) {
    kernels->unpack_tail_integers(in, count, width, reference, out);
}

void dukkan_unpack_tail_codes(const uint8_t *in, size_t count, uint32_t width, uint32_t reference, uint32_t *out) {
    kernels->unpack_tail_codes(in, count, width, reference, out);
}

void dukkan_select_range(const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words) {
    kernels->select_range(values, count, low, high, words);
}

void dukkan_select_code(const uint32_t *codes, size_t count, uint32_t code, uint64_t *words) {
    kernels->select_code(codes, count, code, words);
}

void dukkan_select_flags(const uint32_t *codes, size_t count, const uint8_t *flags, size_t flag_count,
                         uint64_t *words) {
    kernels->select_flags(codes, count, flags, flag_count, words);
}

size_t dukkan_bit_places(const uint64_t *words, size_t word_count, uint32_t *places) {
    return kernels->bit_places(words, word_count, places);
}

void dukkan_running_sums(int64_t *values, size_t count, int64_t first) { kernels->running_sums(values, count, first); }

void dukkan_spread_add_codes(const int64_t *in, const uint64_t *bits, size_t count, uint32_t shift, uint32_t *out) {
    kernels->spread_add_codes(in, bits, count, shift, out);
}

void dukkan_mark_starts(const uint32_t *starts, size_t count, uint64_t *words) {
    kernels->mark_starts(starts, count, words);
}

bool dukkan_mark_runs(const uint32_t *rests, size_t runs, size_t count, uint64_t *words) {
    return kernels->mark_runs(rests, runs, count, words);
}
