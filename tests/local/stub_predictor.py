"""A model server without a model: standard library and uvicorn, a few knobs for faults."""

import argparse
import asyncio
import json
import random
import socket
import sys

import uvicorn

BOUNDS = (0.005, 0.1, 1.0)


class Stub:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.counts = {"200": 0, "500": 0}
        self.buckets = [0] * (len(BOUNDS) + 1)

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"] == "/predict":
            more = True
            while more:
                more = (await receive()).get("more_body", False)
            if random.random() < self.options.hang_share:  # noqa: S311 - no secret
                await asyncio.sleep(3600)
            if random.random() < self.options.reset_share:  # noqa: S311 - no secret
                send.__self__.transport.abort()  # uvicorn's own: ASGI has no word for it
                return
            if random.random() < self.options.garbage_share:  # noqa: S311 - no secret
                send.__self__.transport.write(b"nonsense\r\n\r\n")
                return
            bad = random.random() < self.options.fail_share  # noqa: S311 - no secret
            self.counts["500" if bad else "200"] += 1
            self.buckets[0] += 1
            body = {"label": self.options.label, "probability": 0.5}
            await self.answer(send, 500 if bad else 200, json.dumps(body).encode())
        elif scope["path"] == "/metrics":
            await self.answer(send, 200, self.page().encode())
        elif scope["path"] == "/die":
            sys.stderr.write("told to die\n")
            sys.exit(7)
        else:
            await self.answer(send, 503 if self.options.never_ready else 200, b"{}")

    async def answer(self, send, status: int, body: bytes) -> None:
        name = self.options.deployment.encode()
        headers = [(b"content-length", str(len(body)).encode()), (b"x-headgate-deployment", name)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def page(self) -> str:
        lines = ["# TYPE headgate_requests_total counter"]
        lines += [f'headgate_requests_total{{code="{c}"}} {n}' for c, n in self.counts.items()]
        lines += ["# TYPE headgate_request_duration_seconds histogram"]
        total = 0
        for bound, count in zip((*BOUNDS, "+Inf"), self.buckets, strict=True):
            total += count
            lines.append(f'headgate_request_duration_seconds_bucket{{le="{bound}"}} {total}')
        lines.append(f"headgate_request_duration_seconds_count {total}")
        return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--bundle", "--version", "--deployment", "--slow-above-ms", "--sha256"):
        parser.add_argument(name, required=True)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--label", default="yes")
    for name in ("--fail-share", "--hang-share", "--reset-share", "--garbage-share"):
        parser.add_argument(name, type=float, default=0.0)
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--broken", action="store_true")
    options = parser.parse_args()
    if options.broken:
        sys.exit("the bundle is broken")
    config = uvicorn.Config(
        Stub(options), lifespan="off", log_level="warning", access_log=False, timeout_keep_alive=75
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[socket.socket(fileno=options.fd)]))


if __name__ == "__main__":
    main()
