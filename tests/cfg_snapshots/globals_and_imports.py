def f():
    global CACHE
    import os.path
    import a.b as c
    from .m import x, y as z
    CACHE = os.getenv(x)
    if TYPE_CHECKING:
        from t import T
