def f(rows):
    for row in rows:
        if row:
            break
        else:
            continue
    else:
        missing()
    return row
