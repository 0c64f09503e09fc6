"""From what a person wrote down (TOML, a folder, a list of instances) to the jobs of an audit."""
