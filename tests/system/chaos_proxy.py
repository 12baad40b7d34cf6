"""A TCP proxy between ZeroMQ peers that does what bad networks do: cuts every connection again and again, flips bits inside
messages, delays. Understands enough of ZMTP 3 to leave greetings and commands alone, so that every fault hits a message.
Runs in a thread of its own."""
import asyncio
import random
import threading

GREETING = 64  # bytes of a ZMTP 3 greeting
LONG, COMMAND = 2, 4  # flags of a frame


class ChaosProxy:
    """Listens on `port`, connects to `target`. cut_s: between two cuts of all connections; flip: fraction of the messages
    towards the target with one bit flipped; delay_s: of every message towards the target."""

    def __init__(self, port, target, cut_s=0.0, flip=0.0, delay_s=0.0, seed=1):
        self.port, self.target, self.cut_s, self.flip, self.delay_s = port, target, cut_s, flip, delay_s
        self.rng = random.Random(seed)
        self.flipped, self.messages, self.cuts, self.connections = 0, 0, 0, set()
        self.loop, self.server, self.is_cutting = asyncio.new_event_loop(), None, cut_s > 0
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10), "the proxy does not listen"

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        self.loop.create_task(self.cut_for_ever())
        self.loop.call_soon(started.set)
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def refuse(self):
        self.server.close()
        for connection in list(self.connections):
            connection.set()

    def part(self):
        """The network between the two is gone: connections end and none is taken."""
        asyncio.run_coroutine_threadsafe(self.refuse(), self.loop).result(10)

    def join(self):
        asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result(10)

    def stop_cutting(self):
        self.is_cutting = False

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def cut_for_ever(self):
        while True:
            await asyncio.sleep(self.cut_s or 3600)
            if self.is_cutting and self.connections:
                self.cuts += 1
                for connection in list(self.connections):
                    connection.set()

    async def serve(self, source_reader, source_writer):
        cut = asyncio.Event()
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            source_writer.close()
            return
        self.connections.add(cut)
        forth = asyncio.ensure_future(self.pass_messages(source_reader, target_writer))
        back = asyncio.ensure_future(self.pass_bytes(target_reader, source_writer))
        ended = asyncio.ensure_future(cut.wait())
        await asyncio.wait({forth, back, ended}, return_when=asyncio.FIRST_COMPLETED)
        self.connections.discard(cut)
        for task in (forth, back, ended):
            task.cancel()
        await asyncio.gather(forth, back, ended, return_exceptions=True)
        source_writer.close()
        await self.end(target_reader, target_writer)

    @staticmethod
    async def end(reader, writer):
        """What was passed on arrives: the target sees the end behind it, and is heard until it closes too."""
        try:
            writer.write_eof()
            while await asyncio.wait_for(reader.read(65536), 5):
                pass
        except (OSError, asyncio.TimeoutError):
            pass
        writer.close()

    @staticmethod
    async def pass_bytes(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def pass_messages(self, reader, writer):
        """Whole frames only; a frame that is passed on is passed on before a cut."""
        try:
            for _ in range(GREETING):  # the peers answer each other's piece by piece
                writer.write(await reader.readexactly(1))
            while True:
                flags = await reader.readexactly(1)
                size = await reader.readexactly(8 if flags[0] & LONG else 1)
                body = await reader.readexactly(int.from_bytes(size, "big"))
                is_message = not flags[0] & COMMAND
                if is_message and self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if is_message:
                    self.messages += 1
                    if body and self.rng.random() < self.flip:
                        body = self.flip_bit(body)
                writer.write(flags + size + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass

    def flip_bit(self, body):
        self.flipped += 1
        bit = self.rng.randrange(8 * len(body))
        damaged = bytearray(body)
        damaged[bit // 8] ^= 1 << bit % 8
        return bytes(damaged)
