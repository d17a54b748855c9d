"""From text to a `System` of definitions, and from formulas back to text and LaTeX.

``parse`` needs lark, whose import takes time: nothing is imported here.
"""
