"""oneDNN's log: what convolutions spend on layouts."""

from __future__ import annotations

import os
import sys

import pytest
import torch
from torch import nn

from cnnbench.timing.by_layer.onednn import Reorders, median_of, of_log, reorders

LOG = """\
onednn_verbose,v1,info,cpu,isa:Intel AVX 10.1
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:blk,undef,src:f32::blocked:abcd::f0 \
dst:f32::blocked:aBcd16b::f0,attr-scratchpad:user,,1x1024x7x7,0.02
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:abcd::f0 \
dst:f32::blocked:ABcd16b16a::f0,attr-scratchpad:user,,1024x1024x3x3,13.9
onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx512_core,forward_training,\
src:f32:a:blocked:aBcd16b::f0 wei:f32:a:blocked:ABcd16b16a::f0 dst:f32:a:blocked:aBcd16b::f0,\
attr-scratchpad:user,alg:convolution_direct,\
mb1_ic1024oc1024_ih7oh7kh3sh1dh0ph1_iw7ow7kw3sw1dw0pw1,5.1
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:blk,undef,src:f32::blocked:aBcd16b::f0 \
dst:f32::blocked:abcd::f0,attr-scratchpad:user,,1x1024x7x7,0.03
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:blk,undef,src:f32::blocked:abcde::f0 \
dst:f32::blocked:Abcde16a::f0,attr-scratchpad:user,,128x1x1x3x3,0.5
onednn_verbose,v1,primitive,exec,cpu,convolution,jit_dw:avx512_core,forward_training,\
src:f32:a:blocked:aBcd16b::f0 wei:f32:a:blocked:Abcde16a::f0 dst:f32:a:blocked:aBcd16b::f0,\
attr-scratchpad:user,alg:convolution_direct,\
g128mb1_ic128oc128_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1,0.4
"""


def test_reorders_are_of_weights_or_of_images() -> None:
    found = of_log(LOG)
    assert found is not None
    assert found.packing_s == pytest.approx(14.4e-3)
    assert found.images_s == pytest.approx(0.05e-3)
    assert found.seconds == pytest.approx(19.95e-3)
    assert found.packed_bytes == 4 * (1024 * 1024 * 9 + 128 * 9)


def test_without_a_convolution_it_says_nothing() -> None:
    assert of_log("") is None and of_log(LOG.splitlines()[1]) is None


def test_the_one_in_the_middle() -> None:
    one, two, three = (Reorders(float(n), 0.0, 0.0, 0) for n in (3, 1, 2))
    assert median_of([one, None, two, three]) == three and median_of([None]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="oneDNN's log is read here alone")
def test_a_real_pass_is_read_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("torch has no oneDNN here")
    net, x = nn.Conv2d(64, 64, 3, padding=1), torch.randn(1, 64, 14, 14)

    def run() -> None:
        with torch.inference_mode():
            net(x)

    before = os.fstat(1)
    found = reorders(run)
    assert found is None or (found.seconds > 0 and found.packed_bytes in (0, 4 * 64 * 64 * 9))
    assert os.fstat(1) == before and capfd.readouterr().out == ""
