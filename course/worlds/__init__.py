"""Simulators with planted truth: one module per world."""
