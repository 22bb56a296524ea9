def f(self):
    """Nothing to do."""
