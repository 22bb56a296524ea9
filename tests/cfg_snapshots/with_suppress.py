def f(row):
    with suppress(AttributeError):
        return row.name.lower()
