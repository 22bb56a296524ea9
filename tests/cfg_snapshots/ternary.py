def f(ok, n):
    status = "ok" if ok else "empty"
    if (n if ok else not n):
        return status
