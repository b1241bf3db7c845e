"""The process that makes load, run as ``python -m pytest_sre.load.runner``, never imported.

It replaces the standard library's blocking calls by gevent's, which is why it is a process of
its own. It is told what to do on its standard input, tells what it sees by frames on the file
descriptor that it is given, and ends when its parent does.
"""
