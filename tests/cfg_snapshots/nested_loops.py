def f(rows, close):
    while rows:
        for row in rows:
            try:
                if row:
                    break
                continue
            except KeyError:
                return
            finally:
                close()
        else:
            continue
        break
