#include "opencl/fallback.h"

#include <stdlib.h>
#include <string.h>

#include "opencl/launch.h"

// ---- The report

enum { MAX_NAMES = 128 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const char *name;
    int64_t count;
} report[MAX_NAMES];
static int32_t names;
static int64_t total;
static enum { STRICT_UNSET, STRICT_OFF, STRICT_ON } strictness;

/// With the mutex held.
static bool is_strict(void) {
    if (strictness == STRICT_UNSET) {
        const char *text = getenv("APUS_OPENCL_FALLBACK");
        strictness = text != NULL && strcmp(text, "error") == 0 ? STRICT_ON : STRICT_OFF;
    }
    return strictness == STRICT_ON;
}

/// Counts and says whether the operator may go on.
static bool count(const char *name) {
    pthread_mutex_lock(&mutex);
    bool strict = is_strict();
    int32_t place = 0;
    while (place < names && strcmp(report[place].name, name) != 0) place++;
    if (!strict) total++;
    if (!strict && place < MAX_NAMES) {
        if (place == names) {
            report[place].name = name;
            report[place].count = 0;
            names++;
        }
        report[place].count++;
    }
    pthread_mutex_unlock(&mutex);
    return !strict;
}

void apus_opencl_set_fallback_strict(bool strict) {
    pthread_mutex_lock(&mutex);
    strictness = strict ? STRICT_ON : STRICT_OFF;
    pthread_mutex_unlock(&mutex);
}

bool apus_opencl_fallback_strict(void) {
    pthread_mutex_lock(&mutex);
    bool strict = is_strict();
    pthread_mutex_unlock(&mutex);
    return strict;
}

int64_t apus_opencl_fallback_count(void) {
    pthread_mutex_lock(&mutex);
    int64_t count = total;
    pthread_mutex_unlock(&mutex);
    return count;
}

apus_status apus_opencl_fallback_entry(int32_t i, const char **name, int64_t *count) {
    APUS_REQUIRE("opencl_fallback_entry", name);
    APUS_REQUIRE("opencl_fallback_entry", count);
    pthread_mutex_lock(&mutex);
    int32_t known = names;
    bool found = i >= 0 && i < known;
    if (found) {
        *name = report[i].name;
        *count = report[i].count;
    }
    pthread_mutex_unlock(&mutex);
    if (found) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_index, "opencl_fallback_entry: there is no entry %d of %d", i, known);
}

void apus_opencl_fallback_reset(void) {
    pthread_mutex_lock(&mutex);
    names = 0;
    total = 0;
    pthread_mutex_unlock(&mutex);
}

// ---- One operator

apus_status apus__fallback_begin(apus__fallback *f, const char *name) {
    f->count = 0;
    if (count(name)) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_unsupported, "%s: no OpenCL kernel, and running on the CPU instead is switched off",
                      name);
}

/// Where the device shares the host's memory, its own bytes; else a copy.
static apus_status make_image(apus_storage *host, const apus_storage *storage, bool *mapped) {
    memset(host, 0, sizeof *host);
    atomic_init(&host->references, 1);
    host->device = APUS_DEVICE_CPU;
    host->bytes = storage->bytes;
    *mapped = false;
    if (storage->bytes == 0) return APUS_STATUS_ok;
    apus__cl_device *d = apus__cl_device_of(storage);
    if (d->info.unified_memory) {
        cl_int code;
        host->data = apus__cl()->EnqueueMapBuffer(d->queue, storage->data, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                                  storage->bytes, 0, NULL, NULL, &code);
        *mapped = code == CL_SUCCESS;
        return code == CL_SUCCESS ? APUS_STATUS_ok : apus__cl_fail("clEnqueueMapBuffer", code);
    }
    host->data = malloc(storage->bytes);
    if (host->data == NULL)
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot copy %zu bytes from opencl:%d to the host",
                          storage->bytes, d->index);
    apus_status status = apus__cl_read(storage, 0, host->data, storage->bytes);
    if (status != APUS_STATUS_ok) free(host->data);
    return status;
}

apus_status apus__fallback_see(apus__fallback *f, apus_storage **storage, bool written) {
    if (*storage == NULL || (*storage)->device < APUS_DEVICE_OPENCL) return APUS_STATUS_ok;
    int32_t i = 0;
    while (i < f->count && f->operands[i].storage != *storage) i++;
    if (i == f->count) {
        APUS_TRY(apus__cl_check_fork());
        APUS_TRY(make_image(&f->operands[i].host, *storage, &f->operands[i].mapped));
        f->operands[i].storage = *storage;
        f->operands[i].written = false;
        f->count++;
    }
    f->operands[i].written |= written;
    *storage = &f->operands[i].host;
    return APUS_STATUS_ok;
}

static apus_status give_up(apus_storage *storage, apus_storage *host, bool mapped, bool written) {
    if (host->bytes == 0) return APUS_STATUS_ok;
    if (!mapped) {
        apus_status status = written ? apus__cl_write(storage, 0, host->data, host->bytes) : APUS_STATUS_ok;
        free(host->data);
        return status;
    }
    apus__cl_device *d = apus__cl_device_of(storage);
    cl_int code = apus__cl()->EnqueueUnmapMemObject(d->queue, storage->data, host->data, 0, NULL, NULL);
    return code == CL_SUCCESS ? APUS_STATUS_ok : apus__cl_fail("clEnqueueUnmapMemObject", code);
}

apus_status apus__fallback_end(apus__fallback *f, apus_status status) {
    for (int32_t i = 0; i < f->count; i++) {
        apus_status given = give_up(f->operands[i].storage, &f->operands[i].host, f->operands[i].mapped,
                                    f->operands[i].written && status == APUS_STATUS_ok);
        if (status == APUS_STATUS_ok) status = given;
    }
    return status;
}
