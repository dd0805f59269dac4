// Two tensors, their sum, and what went wrong when their shapes do not fit.
#include <apus/apus.h>
#include <stdio.h>

int main(void) {
    const int64_t shape[] = {2, 3}, other[] = {4};
    const apus_scalar one_and_a_half = {.kind = APUS_SCALAR_float, .real = 1.5};
    const apus_scalar two = {.kind = APUS_SCALAR_float, .real = 2};
    apus_tensor *a = NULL, *b = NULL, *c = NULL, *sum = NULL;
    apus_status status = apus_tensor_full(&a, APUS_DTYPE_float32, 2, shape, &one_and_a_half, APUS_DEVICE_CPU);
    if (status == APUS_STATUS_ok) status = apus_tensor_full(&b, APUS_DTYPE_float32, 2, shape, &two, APUS_DEVICE_CPU);
    if (status == APUS_STATUS_ok) status = apus_binary(&sum, APUS_BINARY_add, a, b);
    char text[256];
    if (status == APUS_STATUS_ok) status = apus_tensor_format(sum, NULL, text, sizeof text, NULL);
    if (status != APUS_STATUS_ok) {
        fprintf(stderr, "%s\n", apus_last_error());
        return 1;
    }
    puts(text);

    if (apus_tensor_full(&c, APUS_DTYPE_float32, 1, other, &two, APUS_DEVICE_CPU) != APUS_STATUS_ok) return 1;
    apus_tensor *none = NULL;
    if (apus_binary(&none, APUS_BINARY_add, a, c) != APUS_STATUS_ok) puts(apus_last_error());
    apus_tensor_release(a);
    apus_tensor_release(b);
    apus_tensor_release(c);
    apus_tensor_release(sum);
    return 0;
}
