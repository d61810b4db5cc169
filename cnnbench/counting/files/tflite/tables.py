"""TensorFlow Lite's operators by what they cost, as data: the schema's names."""

from __future__ import annotations

# Operators of torch's, that cost what those cost: by output or by input elements.
SAME = {
    "ADD": "add",
    "SUB": "sub",
    "MUL": "mul",
    "DIV": "div",
    "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
    "POW": "pow",
    "ABS": "abs",
    "NEG": "neg",
    "EXP": "exp",
    "LOG": "log",
    "SQRT": "sqrt",
    "RSQRT": "rsqrt",
    "SQUARE": "square",
    "SIN": "sin",
    "COS": "cos",
    "ATAN2": "atan2",
    "FLOOR": "floor",
    "CEIL": "ceil",
    "ROUND": "round",
    "SIGN": "sign",
    "FLOOR_DIV": "floor_divide",
    "FLOOR_MOD": "remainder",
    "EQUAL": "eq",
    "NOT_EQUAL": "ne",
    "LESS": "lt",
    "LESS_EQUAL": "le",
    "GREATER": "gt",
    "GREATER_EQUAL": "ge",
    "LOGICAL_AND": "logical_and",
    "LOGICAL_OR": "logical_or",
    "LOGICAL_NOT": "logical_not",
    "BITWISE_XOR": "bitwise_xor",
    "RIGHT_SHIFT": "bitwise_and",
    "COMPLEX_ABS": "abs",
    "SELECT": "where",
    "SELECT_V2": "where",
    "RELU": "relu",
    "RELU6": "relu6",
    "RELU_N1_TO_1": "relu",
    "RELU_0_TO_1": "relu",
    "PRELU": "prelu",
    "LEAKY_RELU": "leaky_relu",
    "ELU": "elu",
    "GELU": "gelu",
    "HARD_SWISH": "hardswish",
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "SOFTMAX": "softmax",
    "LOG_SOFTMAX": "log_softmax",
    "QUANTIZE": "quantize_per_tensor",
    "DEQUANTIZE": "dequantize",
    "FAKE_QUANT": "quantize_per_tensor",
    "L2_NORMALIZATION": "rms_norm",
    "MEAN": "mean",
    "SUM": "sum",
    "REDUCE_MAX": "amax",
    "REDUCE_MIN": "amin",
    "REDUCE_PROD": "prod",
    "REDUCE_ANY": "any",
    "REDUCE_ALL": "all",
    "ARG_MAX": "argmax",
    "ARG_MIN": "argmin",
    "CUMSUM": "cumsum",
    "TOPK_V2": "topk",
    "UNIQUE": "_unique",
    "WHERE": "nonzero",
    "BUCKETIZE": "bucketize",
    "SEGMENT_SUM": "sum",
    "UNSORTED_SEGMENT_SUM": "sum",
    "UNSORTED_SEGMENT_PROD": "sum",
    "UNSORTED_SEGMENT_MAX": "sum",
    "UNSORTED_SEGMENT_MIN": "sum",
    "MULTINOMIAL": "multinomial",
    "STABLEHLO_ADD": "add",
    "STABLEHLO_SUBTRACT": "sub",
    "STABLEHLO_MULTIPLY": "mul",
    "STABLEHLO_DIVIDE": "div",
    "STABLEHLO_MAXIMUM": "maximum",
    "STABLEHLO_MINIMUM": "minimum",
    "STABLEHLO_POWER": "pow",
    "STABLEHLO_ABS": "abs",
    "STABLEHLO_NEGATE": "neg",
    "STABLEHLO_EXPONENTIAL": "exp",
    "STABLEHLO_LOG": "log",
    "STABLEHLO_RSQRT": "rsqrt",
    "STABLEHLO_FLOOR": "floor",
    "STABLEHLO_COSINE": "cos",
    "STABLEHLO_TANH": "tanh",
    "STABLEHLO_LOGISTIC": "sigmoid",
    "STABLEHLO_AND": "logical_and",
    "STABLEHLO_OR": "logical_or",
    "STABLEHLO_REMAINDER": "remainder",
    "STABLEHLO_SELECT": "where",
    "STABLEHLO_COMPARE": "eq",
    "STABLEHLO_CLAMP": "clamp",
    "STABLEHLO_SORT": "sort",
    "STABLEHLO_REDUCE": "sum",
}

# Bytes are moved, nothing is computed.
MOVES = frozenset(
    "CAST BITCAST CONCATENATION PACK UNPACK SPLIT SPLIT_V SLICE STRIDED_SLICE TRANSPOSE GATHER "
    "GATHER_ND PAD PADV2 MIRROR_PAD TILE BROADCAST_TO EMBEDDING_LOOKUP HASHTABLE_LOOKUP "
    "DEPTH_TO_SPACE SPACE_TO_DEPTH SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND REVERSE_V2 "
    "REVERSE_SEQUENCE ONE_HOT RANGE FILL ZEROS_LIKE SPARSE_TO_DENSE MATRIX_DIAG MATRIX_SET_DIAG "
    "RESIZE_NEAREST_NEIGHBOR DYNAMIC_UPDATE_SLICE DILATE REAL IMAG VAR_HANDLE READ_VARIABLE "
    "ASSIGN_VARIABLE RANDOM_UNIFORM RANDOM_STANDARD_NORMAL BROADCAST_ARGS DENSIFY "
    "STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONCATENATE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE "
    "STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_GATHER STABLEHLO_IOTA STABLEHLO_PAD "
    "STABLEHLO_RESHAPE STABLEHLO_SCATTER STABLEHLO_SLICE STABLEHLO_TRANSPOSE".split()
)

# They hand their first input on.
VIEWS = frozenset("RESHAPE SQUEEZE EXPAND_DIMS".split())
# What they give is known from shapes.
OF_SHAPES = frozenset("SHAPE RANK".split())
# What they give differs by pass, though they read nothing or constants alone.
STATEFUL = frozenset(
    "VAR_HANDLE READ_VARIABLE RANDOM_UNIFORM RANDOM_STANDARD_NORMAL MULTINOMIAL HASHTABLE".split()
)
# Their outputs have one input's shape: which.
LIKE = {
    **dict.fromkeys(
        "ABS NEG EXP LOG SQRT RSQRT SQUARE SIN COS FLOOR CEIL ROUND SIGN LOGICAL_NOT COMPLEX_ABS "
        "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 PRELU LEAKY_RELU ELU GELU HARD_SWISH LOGISTIC TANH "
        "SOFTMAX LOG_SOFTMAX QUANTIZE DEQUANTIZE FAKE_QUANT L2_NORMALIZATION CUMSUM CAST "
        "REVERSE_V2 REVERSE_SEQUENCE ZEROS_LIKE LOCAL_RESPONSE_NORMALIZATION MATRIX_SET_DIAG "
        "DYNAMIC_UPDATE_SLICE BUCKETIZE REAL IMAG ADD_N DENSIFY".split(),
        0,
    ),
    "SELECT": 1,
}
# Their outputs have the shape that their inputs are spread to.
SPREAD = frozenset(
    "ADD SUB MUL DIV MAXIMUM MINIMUM POW SQUARED_DIFFERENCE ATAN2 FLOOR_DIV FLOOR_MOD EQUAL "
    "NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL LOGICAL_AND LOGICAL_OR BITWISE_XOR "
    "RIGHT_SHIFT SELECT_V2".split()
)
REDUCING = frozenset("MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL".split())
POOLS = frozenset("AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D".split())
