"""A small site for every test of the web rooms."""

from visiting import grounds, make_grounds

__all__ = ["grounds", "make_grounds"]
