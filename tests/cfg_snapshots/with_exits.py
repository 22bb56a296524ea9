def f(rows, lock):
    for row in rows:
        with lock:
            if row.bad():
                continue
            if row.last():
                break
            return row.value()
