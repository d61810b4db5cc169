"""What attention computes, in the forms that ONNX and ONNX Runtime have it."""

from __future__ import annotations

from dataclasses import replace

from cnnbench.counting.cost import Kind
from cnnbench.counting.files.graph import Node
from cnnbench.counting.rules.operators import scored
from cnnbench.counting.rules.work import Work


def standard(node: Node) -> Work:
    """`Attention` of the standard: Q [N, h, L, E] or [N, L, h E], and K and V like it.

    The softmax is one activation a score.
    """
    query, key, value = node.x(), node.x(1), node.x(2)
    past = node.given(4)
    if query.dim() == 4:
        batch, heads, queries, depth = query.shape
        keys, out_depth = key.shape[2], value.shape[3]
    else:
        heads, kv_heads = node.option("q_num_heads"), node.option("kv_num_heads")
        batch, queries, keys = query.shape[0], query.shape[1], key.shape[1]
        depth, out_depth = query.shape[2] // heads, value.shape[2] // kv_heads
    keys += past.shape[2] if past is not None else 0
    return scored(batch * heads * queries * keys, depth, out_depth)


def projecting(node: Node) -> Work:
    """`com.microsoft`'s `Attention`: x [N, L, D] is projected to Q, K and V by one matrix."""
    x, weight = node.x(), node.x(1)
    batch, length, width = x.shape
    sizes = node.option("qkv_hidden_sizes") or [weight.shape[1] // 3] * 3
    heads = node.option("num_heads")
    projected = batch * length * width * sum(sizes)
    past = node.given(8 if node.operator == "QAttention" else 4)  # [2, N, h, P, E]
    keys = length + (past.shape[3] if past is not None else 0)
    found = scored(batch * heads * length * keys, sizes[0] // heads, sizes[2] // heads, projected)
    return replace(found, kind=Kind.LINEAR, activations=projected // width, weight=weight.shape)


def of_heads(node: Node) -> Work:
    """`MultiHeadAttention`: Q [N, L, D], K and V [N, S, D'], or K [N, h, S, E]; no projection."""
    query, key, value = node.x(), node.given(1), node.given(2)
    heads = node.option("num_heads")
    if key is None:  # packed QKV [N, L, h, 3, E]
        batch, length, _, _, depth = query.shape
        return scored(batch * heads * length * length, depth, depth)
    batch, queries, width = query.shape
    if value is None:  # packed K and V [N, S, h, 2, E]
        return scored(batch * heads * queries * key.shape[1], width // heads, key.shape[-1])
    past = node.given(6)
    keys = key.shape[2] if key.dim() == 4 else key.shape[1]
    keys += past.shape[2] if past is not None else 0
    out_depth = value.shape[3] if value.dim() == 4 else value.shape[2] // heads
    return scored(batch * heads * queries * keys, width // heads, out_depth)


def of_groups(node: Node) -> Work:
    """`GroupQueryAttention`: Q [N, L, h E], K and V [N, S, g E], what is past before them."""
    query, past = node.x(), node.given(3)
    heads, kv_heads = node.option("num_heads"), node.option("kv_num_heads")
    batch, length, width = query.shape
    packed = node.given(1) is None
    depth = width // (heads + 2 * kv_heads if packed else heads)
    keys = length + (past.shape[2] if past is not None else 0)
    if len(node.outputs) > 1 and node.outputs[1].sides is not None:  # past may be a whole buffer
        keys = node.outputs[1].shape[2]
    return scored(batch * heads * length * keys, depth, depth)
