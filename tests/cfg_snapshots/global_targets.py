def f(rows):
    global LAST, TOTAL
    for LAST in rows:
        TOTAL += 1
    with open(LAST) as LAST:
        del TOTAL
