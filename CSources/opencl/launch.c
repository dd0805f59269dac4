#include "opencl/launch.h"

#include "opencl/opencl.h"
#include "opencl/program.h"

static cl_int set_memory(cl_kernel kernel, cl_uint place, const apus_storage *storage) {
    cl_mem memory = storage == NULL ? NULL : storage->data;
    return apus__cl()->SetKernelArg(kernel, place, sizeof memory, &memory);
}

static cl_int set_buffer(cl_kernel kernel, cl_uint place, apus__buffer buffer) {
    cl_long offset = buffer.offset;
    cl_int code = set_memory(kernel, place, buffer.storage);
    return code != CL_SUCCESS ? code : apus__cl()->SetKernelArg(kernel, place + 1, sizeof offset, &offset);
}

static apus_status set_arguments(cl_kernel kernel, const apus__cl_launch *l) {
    const apus__cl_api *cl = apus__cl();
    cl_uint place = 0;
    for (int32_t i = 0; i < l->argument_count; i++) {
        const apus__cl_argument *a = &l->arguments[i];
        cl_int code = CL_SUCCESS;
        switch (a->kind) {
        case APUS__CL_BUFFER: code = set_buffer(kernel, place++, a->value.buffer); break;
        case APUS__CL_MEMORY: code = set_memory(kernel, place, a->value.buffer.storage); break;
        case APUS__CL_VALUE: code = cl->SetKernelArg(kernel, place, a->bytes, &a->value); break;
        case APUS__CL_POINTER: code = cl->SetKernelArg(kernel, place, a->bytes, a->value.pointer); break;
        case APUS__CL_SHARED: code = cl->SetKernelArg(kernel, place, a->bytes, NULL); break;
        }
        if (code != CL_SUCCESS)
            return apus__fail(APUS_STATUS_backend, "opencl: argument %u of kernel '%s' is refused: %s", place,
                              l->kernel, apus__cl_error_name(code));
        place++;
    }
    return APUS_STATUS_ok;
}

