"""Bring and take: weights of other programs, a network as a program of its own, modules of other libraries."""
