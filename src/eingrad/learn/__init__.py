"""Training: data sets, an ``.ein`` model as a classifier, the loop, checkpoints, plots."""
