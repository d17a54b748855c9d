"""Pictures as SVG: the graph of a model and of its gradient, and the network of a product."""