static apus_status enqueue(apus__cl_device *d, const apus__cl_launch *l) {
    const apus__cl_api *cl = apus__cl();
    cl_kernel kernel;
    bool is_new;
    APUS_TRY(apus__cl_find_kernel(d, l, &kernel, &is_new));
    APUS_TRY(set_arguments(kernel, l));
    cl_uint dims = l->items[1] == 0 ? 1 : 2;
    bool cpu = d->info.kernel_class == APUS_OPENCL_CLASS_cpu;
    int64_t usual = cpu ? APUS__CL_LOCAL_CPU : APUS__CL_LOCAL_GPU;
    size_t local[2], global[2];
    for (int i = 0; i < 2; i++) {
        local[i] = (size_t)(l->local[i] != 0 ? l->local[i] : i == 0 && l->local[1] == 0 ? usual : 1);
        global[i] = ((size_t)l->items[i] + local[i] - 1) / local[i] * local[i];
    }
    cl_int code = cl->EnqueueNDRangeKernel(d->queue, kernel, dims, NULL, global, local, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return apus__fail(apus__cl_is_memory_error(code) ? APUS_STATUS_out_of_memory : APUS_STATUS_backend,
                          "opencl: kernel '%s' does not start on opencl:%d: %s", l->kernel, d->index,
                          apus__cl_error_name(code));
    apus__cl_enqueued(d);
    // A driver for CPUs compiles a kernel when it first runs, and crashes when the process ends meanwhile.
    if (is_new && d->info.is_cpu) (void)cl->Finish(d->queue);
    return APUS_STATUS_ok;
}

apus_status apus__cl_check_dtype(const apus_storage *storage, const char *what, apus_dtype dtype) {
    if (apus__opencl.computes(storage, dtype)) return APUS_STATUS_ok;
    const apus__cl_device *d = apus__cl_device_of(storage);
    return apus__fail(APUS_STATUS_dtype, "%s: opencl:%d (%s) does not compute in %s; convert to float32 first", what,
                      d->index, d->info.name, apus_dtype_name(dtype));
}

apus_status apus__cl_run(const apus__cl_launch *l) {
    if (l->items[0] == 0) return APUS_STATUS_ok;
    APUS_TRY(apus__cl_check_fork());
    APUS_TRY(apus__cl_check_dtype(l->storage, l->kernel, l->dtype));
    apus__cl_device *d = apus__cl_device_of(l->storage);
    pthread_mutex_lock(&d->mutex);
    apus_status status = enqueue(d, l);
    pthread_mutex_unlock(&d->mutex);
    return status;
}

// ---- Copies. The mutex is held while a command is enqueued, not while it is waited for.

apus_status apus__cl_read(const apus_storage *storage, size_t offset, void *host, size_t bytes) {
    if (bytes == 0) return APUS_STATUS_ok;
    APUS_TRY(apus__cl_check_fork());
    apus__cl_device *d = apus__cl_device_of(storage);
    cl_int code = apus__cl()->EnqueueReadBuffer(d->queue, storage->data, CL_TRUE, offset, bytes, host, 0, NULL, NULL);
    if (code != CL_SUCCESS) return apus__cl_fail("clEnqueueReadBuffer", code);
    pthread_mutex_lock(&d->mutex);
    apus__cl_save_programs(d, false);
    pthread_mutex_unlock(&d->mutex);
    return APUS_STATUS_ok;
}

apus_status apus__cl_write(apus_storage *storage, size_t offset, const void *host, size_t bytes) {
    if (bytes == 0) return APUS_STATUS_ok;
    APUS_TRY(apus__cl_check_fork());
    apus__cl_device *d = apus__cl_device_of(storage);
    cl_int code = apus__cl()->EnqueueWriteBuffer(d->queue, storage->data, CL_TRUE, offset, bytes, host, 0, NULL, NULL);
    return code == CL_SUCCESS ? APUS_STATUS_ok : apus__cl_fail("clEnqueueWriteBuffer", code);
}

apus_status apus__cl_copy_bytes(apus_storage *to, size_t to_offset, const apus_storage *from, size_t from_offset,
                                size_t bytes) {
    APUS_TRY(apus__cl_check_fork());
    apus__cl_device *d = apus__cl_device_of(to);
    pthread_mutex_lock(&d->mutex);
    cl_int code =
        apus__cl()->EnqueueCopyBuffer(d->queue, from->data, to->data, from_offset, to_offset, bytes, 0, NULL, NULL);
    apus__cl_enqueued(d);
    pthread_mutex_unlock(&d->mutex);
    return code == CL_SUCCESS ? APUS_STATUS_ok : apus__cl_fail("clEnqueueCopyBuffer", code);
}

apus_status apus_synchronize(apus_device device) {
    if (device == APUS_DEVICE_CPU) return APUS_STATUS_ok;
    if (device < APUS_DEVICE_OPENCL)
        return apus__fail(APUS_STATUS_device, "synchronize: there is no device %d", (int)device);
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, device - APUS_DEVICE_OPENCL));
    cl_int code = apus__cl()->Finish(d->queue);
    if (code != CL_SUCCESS) return apus__cl_fail("clFinish", code);
    pthread_mutex_lock(&d->mutex);
    apus__cl_save_programs(d, false);
    pthread_mutex_unlock(&d->mutex);
    return APUS_STATUS_ok;
}

apus_status apus_opencl_save_programs(int32_t index) {
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, index));
    cl_int code = apus__cl()->Finish(d->queue);
    if (code != CL_SUCCESS) return apus__cl_fail("clFinish", code);
    pthread_mutex_lock(&d->mutex);
    apus__cl_save_programs(d, true);
    pthread_mutex_unlock(&d->mutex);
    return APUS_STATUS_ok;
}
