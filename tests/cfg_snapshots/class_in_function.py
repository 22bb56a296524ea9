def f(load):
    class Local:
        value = load()
        def run(self):
            class Deep:
                def go(self):
                    return load, Local
            return Deep
    load = None
    return Local
