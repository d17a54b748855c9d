"""From text to a `System` of definitions, and from formulas back to text and LaTeX."""
