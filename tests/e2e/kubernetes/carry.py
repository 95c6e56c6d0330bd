"""Carry connections between a network namespace and this machine over a socket in the file system.

`python carry.py tcp ADDRESS PORT PATH` listens at an address of its namespace and connects to the socket at PATH;
`python carry.py unix PATH ADDRESS PORT` listens there and connects to the address. So one port of one machine is
reached from a namespace that has no route at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def main(kind: str, *words: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if kind == "tcp":
                far = await asyncio.open_unix_connection(words[2])
            else:
                far = await asyncio.open_connection(words[1], int(words[2]))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pipe(reader, far[1]), pipe(far[0], writer))

    if kind == "tcp":
        server: asyncio.Server = await asyncio.start_server(serve, words[0], int(words[1]))
    else:
        server = await asyncio.start_unix_server(serve, words[0])
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
