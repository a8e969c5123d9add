"""Backpropagation: one written rule a kind, from dL/dy to dL/dx and dL/dθ, and the pass that chains them."""
