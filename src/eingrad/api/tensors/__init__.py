"""Tensors: whoever loads a part of this room gets them with their operators."""

from eingrad.api.tensors import operators as operators
