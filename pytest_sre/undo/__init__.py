"""What was begun on a target and must not stay: written down before it is done.

``journal`` has the values, ``files`` keeps them in ``.sre/undo``: an intent is on disk before the
act, and is removed after it is proven that nothing of it is left. An intent is locked by the
process whose it is, so that what a process left that was killed can be told from what one that
runs still needs; ``forking`` keeps that lock from its children, and ``holding`` says who has it.
How a kind of intent is undone is known to those who act.
"""
