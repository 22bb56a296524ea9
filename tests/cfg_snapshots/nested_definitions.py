def f(base):
    @wraps(base)
    def wrapper(*args, **kwargs):
        return base(*args, **kwargs)
    class Local(base):
        def run(self, n=load()):
            return wrapper(self)
    return Local
