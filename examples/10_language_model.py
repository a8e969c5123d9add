"""A language model of bytes, held against counting, and the text that it writes."""

import headway as hw

# The text: modules of Python's own library. Whole files are held out, so that nothing in them is trained on.
source = hw.StdlibText(
    ("argparse", "ast", "cmd", "csv", "heapq", "inspect", "pprint", "queue", "shlex", "typing"), time=64
)
data = hw.Data(source, validation=0.2, test=0.2)

# A transformer that sees what came before, and at every place says which byte comes next.
recipe = hw.Recipe(
    hw.tied_language_model(256, width=48, heads=4, blocks=1),
    data=data,
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(hw.Warmup(hw.Fraction(0.1), then=hw.Cosine(1e-2))),
    batch_size=32,
    length=250,
    evaluation=hw.Evaluation(250, metrics=(hw.BitsPerByte(), hw.Perplexity()), batch_size=128),
)
run = hw.train(recipe)
bits = run.results["test"]["bits per byte"]

# What counting gives on the same bytes: how often each comes, and how often behind the one or two before it.
for order in (0, 1, 2):
    print(f"Markov model of order {order}: {hw.markov_bits(run.data(), order)['test']:.2f} bits a byte")
print(f"the network after {run.standing.step} updates: {bits:.2f}")
assert bits < hw.markov_bits(run.data(), order=0)["test"] < 8

# What it goes on with. The full recipe, `headway train stdlib-lm`, writes better Python.
print(hw.generate_text(run, "def ", 200, temperature=0.7, seed=0))
assert hw.generate_text(run, "def ", 50, seed=3) == hw.generate_text(run, "def ", 50, seed=3)
