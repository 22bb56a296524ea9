def f(rows):
    for row in rows:
        try:
            row.load()
        except ValueError as e:
            log(e)
            continue
        except KeyError as e:
            break
