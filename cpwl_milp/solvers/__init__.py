"""Solvers of linear and mixed-integer linear programs; the only room that knows HiGHS."""
