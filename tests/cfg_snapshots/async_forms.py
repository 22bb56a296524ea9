async def f(session, rows):
    async with session.get() as reply:
        await reply.ok()
    async for row in rows:
        await row
    return [x async for x in rows]
