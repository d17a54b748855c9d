"""The page: one set of static files, answered by this machine or by the reader's browser."""
