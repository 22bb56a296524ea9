def f(self):
    try:
        n = self.load()
    except (ValueError, KeyError) as e:
        log(e)
        n = 0
    except errors.Fatal:
        raise
    return n
