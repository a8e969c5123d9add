import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.learning.clipping import ClipByNorm
from headway.learning.optimizers.adaptive import Adam, AdamW, Lion, RMSProp
from headway.learning.optimizers.descent import decaying
from headway.learning.optimizers.optimizer import Optimizer, apply_updates, describe
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine, Step
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.spec.error import HeadwayError
from headway.spec.numbers import join, split

NETWORK = Sequential((Dense(4, name="stem"), Tanh(), Dense(2)))
DECLARED = NETWORK.declare((3,))
X = np.random.default_rng(0).normal(size=(16, 3))
PARAMS, _ = initialize(NETWORK, (3,), jax.random.key(0))
SCHEDULE = Warmup(10, then=Cosine(0.05, steps=90))


def rate(i):
    """SCHEDULE, as the book writes it."""
    i = jnp.asarray(i, float)
    return jnp.where(i < 10, 0.05 * i / 10, 0.05 * (1 + jnp.cos(jnp.pi * (i - 10) / 90)) / 2)


def gradient(params):
    """Of a loss with curvature in every parameter, so that a wrong update would show in all later ones."""
    h = jnp.tanh(X @ params["stem"]["w"] + params["stem"]["b"])
    return jax.tree.map(jnp.add, params, jax.tree.map(lambda p: jnp.sin(3 * p) + jnp.mean(h), params))


def follow(transformation, params, steps=100, gradient=gradient):
    """The parameters after so many updates."""

    @jax.jit
    def run(params):
        def one(_, carry):
            params, state = carry
            updates, state = transformation.update(gradient(params), state, params)
            return apply_updates(params, updates), state

        return jax.lax.fori_loop(0, steps, one, (params, transformation.init(params)))

    return run(params)[0]


def close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def with_decay(direction, learning_rate, decay=0.1):
    mask = {"stem": {"w": True, "b": False}, "2": {"w": True, "b": False}}
    return optax.chain(direction, optax.add_decayed_weights(decay, mask), optax.scale_by_learning_rate(learning_rate))


PAIRS = [
    (SGD(0.01), optax.sgd(0.01)),
    (SGD(0.01, momentum=0.9), optax.sgd(0.01, 0.9)),
    (SGD(0.01, momentum=0.9, nesterov=True), optax.sgd(0.01, 0.9, nesterov=True)),
    (SGD(0.01, momentum=0.5, weight_decay=0.1), with_decay(optax.trace(0.5), 0.01)),
    (Adam(), optax.adam(1e-3)),
    (Adam(0.01, b1=0.8, b2=0.95, eps=1e-3), optax.adam(0.01, 0.8, 0.95, 1e-3)),
    (Adam(0.01, b1=0.0, b2=0.0), optax.adam(0.01, 0.0, 0.0)),
    (Adam(0.01, weight_decay=0.1), with_decay(optax.scale_by_adam(), 0.01)),
    (AdamW(0.01), with_decay(optax.scale_by_adam(), 0.01, 0.01)),
    (AdamW(SCHEDULE, weight_decay=0.1), with_decay(optax.scale_by_adam(), rate)),
    (SGD(SCHEDULE), optax.sgd(rate)),
    (RMSProp(0.01), optax.rmsprop(0.01, eps_in_sqrt=False)),
    (
        RMSProp(0.01, smoothing=0.99, momentum=0.8, eps=1e-3),
        optax.rmsprop(0.01, 0.99, 1e-3, eps_in_sqrt=False, momentum=0.8),
    ),
    (RMSProp(SCHEDULE, weight_decay=0.1), with_decay(optax.scale_by_rms(0.9, 1e-8, eps_in_sqrt=False), rate)),
    (Lion(0.001), optax.lion(0.001, weight_decay=0.0)),
    (Lion(SCHEDULE, b1=0.8, b2=0.95, weight_decay=0.1), with_decay(optax.scale_by_lion(0.8, 0.95), rate)),
]
every = pytest.mark.parametrize(
    ("optimizer", "oracle"), PAIRS, ids=lambda o: repr(o) if isinstance(o, Optimizer) else ""
)


@every
def test_a_hundred_steps_agree_with_optax(optimizer, oracle):
    ours = optimizer.transformation(DECLARED)
    close(follow(ours, PARAMS), follow(oracle, PARAMS), rtol=2e-6, atol=5e-7)
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), PARAMS)
        close(follow(ours, wide), follow(oracle, wide), rtol=1e-10, atol=1e-12)


