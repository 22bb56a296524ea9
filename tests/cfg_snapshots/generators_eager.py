def f(rows):
    if any(r.status == "success" for r in rows):
        return sum(r.n for r in rows)
    return ", ".join(str(r) for r in rows)
