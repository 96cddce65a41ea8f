"""One module a verb: what tasks wrap, what the command line and Python call."""
