"""What the prose says of tensors: one-hot, symmetric."""

from __future__ import annotations

from eingrad.papers.passages import Passage


class Facts:
    """Facts of a document, with their lines."""

    def note(self, passage: Passage) -> None:
        """Remember what a passage says."""
