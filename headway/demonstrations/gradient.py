"""Gradients at work: how they come back, how they vanish or explode, and how they are clipped."""

import jax
import jax.numpy as jnp

import headway as hw


def backpropagation() -> None:
    """One pass back gives the derivative of the loss by every parameter: the same as nudging each of them."""
    network, loss = hw.Sequential((hw.Dense(3), hw.Tanh(), hw.Dense(2))), hw.CrossEntropy()
    params, _ = hw.initialize(network, (4,), jax.random.key(0))
    batch = hw.Batch(jax.random.normal(jax.random.key(1), (8, 4)), jnp.arange(8) % 2)
    back = hw.gradients(network, params, batch, loss=loss).params["0"]["w"][0, 0]
    up, down = ({**params, "0": {**params["0"], "w": params["0"]["w"].at[0, 0].add(h)}} for h in (1e-3, -1e-3))
    nudged = [loss(hw.apply(network, p, batch.x)[0], batch.y) for p in (up, down)]
    print(f"dL/dw by backpropagation {back:.5f}, by nudging w {(nudged[0] - nudged[1]) / 2e-3:.5f}")


def chain_rule() -> None:
    """The derivative of a composition is the product of the derivatives of its parts."""
    f, g = hw.Tanh().function, hw.Softplus().function
    x = jnp.array(0.7)
    product = jax.grad(f)(g(x)) * jax.grad(g)(x)
    print(f"f'(g(x)) = {jax.grad(f)(g(x)):.5f}, g'(x) = {jax.grad(g)(x):.5f}, product {product:.5f}")
    print(f"(f ∘ g)'(x) = {jax.grad(lambda x: f(g(x)))(x):.5f}")


def vanishing_gradient() -> None:
    """Behind twenty sigmoid layers almost nothing of the gradient is left; ReLU with its initialization keeps it."""
    batch = hw.Batch(jax.random.normal(jax.random.key(1), (64, 32)), jnp.arange(64) % 10)
    for activation in (hw.Sigmoid(), hw.ReLU()):
        network = hw.mlp((32,) * 20, 10, activation=activation)
        params, _ = jax.jit(hw.initialize, static_argnums=(0, 1))(network, (32,), jax.random.key(0))
        found = hw.gradients(network, params, batch, loss=hw.CrossEntropy()).params
        norms = [f"{jnp.linalg.norm(found[str(at)]['w']):.0e}" for at in (39, 21, 1)]
        print(f"{type(activation).__name__:<8} ‖dL/dw‖ of layer 20, 11, 1:", *norms)


def exploding_gradient() -> None:
    """Weights twice as large multiply the gradient by two in every layer it passes."""
    batch = hw.Batch(jax.random.normal(jax.random.key(1), (64, 32)), jnp.arange(64) % 10)
    for scale in (1, 2):
        network = hw.Sequential((*(hw.Dense(32, init=hw.Orthogonal(scale)) for _ in range(10)), hw.Dense(10)))
        params, _ = hw.initialize(network, (32,), jax.random.key(0))
        sent = hw.gradients(network, params, batch, loss=hw.CrossEntropy())
        grown = jnp.linalg.norm(sent.inputs) / jnp.linalg.norm(sent.boundaries["9"])
        print(f"weights × {scale}: dL/dh grows {grown:,.1f} times over 10 layers")


def gradient_clipping() -> None:
    """Clipping by norm keeps the direction and bounds the length; clipping by value bends the direction."""
    gradients = {"w": jnp.array([3.0, 4.0, 0.5])}
    for clip in (hw.ClipByNorm(1.0), hw.ClipByValue(1.0), hw.ClipByNorm(10.0)):
        g = clip.clip(gradients)["w"]
        turn = jnp.dot(g, gradients["w"]) / jnp.linalg.norm(g) / jnp.linalg.norm(gradients["w"])
        print(f"{clip!r:<17} {g}, norm {jnp.linalg.norm(g):.3f}, cosine with what came {turn:.3f}")


def large_weights() -> None:
    """Decay holds the weights small."""
    for decay in (None, 0.1, 1.0):
        optimizer = hw.AdamW(1e-2, weight_decay=decay)
        run = hw.train(
            hw.Recipe(hw.mlp((64,), 3), data=hw.Data(hw.Iris()), loss=hw.CrossEntropy(), optimizer=optimizer)
        )
        squares = sum(jnp.sum(run.final["params"][at]["w"] ** 2) for at in ("1", "3"))
        print(f"weight decay {decay}: ‖w‖ = {jnp.sqrt(squares):.2f}")


