def f(lock, close):
    try:
        with lock:
            return work()
    finally:
        close()
