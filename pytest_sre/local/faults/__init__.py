"""Faults: what a platform does on a bad day, switched on by hand and off by itself.

``kinds`` says what there is, ``scopes`` what a fault concerns, ``registry`` which are active;
``api_answers`` and ``strikes`` carry out those that are not a question asked by a Machine, the log
or the proxy.
"""
