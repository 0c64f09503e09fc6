"""Networks as big-M mixed-integer programs in Pyomo, as arrays, as files, in any solver."""
