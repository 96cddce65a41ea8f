"""The order of work, one flow a module."""
