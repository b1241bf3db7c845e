"""Undoing what was changed, until it is proven that nothing of it is left.

``deciding`` says what is to be done next, ``settling`` does it for many changes at once, ``tags``
keeps what it takes in the metadata of Machines, ``leftovers`` finds what processes left that were
killed, in the journal and in tags. ``abreast`` does many things at once, and ``uninterrupted``
keeps signals away meanwhile.
"""
