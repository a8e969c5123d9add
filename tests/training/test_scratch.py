"""Scratch memory of a CPU's libraries: read from the text of a program, and seen when one runs."""

import subprocess
import sys

import pytest

from headway.training.memory import PEAK
from headway.training.scratch import scratch

PADDED = """HloModule jit_step

%fused (p: f32[100,100]) -> f32[4,4] {
  ROOT %reduce-window.1 = f32[4,4]{1,0} reduce-window(%p, %zero), window={size=32x32 stride=32x32 pad=14_14x14_14}
}

ENTRY %main (p: f32[100,100]) -> f32[4,4] {
  ROOT %f = f32[4,4]{1,0} fusion(%p), kind=kCustom, calls=%fused, backend_config={"kind":"__ynn_fusion"}
}
"""
PRODUCT = """HloModule jit_step

ENTRY %main (x: f32[512,4096], y: f32[512,2048]) -> f32[4096,2048] {
  %x = f32[512,4096]{1,0} parameter(0)
  %y = f32[512,2048]{1,0} parameter(1)
  ROOT %dot.1 = f32[4096,2048]{1,0} dot(%x, %y), lhs_contracting_dims={0}, rhs_contracting_dims={0}
}
"""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (PADDED, 4 * 128 * 128),  # the padded operand
        (PADDED.replace("pad=14_14x14_14", "pad=0_0x0_0"), 0),
        (PADDED.replace("__ynn_fusion", "__other"), 0),
        (PRODUCT, 4 * (4096 + 2048) * (4 * 512 // 3)),
        (PRODUCT.replace("512", "4").replace("4096", "64"), 0),  # too small to be packed
        (PADDED + PRODUCT, 4 * (4096 + 2048) * (4 * 512 // 3)),  # not both at once
        ("", 0),
    ],
)
def test_the_instruction_that_takes_the_most_is_found(text, size):
    assert scratch(text) == size


@pytest.mark.skipif(not PEAK.exists(), reason="only Linux tells the most that a process held since a moment")
def test_a_product_takes_what_is_said():
    """Of 4096 × 512 × 4096: 21 MiB beside its result, which the compiler's figure leaves out."""
    program = """
import jax, jax.numpy as jnp
from headway.training.memory import rise
from headway.training.scratch import scratch
x = jnp.ones((512, 4096))
made = jax.jit(lambda x, y: x.T @ y).lower(x, x).compile()
with rise() as found:
    y = jax.block_until_ready(made(x, x))
print(found.bytes - y.nbytes, scratch(made.as_text()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    observed, said = map(int, done.stdout.split())
    assert said > 20 << 20
    assert observed < said + (12 << 20)  # what the process itself takes at a first call
