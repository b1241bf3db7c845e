"""GitHub as far as issues go: a server on loopback that remembers, limits, refuses and fails.

It answers real HTTP, so that PyGithub, ``gh`` and anything else talk to it unmodified. What its
answers look like is checked against GitHub's own OpenAPI description by the tests beside it.
"""

from github_double.faults import Fault
from github_double.limits import Limits
from github_double.projects import Project
from github_double.server import Exchange, GithubDouble
from github_double.world import Access, Repository

__all__ = ["Access", "Exchange", "Fault", "GithubDouble", "Limits", "Project", "Repository"]
