"""The proxies: at the edge, in front of each app, and between Machines."""