def gradient() -> None:
    """The gradient is the direction in which the loss rises fastest: a step against it lowers the loss most."""
    network, loss = hw.Sequential((hw.Dense(3),)), hw.CrossEntropy()
    params, _ = hw.initialize(network, (4,), jax.random.key(0))
    batch = hw.Batch(jax.random.normal(jax.random.key(1), (32, 4)), jnp.arange(32) % 3)
    found = hw.gradients(network, params, batch, loss=loss)
    other = jax.tree.map(lambda g: jax.random.normal(jax.random.key(2), g.shape), found.params)
    for name, way in (("the gradient", found.params), ("another direction", other)):
        length = jnp.sqrt(sum(jnp.vdot(d, d) for d in jax.tree.leaves(way)))
        moved = jax.tree.map(lambda p, d, n=length: p - 0.1 * d / n, params, way)
        after = loss(hw.apply(network, moved, batch.x)[0], batch.y)
        print(f"a step of 0.1 against {name}: loss {found.loss:.3f} → {after:.3f}")


def initialization() -> None:
    """With variance 2 / inputs signals keep their size through ReLU layers; with half or twice that they do not."""
    x = jax.random.normal(jax.random.key(1), (256, 64))
    for gain in (1.0, 2.0, 4.0):
        network = hw.Sequential((hw.Dense(64, init=hw.HeNormal(gain)), hw.ReLU()) * 20)
        params, _ = hw.initialize(network, (64,), jax.random.key(0))
        print(f"variance {gain:g} / inputs: after 20 layers {hw.apply(network, params, x)[0].std():.1e}")


def signal_gain() -> None:
    """How much a layer with ReLU multiplies the size of what passes it: √(variance · inputs / 2)."""
    x = jax.random.normal(jax.random.key(1), (1024, 256))
    for gain in (0.5, 2.0, 8.0):
        layer = hw.Sequential((hw.Dense(256, init=hw.HeNormal(gain)), hw.ReLU()))
        y, _ = hw.apply(layer, hw.initialize(layer, (256,), jax.random.key(0))[0], x)
        print(f"√({gain:g}/2) = {(gain / 2) ** 0.5:.2f}, measured {jnp.sqrt((y**2).mean() / (x**2).mean()):.2f}")


def dying_relu() -> None:
    """A ReLU whose bias is far below 0 is off for every example: no gradient reaches its weights."""
    network = hw.Sequential((hw.Dense(16), hw.ReLU(), hw.Dense(3)))
    params, _ = hw.initialize(network, (4,), jax.random.key(0))
    batch = hw.Batch(jax.random.normal(jax.random.key(1), (64, 4)), jnp.arange(64) % 3)
    for bias in (0.0, -6.0):
        shifted = {**params, "0": {**params["0"], "b": params["0"]["b"] + bias}}
        g = hw.gradients(network, shifted, batch, loss=hw.CrossEntropy()).params["0"]["w"]
        print(f"bias {bias:>4}: {int((jnp.abs(g).sum(axis=0) == 0).sum())} of 16 units get no gradient")


def weight_gradient_ratio() -> None:
    """First over last weight gradient of ten linear layers: near 1 whatever they do to the gradient of their inputs."""
    batch = hw.Batch(jax.random.normal(jax.random.key(1), (64, 32)), jnp.arange(64) % 10)
    for scale in (0.5, 1.0, 2.0):
        network = hw.Sequential((*(hw.Dense(32, init=hw.Orthogonal(scale)) for _ in range(10)), hw.Dense(10)))
        params, _ = hw.initialize(network, (32,), jax.random.key(0))
        found = hw.gradients(network, params, batch, loss=hw.CrossEntropy())
        ratio = jnp.linalg.norm(found.params["0"]["w"]) / jnp.linalg.norm(found.params["9"]["w"])
        passed = jnp.linalg.norm(found.boundaries["0"]) / jnp.linalg.norm(found.boundaries["9"])
        print(f"weights × {scale:g}: ratio {ratio:.2f}, dL/dh in front over behind {passed:.2g}")
