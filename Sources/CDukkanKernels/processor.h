#ifndef DUKKAN_PROCESSOR_H
#define DUKKAN_PROCESSOR_H

#if defined(__x86_64__)

/// Which forms of the kernels this machine can run: 0 portable ones, 1 those for AVX2 and BMI (x86-64-v3), 2 those for
/// AVX-512 with the instructions on bytes and on bits that go with it since 2019.
static inline int processor_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("x86-64-v3")) return 0;
    return __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vbmi") &&
                   __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vpopcntdq") &&
                   __builtin_cpu_supports("vpclmulqdq")
               ? 2
               : 1;
}

#endif
#endif
