// Rewrites of a graph that keep what it computes (to rounding). Each is exact in the sense of real
// numbers; none moves a normalisation across zero padding. Cold path.
#pragma once

#include "engine/graph.hpp"

namespace tamis::engine {

// MatMul followed only by Add of a vector becomes Gemm.
void join_matmul_and_bias(Graph& graph);

// Gemm: alpha and beta go into copies of the weights.
void fold_gemm_factors(Graph& graph);

// For inference: BatchNormalization that directly follows a Gemm, MatMul or Conv, or directly
// precedes a Gemm or MatMul, goes into that layer's weights. After an activation and before a
// padded convolution it stays a layer of its own.
void fold_batch_normalisation(Graph& graph);

// What fold_batch_normalisation leaves becomes Mul and Add: the running statistics as constants, so
// that training's backward pass differentiates what inference computes.
void spell_out_batch_normalisation(Graph& graph);

// Nodes of this operator (Identity; for inference also Dropout) disappear, except where one carries
// an input, or a value with other readers, straight to an output: there it becomes Identity.
void drop_nodes(Graph& graph, const std::string& op);

// Weights no node reads disappear.
void drop_unread_weights(Graph& graph);

// All of these: the graph that inference is compiled from.
[[nodiscard]] Graph prepared_for_inference(Graph graph);

}  // namespace tamis::engine
