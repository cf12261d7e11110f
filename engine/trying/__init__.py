"""Trying a rule out before it acts: on one record (``dry``), on what happened lately (``back``, ``jobs``), and beside
the others without doing anything (``shadow``). Nothing here performs an effect; everything is read on connections that
cannot write, but for the note of how far a back-test is."""
