def f(rows):
    while rows:
        if rows.pop():
            break
    else:
        done()
