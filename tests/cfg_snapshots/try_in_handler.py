def f(load, retry):
    try:
        load()
    except OSError as e:
        try:
            retry()
        except:
            raise
        finally:
            print(e)
