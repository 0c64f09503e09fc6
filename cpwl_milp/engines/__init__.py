"""The engines: several ways to answer "which patterns exist in this cube?"."""
