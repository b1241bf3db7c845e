"""Single acts on a target, as plain data: how each is made, undone, and seen to be undone.

A change holds literally what it takes to undo it, as observed before it is made, so that any
process can undo it. ``change`` says what all of them can do; ``known`` names them all.
"""
