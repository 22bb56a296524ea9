def f(row):
    match row:
        case {"status": "success", "rows": int(n), **rest} if n > 0:
            return rest
        case {}:
            return None
