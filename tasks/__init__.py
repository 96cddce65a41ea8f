"""One task a step; each body wraps one function of the core."""
