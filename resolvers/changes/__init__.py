"""Changes: what the graph can be asked to do, made from the governed writes, the desk and the purposes."""