ALL = [
    SGD(0.1),
    SGD(0.1, momentum=0.9, nesterov=True),
    Adam(0.1),
    AdamW(0.1, weight_decay=0.5),
    RMSProp(0.1, momentum=0.9),
    Lion(0.1),
]
all_kinds = pytest.mark.parametrize("optimizer", ALL, ids=repr)


@all_kinds
def test_a_learning_rate_of_zero_changes_nothing(optimizer):
    structure, numbers = split(optimizer)
    still = join(structure, numbers | {"learning_rate": 0.0})
    equal(follow(still.transformation(), PARAMS, 5), PARAMS)


def test_a_momentum_of_zero_is_plain_descent_and_a_decay_of_zero_none():
    plain = follow(SGD(0.01).transformation(), PARAMS, 20)
    equal(follow(SGD(0.01, momentum=0.0).transformation(), PARAMS, 20), plain)
    equal(follow(SGD(0.01, momentum=0.0, nesterov=True).transformation(), PARAMS, 20), plain)
    equal(follow(SGD(0.01, weight_decay=0.0).transformation(), PARAMS, 20), plain)


@all_kinds
def test_parameters_keep_their_dtype_and_moments_are_float32(optimizer):
    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), PARAMS)
    transformation = optimizer.transformation()
    state = transformation.init(half)
    updates, after = transformation.update(half, state, half)
    assert all(leaf.dtype == jnp.bfloat16 for leaf in jax.tree.leaves((updates, apply_updates(half, updates))))
    assert jax.tree.map(lambda s: (s.shape, s.dtype), state) == jax.tree.map(lambda s: (s.shape, s.dtype), after)
    assert all(leaf.dtype in (jnp.float32, jnp.int32) for leaf in jax.tree.leaves(after))


def test_the_steps_of_rmsprop_and_lion_do_not_depend_on_the_scale_of_the_loss():
    for optimizer, step in [(RMSProp(0.5, smoothing=0.75, eps=1e-20), 1.0), (Lion(0.5), 0.5)]:
        transformation = optimizer.transformation()
        for scale in (1e-3, 1.0, 1e3):
            updates, _ = transformation.update(
                jax.tree.map(lambda p, s=scale: s * p, PARAMS), transformation.init(PARAMS)
            )
            close(updates, jax.tree.map(lambda p, s=step: -s * jnp.sign(p), PARAMS), rtol=1e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(Step(0.1, drops=(3, 5)), momentum=0.9, nesterov=True, weight_decay=0.1),
        AdamW(SCHEDULE),
        Adam(weight_decay=0.1),
        RMSProp(momentum=0.9, weight_decay=0.1),
        Lion(weight_decay=0.1),
    ],
    ids=repr,
)
def test_every_number_of_an_optimizer_is_data(optimizer):
    structure, numbers = split(optimizer)

    def third_updates(numbers):
        transformation = join(structure, numbers).transformation()
        state = transformation.init(PARAMS)
        for _ in range(3):
            updates, state = transformation.update(gradient(PARAMS), state, PARAMS)
        return updates

    traced = jax.jit(third_updates)
    halved = {name: n * 0.5 if isinstance(n, float) else n + 1 for name, n in numbers.items()}
    zero = {name: n if name == "eps" else 0 * n for name, n in numbers.items()}
    assert len(numbers) >= 4
    for given in (numbers, halved, zero):
        close(traced(given), third_updates(given), rtol=1e-4, atol=1e-7)
        assert all(jnp.all(jnp.isfinite(u)) for u in jax.tree.leaves(traced(given)))
    assert traced._cache_size() == 1


def test_ours_serves_inside_optax():
    ours, theirs = AdamW(0.01, weight_decay=0.1).transformation(), with_decay(optax.scale_by_adam(), 0.01)
    clipped = optax.clip_by_global_norm(0.5)
    chained = follow(optax.chain(clipped, ours), PARAMS)
    close(chained, follow(optax.chain(clipped, theirs), PARAMS), rtol=1e-5, atol=1e-6)
    only_stem = {"stem": {"w": True, "b": True}, "2": {"w": False, "b": False}}
    sgd = SGD(0.01, momentum=0.9, weight_decay=0.1).transformation()
    masked = follow(optax.masked(sgd, only_stem), PARAMS, 1)
    close(masked["stem"], follow(sgd, PARAMS, 1)["stem"], rtol=1e-6)
    close(masked["2"], apply_updates(PARAMS, gradient(PARAMS))["2"], rtol=1e-6)
    every_third = optax.MultiSteps(Adam(0.01).transformation(), 3).gradient_transformation()
    expected = optax.MultiSteps(optax.adam(0.01), 3).gradient_transformation()
    close(follow(every_third, PARAMS, 30), follow(expected, PARAMS, 30), rtol=1e-5, atol=1e-6)


