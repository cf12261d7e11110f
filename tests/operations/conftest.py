"""A small site for every test of operations."""

from visiting import grounds, make_grounds

__all__ = ["grounds", "make_grounds"]
