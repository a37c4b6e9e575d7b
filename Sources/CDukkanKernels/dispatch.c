#include "dukkan_kernels.h"
