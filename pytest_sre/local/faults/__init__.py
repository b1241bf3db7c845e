"""Faults: what a platform does on a bad day, switched on by hand and off by itself.

``kinds`` says what there is, ``scopes`` what a fault concerns, ``registry`` which are active;
``links`` are those of the network, which keeps them itself. ``api_answers`` and ``strikes`` carry
out what is not asked for where it happens: in a Machine's life, the log, the proxy.
"""
