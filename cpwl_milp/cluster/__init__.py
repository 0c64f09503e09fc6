"""Workers of a Dask scheduler, here or on other machines: the only room that knows Dask."""
