// A libFuzzer target for the reader READER; scripts/test fuzz builds and runs one for each.
#include <stdlib.h>

#include "hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)hostile_read(READER, data, size);
    apus_memory_stats stats;
    if (apus_cpu_memory_stats(&stats) == APUS_STATUS_ok && stats.count != 0) abort(); // something leaked
    return 0;
}
