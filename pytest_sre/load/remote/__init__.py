"""Load from more than one machine: workers elsewhere, who get orders and send frames over TCP.

``sealing`` decides (how the two ends prove to each other that they know the run's secret, and
that nobody alters what they say); ``joining`` is the worker's end, ``mustering`` the session's.
``machines`` starts Machines whose process is a worker, ``asked`` reads what the user asks for.
Nothing is encrypted: the connection is on loopback, or in a network that encrypts, as Fly's
private network does.
"""
