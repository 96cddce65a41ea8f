"""Panel values, the time line, gaps and calendar: numpy and pandas only, no files, no clock."""
