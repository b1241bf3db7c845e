"""A process that undoes what another leaves when it ends, in whatever way it ends.

It is in a session of its own, so that nothing meant for the other's terminal or process group ends
it, ignores the signals by which people end programs, and waits for the other's end of a pipe to
close. ``standing`` is the side of whoever is guarded, ``watching`` is what it does, ``words`` what
the one says to the other.
"""
