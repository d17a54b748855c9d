"""Papers: a document with formulas -> a report that judges each of them."""
