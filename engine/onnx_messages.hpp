// The generated ONNX messages, with what their header needs to compile cleanly. Only the reader and
// writer include this.
#pragma once

#define ONNX_NAMESPACE onnx
#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wshadow"
#include <onnx/onnx_pb.h>
#pragma GCC diagnostic pop
