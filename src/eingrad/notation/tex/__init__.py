"""Index notation in LaTeX, as papers write it, to formulas; `notation.latex` writes it."""
