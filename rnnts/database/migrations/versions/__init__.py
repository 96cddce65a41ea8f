"""One module a step of the schema, with its statements for each database beside it."""
