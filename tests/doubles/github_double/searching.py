"""The part of GitHub's search language that finds issues."""

import shlex

from github_double.world import Issue, Repository


def matches(asked: str, repository: Repository, issue: Issue) -> bool:
    """Whether an issue is found by a query: qualifiers, and words in its title or body."""
    return all(_holds(word, repository, issue) for word in shlex.split(asked))


def _holds(word: str, repository: Repository, issue: Issue) -> bool:
    name, _, value = word.partition(":")
    match name if value else "":
        case "repo":
            return value.lower() == repository.full_name.lower()
        case "label":
            return value.lower() in {each.lower() for each in issue.labels}
        case "is" | "type" | "state":
            kinds = {issue.state, "pr" if issue.is_pull else "issue"}
            return value in kinds
        case "in" | "sort" | "order":
            return True
        case "author":
            return value.lower() == issue.login.lower()
    text = f"{issue.title}\n{issue.body or ''}".lower()
    return word.lower() in text
