def f(load):
    try:
        load()
    except* ValueError as group:
        log(group)
