// What the rest of the library knows of OpenCL.
#ifndef APUS_OPENCL_OPENCL_H
#define APUS_OPENCL_OPENCL_H

#include "device/device.h"

/// The table of an OpenCL device, which is opened; an error that names it where there is none.
apus_status apus__opencl_find(const apus__device_table **out, apus_device device);

extern const apus__device_table apus__opencl;

#endif
