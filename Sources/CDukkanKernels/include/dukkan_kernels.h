#ifndef DUKKAN_KERNELS_H
#define DUKKAN_KERNELS_H
#include <stddef.h>
#include <stdint.h>
#endif
