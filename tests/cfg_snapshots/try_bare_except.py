def f(load):
    try:
        load()
    except:
        pass
