"""Regions by successive feasibility problems with no-good cuts on the pattern.

The engine is `engine.MilpEngine`. It brings Pyomo, which takes a second to import: who may do
without imports it where it is needed.
"""
