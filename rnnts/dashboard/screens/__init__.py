"""One module a screen: what it reads, and its routes."""
