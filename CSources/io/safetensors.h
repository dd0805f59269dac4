// What reading and writing safetensors agree on.
#ifndef APUS_IO_SAFETENSORS_H
#define APUS_IO_SAFETENSORS_H

/// The most bytes a header may take, as in the reference implementation.
#define APUS__SAFETENSORS_HEADER_LIMIT 100000000
/// The name of the header's member that is no tensor.
#define APUS__SAFETENSORS_METADATA "__metadata__"

#endif
