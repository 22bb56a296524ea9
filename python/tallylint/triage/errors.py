"""What a user can put right."""


class TriageError(Exception):
    """A message for the user: what is wrong and where."""
