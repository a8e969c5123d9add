"""Networks that do not learn, with the cause known, and healthy ones beside them: what a doctor is tried on.

From Python, `diagnose(train(under_watch(recipe, 240), anyway=True))` with
`recipe = program("dropout-0.97@digits-mlp").recipe` looks at one of them; `faulty("tuning")` are all of a set.
Rules are tuned on the tuning set alone.
"""
