"""Benchmarks: what Yoke costs and how fast it is, beside others that do the same. tools/bench runs it.

A part is a module with measure(session), which measures at the place where it runs and gives a Row
for each figure; see bench.parts for the table of them, docs/bench.md for what the figures mean."""
