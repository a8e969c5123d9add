"""Networks that do not learn, with the cause known, and healthy ones beside them: what a doctor is tried on.

`headway bench --doctor --set tuning --only weights-0@wine-mlp --out runs/one` looks at one program, `--only weights-0`
at a fault on all its bases; without --only at the whole set. From Python, `look(program("weights-0@wine-mlp"))`, the
first of `bench`. Rules are never tuned on the reporting set.
"""
