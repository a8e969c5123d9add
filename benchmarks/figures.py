"""Memory that others published of training language models, and recipes of the same configurations.

A recipe has the model, batch, mesh and kind of recomputing of what was run, as far as it can be said here, and is not
fitted to a figure: what differs stands beside it. Facts are from the files named, at the commits named.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from headway.models.decoder import SMALL, llama
from headway.models.transformer import pre_ln, transformer_block
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.embedding import Embedding, LearnedPositions
from headway.network.feedforward import FeedForward
from headway.network.layer import Layer
from headway.network.normalization import LayerNorm
from headway.network.recompute import Recompute, RecomputeAll, RecomputeBut
from headway.network.tokens import TiedEmbedding
from headway.scale.mesh import Mesh
from headway.scale.strategy import REPLICATED, SEQUENCE, ZERO_1
from headway.training.recipe import Recipe
from headway.training.sizes import sized

TITAN = "pytorch/torchtitan@31a17bfdb70bab6f62a13d21816a5339b911d6e3:benchmarks/llama3_h100_202412_torchtitan.md"
KEPT = "pytorch/torchtitan@004b3148a92b565ef0ce7a7bcc61e0159c7ec930:torchtitan/parallelisms/parallelize_llama.py"
CASES = "tests/functional_tests/test_cases/gpt"


@dataclass(frozen=True)
class Published:
    """What a program of others took of one H100, and the configuration as a recipe and a mesh here.

    model      in words, with the batch
    peak       bytes at most allocated, as published
    printed    the same as it stands in the source
    state      bytes allocated between two updates, where that is published: parameters, gradients, optimizer
    sources    `owner/repository@commit:path`, the figure's own first
    differs    how the recipe differs from what was run
    shared     whether each device has a part of the optimizer's state alone (Megatron's distributed optimizer)
    """

    system: str
    model: str
    recipe: Recipe
    mesh: Mesh
    peak: int
    printed: str
    sources: tuple[str, ...]
    differs: str
    state: int | None = None
    shared: bool = True


def of_tokens(network: Layer, vocabulary: int, time: int, batch_size: int, **fields: Any) -> Recipe:
    """A decoder trained in bfloat16 with AdamW, its loss over all tokens at once, as both systems have it."""
    accumulate = fields.pop("accumulate", 1)
    made = sized(network, vocabulary=vocabulary, time=time, batch_size=batch_size, accumulate=accumulate, rate=3e-4)
    return replace(made, loss_parts=1, watch=None, **{"recompute": None} | fields)


def batch_of(recipe: Recipe, mesh: Mesh, time: int) -> str:
    """`4 × 1,024 tokens, 2 times`: what goes through a device at once, and how often for an update."""
    times = recipe.accumulate * mesh.parts_in_flight
    one = f"{recipe.batch_size // mesh.parts // times} × {time:,} tokens"
    return one if times == 1 else f"{one}, {times} times"


def titan(size: str, mesh: Mesh, local: int, gib: float, *, time: int = 8192, **kept: Any) -> Published:
    """Llama 3.1 as torchtitan trained it at the end of 2024, with `local` sequences for each part of the batch."""
    sizes: dict[str, Any] = {
        "8B": {"width": 4096, "heads": 32, "blocks": 32, "hidden": 14336, "key_heads": 8},
        "70B": {"width": 8192, "heads": 64, "blocks": 80, "hidden": 28672, "key_heads": 8},
    }  # fmt: skip
    recompute: Recompute = kept.get("recompute", RecomputeAll())
    network = llama(128256, **sizes[size])
    recipe = of_tokens(network, 128256, time, local * mesh.parts, recompute=recompute)
    differs = "Kept are inputs of blocks alone, there and here; there products are of 8 bits (Float8)."
    if isinstance(recompute, RecomputeBut):
        differs = ("There every second product of matrices and the heads of attention are kept, 27,648 numbers of a "
                   "token in a block, here the outputs of attention and of the feed-forward part, 8,192.")  # fmt: skip
    if mesh.context > 1:
        differs += " There sequences' parts divide the state too, here not."
    model = f"Llama 3.1 {size}, {batch_of(recipe, mesh, time)}"
    return Published("torchtitan", model, recipe, mesh, round(gib * 2**30), f"{gib} GiB", (TITAN, KEPT), differs)


def padded(vocabulary: int, tensor: int) -> int:
    """The vocabulary as Megatron fills it up, to a multiple of 128 for each device along `tensor`."""
    return 128 * tensor * math.ceil(vocabulary / (128 * tensor))


def gpt_small(mesh: Mesh, accumulate: int, case: tuple[str, str, str], **figures: Any) -> Published:
    """Megatron's small GPT: 12 blocks of width 512, 1,024 tokens, 32 sequences an update.

    The file of its vocabulary is not in the repository: it is taken to be that of GPT-2.
    """
    vocabulary = padded(50257, mesh.tensor)
    blocks = Repeat(transformer_block(8, 2048, causal=True), times=12)
    body = Sequential((LearnedPositions(1024, init=SMALL), blocks, LayerNorm()))
    network = TiedEmbedding(body, vocabulary=vocabulary, width=512)
    fields = {"recompute": figures.pop("recompute", None), "accumulate": accumulate}
    recipe = of_tokens(network, vocabulary, 1024, 32, **fields)
    return megatron(f"GPT 12 × 512, {batch_of(recipe, mesh, 1024)}", recipe, mesh, case, **figures)


def gpt_7b(mesh: Mesh, accumulate: int, case: tuple[str, str, str], **figures: Any) -> Published:
    """Megatron's GPT of 7 billion parameters: 32 blocks of width 4096, 8,192 tokens, 8 sequences an update.

    131,072 tokens and the one that ends a text.
    """
    vocabulary = padded(131073, mesh.tensor)
    attention = MultiHeadAttention(32, causal=True, key_heads=8)
    network = Sequential((
        Embedding(vocabulary, width=4096, init=SMALL),
        LearnedPositions(8192, init=SMALL),
        Repeat(Sequential((pre_ln(attention), pre_ln(FeedForward(16384)))), times=32),
        LayerNorm(),
        Dense(vocabulary, bias=False),
    ))  # fmt: skip
    recipe = of_tokens(network, vocabulary, 8192, 8, accumulate=accumulate)
    return megatron(f"GPT 32 × 4,096, {batch_of(recipe, mesh, 8192)}", recipe, mesh, case, **figures)


def megatron(model: str, recipe: Recipe, mesh: Mesh, case: tuple[str, str, str], **figures: Any) -> Published:
    """A golden value of a functional test of Megatron-LM: its folder, and the commits of values and configuration."""
    folder, values, settings = case
    own = f"NVIDIA/Megatron-LM@{{}}:{CASES}/{folder}/{{}}"
    sources = (own.format(values, "golden_values_dev_dgx_h100.json"), own.format(settings, "model_config.yaml"))
    differs = "There dropout is on, which keeps masks, here off. " + figures.pop("differs", "")
    printed = f"{figures['peak']} and {figures['state']} bytes"
    return Published("Megatron-LM", model, recipe, mesh, printed=printed, sources=sources, differs=differs.strip(),
                     **figures)  # fmt: skip


SELECTIVE = RecomputeBut(("MultiHeadAttention", "SwiGLU"))
SCORES = "There attention keeps its scores, here never."
ENTRIES: dict[str, Published] = {
    "8B on 8": titan("8B", Mesh(fsdp=8), 2, 77.0, recompute=SELECTIVE),
    "8B on 128": titan("8B", Mesh(fsdp=128), 2, 62.0, recompute=SELECTIVE),
    "8B on 8, 32k": titan("8B", Mesh(fsdp=8), 1, 83.9, time=32768),
    "8B on 8, 64k": titan("8B", Mesh(fsdp=4, context=2), 1, 84.2, time=65536),
    "70B on 256": titan("70B", Mesh(fsdp=32, tensor=8, strategy=SEQUENCE), 16, 71.9),
    "GPT": gpt_small(
        Mesh(fsdp=8, strategy=ZERO_1), 1,
        ("gpt3_mcore_te_tp1_pp1_dist_optimizer_no_mmap_bin_files", "073db75900a4256ce331fb81393cb5b8468840ba",
         "16d85528bc32b64c531d751e48b8a65db8ce9a59"),
        state=581489152, peak=4702430208, differs=SCORES,
    ),
    "GPT, recomputed": gpt_small(
        Mesh(fsdp=8, strategy=REPLICATED), 1,
        ("gpt3_mcore_te_tp1_pp1_resume_torch_dist_uniform_full_recompute", "08165aba2f247b3e01b2e10f7d8f63c3b20f71a7",
         "2be9d3fb62980f2b66c09d5b812b08f4bf7611ab"),
        state=1259751936, peak=2561334272, recompute=RecomputeAll(), shared=False,
    ),
    "GPT, tensor 4": gpt_small(
        Mesh(fsdp=2, tensor=4, strategy=ZERO_1), 4,
        ("gpt3_mcore_te_tp4_pp1_resume_torch_dist_dist_optimizer_overlap_grad_reduce",
         "08165aba2f247b3e01b2e10f7d8f63c3b20f71a7", "334091b18ee46cdc6f9dd1c3f812d7a13c989e0d"),
        state=299728384, peak=1041940992, differs=SCORES,
    ),
    "GPT 7B, tensor 4": gpt_7b(
        Mesh(fsdp=2, tensor=4, strategy=ZERO_1), 2,
        ("gpt3_7b_tp4_pp1_memory_speed", "09eb91e5752df401e05645fea9c2721d8e765971",
         "1739859b35420bc3d8cce28188b96c3ccb82d1d3"),
        state=20663519232, peak=57143791616,
    ),
    "GPT 7B, 4 stages": gpt_7b(
        Mesh(fsdp=2, stage=4, parts_in_flight=4, strategy=ZERO_1), 1,
        ("gpt3_7b_tp1_pp4_memory_speed", "070712a0bf439eb310ca4f2c16d9446f1ddc5b8f",
         "000a71707977cbffaf4d14d12f0f8d33049e4da3"),
        state=24540168192, peak=60518293504,
        differs="There the last stage has no table of tokens, here every stage has both ends of the network.",
    ),
}  # fmt: skip
"""By a short name, in the order of the page."""