def test_optax_serves_where_ours_does():
    clip = ClipByNorm(0.5)

    def clipped(transformation):
        return transformation._replace(update=lambda g, s, p: transformation.update(clip.clip(g), s, p))

    theirs = follow(clipped(optax.adam(0.01)), PARAMS)
    close(theirs, follow(clipped(Adam(0.01).transformation()), PARAMS), rtol=1e-5, atol=1e-6)
    equal(apply_updates(PARAMS, PARAMS), optax.apply_updates(PARAMS, PARAMS))


def test_without_parameters_only_decay_is_refused():
    gradients = gradient(PARAMS)
    adam, adamw = Adam().transformation(), AdamW().transformation()
    equal(adam.update(gradients, adam.init(PARAMS))[0], adam.update(gradients, adam.init(PARAMS), PARAMS)[0])
    with pytest.raises(HeadwayError, match="weight_decay: needs the parameters"):
        adamw.update(gradients, adamw.init(PARAMS))


def test_state_lies_under_the_addresses_of_the_parameters():
    state = AdamW().transformation().init(PARAMS)
    assert state.keys() == {"count", "m", "v"}
    assert jax.tree.structure(state["m"]) == jax.tree.structure(PARAMS)
    assert SGD(0.1).transformation().init(PARAMS).keys() == {"count"}
    assert RMSProp().transformation().init(PARAMS).keys() == {"count", "v"}
    assert Lion().transformation().init(PARAMS).keys() == {"count", "m"}


def test_weights_decay_and_biases_do_not():
    assert decaying(DECLARED) == ("stem/w", "2/w")
    decayed = follow(SGD(0.5, weight_decay=0.5).transformation(DECLARED), PARAMS, 1)
    plain = follow(SGD(0.5).transformation(), PARAMS, 1)
    for layer in PARAMS:
        equal(decayed[layer]["b"], plain[layer]["b"])
        close(decayed[layer]["w"], plain[layer]["w"] - 0.25 * PARAMS[layer]["w"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("stem/*",), {"stem/w", "stem/b"}),
        (("**/b", "2/w"), {"stem/b", "2/b", "2/w"}),
        (("**",), {"stem/w", "stem/b", "2/w", "2/b"}),
    ],
)
def test_patterns_choose_what_decays(patterns, expected):
    assert set(decaying(DECLARED, patterns)) == expected


def test_a_pattern_that_matches_nothing_is_refused():
    with pytest.raises(
        HeadwayError, match=r"decay_only: a pattern must match something; got 'stems/\*'. Close to it: stem/"
    ):
        decaying(DECLARED, ("stem/w", "stems/*"))


def test_describe_prints_each_group():
    assert describe(AdamW(0.01), DECLARED) == (
        "AdamW, learning rate 0.01\n"
        "  weight decay 0.01: 20 parameters in stem/w, 2/w\n"
        "  no weight decay: 6 parameters in stem/b, 2/b"
    )
    assert describe(SGD(Cosine(0.1)), DECLARED) == (
        "SGD, learning rate Cosine(0.1)\n  no weight decay: 26 parameters in stem/w, stem/b, 2/w, 2/b"
    )
    (everything,) = SGD(0.1, weight_decay=0.2, decay_only=("**",)).groups(DECLARED)
    assert (everything.size, everything.decay) == (26, "weight decay 0.2")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0.1, nesterov=True), "SGD/nesterov: is a kind of momentum, and there is none. Set momentum=0.9"),
        (lambda: SGD(0.1, decay_only=("**",)), "SGD/decay_only: chooses what decays, but nothing does"),
        (lambda: SGD(-0.1), "SGD.learning_rate: must be greater than or equal to 0"),
        (lambda: Adam(eps=0.0), "Adam.eps: must be greater than 0"),
        (lambda: Adam(b1=1.0), "Adam.b1: must be less than 1; got 1.0"),
        (lambda: AdamW(decay_only=()), "AdamW.decay_only: .* at least 1 item"),
        (lambda: RMSProp(eps=0.0), "RMSProp.eps: must be greater than 0"),
        (lambda: RMSProp(smoothing=1.0), "RMSProp.smoothing: must be less than 1; got 1.0"),
        (lambda: Lion(b2=1.0), "Lion.b2: must be less than 1; got 1.0"),
        (lambda: Lion(decay_only=("**",)), "Lion/decay_only: chooses what decays, but nothing does"),
        (lambda: AdamW(lr=0.1), "AdamW.lr: no such field"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()
