"""The loop: cubes out, regions in, with limits, progress, the run folder and resuming."""
