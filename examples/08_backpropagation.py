"""One pass forward and one back through a network of two layers, every number printed, every factor named."""

import jax
import jax.numpy as jnp
import numpy as np

import headway as hw

network = hw.Sequential((hw.Dense(2, name="first"), hw.Tanh(name="act"), hw.Dense(2, name="second")))
params = {
    "first": {"w": jnp.array([[0.5, -1.0], [1.0, 0.5]]), "b": jnp.array([0.0, 0.5])},
    "second": {"w": jnp.array([[1.0, -1.0], [0.5, 2.0]]), "b": jnp.zeros(2)},
}
batch = hw.Batch(jnp.array([[1.0, 2.0]]), jnp.array([0]))
loss = hw.CrossEntropy()


def show(what: str, value: jax.Array) -> None:
    print(f"{what:<28}{np.squeeze(np.asarray(value, float)).round(4).tolist()}")


# Forward: h = x w + b, a = tanh(h), z = a w + b, L = −log softmax(z)_label.
x = batch.x
h = x @ params["first"]["w"] + params["first"]["b"]
a = jnp.tanh(h)
z = a @ params["second"]["w"] + params["second"]["b"]
for name, value in {"x": x, "h = x w₁ + b₁": h, "a = tanh(h)": a, "z = a w₂ + b₂": z}.items():
    show(name, value)
show("L = −log softmax(z)_0", -jax.nn.log_softmax(z)[0, 0])

# Back: each local derivative times what came back from behind.
dz = jax.nn.softmax(z) - jnp.array([[1.0, 0.0]])
da = dz @ params["second"]["w"].T
dh = (1 - a**2) * da
by_hand = {"first": {"w": x.T @ dh, "b": dh[0]}, "second": {"w": a.T @ dz, "b": dz[0]}}
print()
for name, value in {"dL/dz = softmax(z) − q": dz, "dL/da = dL/dz w₂ᵀ": da, "dL/dh = (1 − a²) ⊙ dL/da": dh}.items():
    show(name, value)
show("dL/dw₂ = aᵀ dL/dz", by_hand["second"]["w"])
show("dL/dw₁ = xᵀ dL/dh", by_hand["first"]["w"])

# The same by the rules of the library, and by JAX.
ours = hw.gradients(network, params, batch, loss=loss)
jax_gradients = jax.grad(lambda params: loss(hw.apply(network, params, batch.x)[0], batch.y))(params)
for gradients in (by_hand, jax_gradients):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), ours.params, gradients)
for address, gradient in {"first": dh, "act": da, "second": dz}.items():
    np.testing.assert_allclose(ours.boundaries[address], gradient, rtol=1e-5, atol=1e-7)
assert list(ours.boundaries) == ["first", "act", "second"]
print("\nequal to jax.grad, at every parameter and every boundary")
