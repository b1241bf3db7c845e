"""Who may act on a target now: one load at a time, one experiment at a time.

``taking`` gives a turn, ``locks`` keep apart the processes of one machine, ``notices`` on a
``noticeboard`` the machines. Fly's leases on Machines are not used for it: they would keep our own
acts, and everybody's deploys, from the Machine that is leased.
"""
