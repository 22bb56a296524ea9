"""What a user can put right."""


class TriageError(Exception):
    """A message for the user: what is wrong and where."""


def said(error: Exception) -> str:
    """What another program says of its error: the first line, which is a sentence."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
