// Optimizer steps: checks, and tensors that the fused loops cannot use as they are.
#include "apus/optim.h"

#include <math.h>
#include <string.h>

#include "device/device.h"
#include "device/optim.h"
#include "ops/store.h"

enum { MAX_OPERANDS = 5, GRAD = 1 };

/// The tensors of a step: parameter, gradient, then its state; NULL where there is none. `packed` are contiguous, of
/// the dtype that is computed in: the tensors themselves wherever they are so.
typedef struct operands {
    const char *op;
    int32_t count;
    apus_tensor *given[MAX_OPERANDS], *packed[MAX_OPERANDS];
    apus_dtype compute;
} operands;

static apus_status check(const operands *o) {
    static const char *const names[] = {"parameter", "gradient", "state"};
    const apus_tensor *param = o->given[0];
    apus_device device;
    APUS_TRY(apus__same_device(o->op, &device, (const apus_tensor *const *)o->given, o->count));
    if (!apus_dtype_is_floating_point(param->dtype))
        return apus__fail(APUS_STATUS_dtype, "%s: the parameter must be a float, got %s", o->op,
                          apus_dtype_name(param->dtype));
    for (int32_t i = 0; i < o->count; i++) {
        const apus_tensor *t = o->given[i];
        if (t == NULL) continue;
        apus__text want, have;
        bool same = t->rank == param->rank && memcmp(t->shape, param->shape, sizeof(int64_t) * (size_t)t->rank) == 0;
        if (t->dtype != param->dtype || !same)
            return apus__fail(t->dtype != param->dtype ? APUS_STATUS_dtype : APUS_STATUS_shape,
                              "%s: the parameter is %s, but its %s %s", o->op, apus__describe(&want, param),
                              names[i < 2 ? i : 2], apus__describe(&have, t));
        if (i != GRAD) APUS_TRY(apus__check_writable(o->op, t));
    }
    return APUS_STATUS_ok;
}

static apus_status pack(operands *o) {
    o->compute = apus__compute_dtype(o->given[0]->dtype);
    for (int32_t i = 0; i < o->count; i++)
        if (o->given[i] != NULL) APUS_TRY(apus__contiguous_as(&o->packed[i], o->given[i], o->compute));
    return APUS_STATUS_ok;
}

/// Brings what was computed apart back to the caller's tensors and counts the writes.
static apus_status unpack(operands *o) {
    for (int32_t i = 0; i < o->count; i++) {
        if (o->given[i] == NULL || i == GRAD) continue;
        if (o->packed[i] == o->given[i])
            apus__mark_written(o->given[i]);
        else
            APUS_TRY(apus_tensor_copy(o->given[i], o->packed[i]));
    }
    return APUS_STATUS_ok;
}

static void release(operands *o) {
    for (int32_t i = 0; i < o->count; i++) apus_tensor_release(o->packed[i]);
}

static apus_status run(operands *o, const apus__sgd *sgd, const apus__adam *adam) {
    APUS_TRY(check(o));
    apus_status status = pack(o);
    apus_tensor *const *t = o->packed;
    if (status == APUS_STATUS_ok) {
        const apus__optim_table *table = apus__device_of(o->given[0])->optim;
        apus__buffer b[MAX_OPERANDS];
        for (int32_t i = 0; i < MAX_OPERANDS; i++) b[i] = apus__buffer_of(t[i]);
        status = sgd != NULL ? table->sgd(sgd, o->compute, t[0]->numel, b[0], b[1], b[2])
                             : table->adam(adam, o->compute, t[0]->numel, b[0], b[1], b[2], b[3], b[4]);
    }
    if (status == APUS_STATUS_ok) status = unpack(o);
    release(o);
    return status;
}

apus_status apus_sgd_step(apus_tensor *param, const apus_tensor *grad, apus_tensor *momentum,
                          const apus_sgd_options *options) {
    APUS_REQUIRE("sgd_step", param);
    APUS_REQUIRE("sgd_step", grad);
    APUS_TRY(apus__check_options("sgd_step", options, sizeof *options));
    bool moves = options->momentum != 0;
    if (moves) APUS_REQUIRE("sgd_step", momentum);
    if (options->nesterov && (!moves || options->dampening != 0))
        return apus__fail(APUS_STATUS_invalid_argument,
                          "sgd_step: nesterov needs a momentum and no dampening, got %g and %g", options->momentum,
                          options->dampening);
    operands o = {.op = "sgd_step", .count = 3, .given = {param, (apus_tensor *)grad, moves ? momentum : NULL}};
    apus__sgd step = {
        .rate = options->lr,
        .momentum = options->momentum,
        .undampened = 1 - options->dampening,
        .decay = options->weight_decay,
        .nesterov = options->nesterov,
        .maximize = options->maximize,
        .first_step = options->first_step,
    };
    return run(&o, &step, NULL);
}

apus_status apus_adam_step(apus_tensor *param, const apus_tensor *grad, apus_tensor *first, apus_tensor *second,
                           apus_tensor *max_second, const apus_adam_options *options) {
    APUS_REQUIRE("adam_step", param);
    APUS_REQUIRE("adam_step", grad);
    APUS_REQUIRE("adam_step", first);
    APUS_REQUIRE("adam_step", second);
    APUS_TRY(apus__check_options("adam_step", options, sizeof *options));
    if (options->step < 1)
        return apus__fail(APUS_STATUS_invalid_argument, "adam_step: steps count from 1, got %lld",
                          (long long)options->step);
    bool decoupled = options->decoupled;
    double t = (double)options->step;
    apus__adam step = {
        .step_size = options->lr / (1 - pow(options->beta1, t)),
        .root_correction = sqrt(1 - pow(options->beta2, t)),
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .eps = options->eps,
        .decay = decoupled ? 0 : options->weight_decay,
        .shrink = decoupled ? 1 - options->lr * options->weight_decay : 1,
        .maximize = options->maximize,
    };
    operands o = {.op = "adam_step", .count = 5, .given = {param, (apus_tensor *)grad, first, second, max_second}};
    return run(&o, NULL, &step);
}
