"""Language models by size, as recipes: to plan with anywhere, and to train where the machines are large enough."""

from headway.data.dataset import Data
from headway.data.sequences import Zipf
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Perplexity
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Fraction
from headway.models.decoder import gpt2, llama
from headway.network.layer import Layer
from headway.network.recompute import RecomputeAll
from headway.scale.precision import BFloat16
from headway.training.recipe import Evaluation, Recipe


def sized(network: Layer, *, vocabulary: int, time: int, batch_size: int, accumulate: int, rate: float) -> Recipe:
    """A decoder as language models are trained: AdamW with clipping, 16 bits, blocks computed again, loss in parts.

    Its data are tokens by chance, of the vocabulary's size. Put files of your own in their place: `TokenFiles`.
    """
    return Recipe(
        network,
        data=Data(Zipf(vocabulary, time=time, examples=batch_size + 8), validation=None, test=None),
        loss=CrossEntropy(),
        optimizer=AdamW(Warmup(Fraction(0.05), then=Cosine(rate)), b2=0.95, weight_decay=0.1),
        clip=ClipByNorm(1.0),
        batch_size=batch_size,
        accumulate=accumulate,
        loss_parts=8,
        length=10_000,
        evaluation=Evaluation(1000, metrics=(Perplexity(),), batch_size=8),
        recompute=RecomputeAll(),
        precision=BFloat16(),
    )


SIZES: dict[str, tuple[str, Recipe]] = {
    "lm-124m": (
        "GPT-2 small, 124,439,808 parameters, 1,024 tokens",
        sized(gpt2(), vocabulary=50257, time=1024, batch_size=512, accumulate=16, rate=6e-4),
    ),
    "lm-1b": (
        "TinyLlama (Zhang et al. 2024), 1,100,048,384 parameters, 2,048 tokens",
        sized(llama(width=2048, heads=32, blocks=22, hidden=5632, key_heads=4), vocabulary=32000, time=2048,
              batch_size=1024, accumulate=4, rate=4e-4),
    ),
    "lm-7b": (
        "Llama 2 7B, 6,738,415,616 parameters, 4,096 tokens",
        sized(llama(), vocabulary=32000, time=4096, batch_size=1024, accumulate=4, rate=3e-4),
    ),
    "lm-70b": (
        "Llama 2 70B, 68,976,648,192 parameters, 4,096 tokens",
        sized(llama(width=8192, heads=64, blocks=80, hidden=28672, key_heads=8), vocabulary=32000, time=4096,
              batch_size=1024, accumulate=4, rate=1.5e-4),
    ),
}  # fmt: skip
"""Name → what it is, and the recipe. The batches are those of the papers, to a power of two: ½ to 4 million tokens."""
