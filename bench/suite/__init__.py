"""Measures the library beside what users would pick instead: see scripts/bench."""
