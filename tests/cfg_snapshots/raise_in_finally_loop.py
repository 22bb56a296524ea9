def f(done):
    while True:
        try:
            if done():
                break
        finally:
            done.mark()
