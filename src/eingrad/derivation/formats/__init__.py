"""The faces of a presentation: text, LaTeX, Markdown, HTML and JSON. They compute nothing."""
