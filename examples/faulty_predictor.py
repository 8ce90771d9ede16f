"""The predictor with a fault put into it, to see a rollout catch it.

    python examples/faulty_predictor.py --fail-share 0.2 --bundle DIR --version 2 ...

The faults stand between the metrics and the predictor: the metrics see what a client sees.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence

from headgate.serving import (
    App,
    Message,
    Receive,
    Scope,
    Send,
    argument_parser,
    instrumented,
    open_engine,
    predictor,
    serve,
)

FAILURE = b'{"error":"injected fault"}'


def fails(share: float, number: int, *, seed: int = 0) -> bool:
    """Tell whether request `number` fails; the same ones in every process with the same seed.

    Args:
        share: Share of requests that fail, 0 to 1.
        number: Position of the request since the start.
        seed: Another seed lets others fail, independently.
    """
    key = seed.to_bytes(8, "big")
    digest = hashlib.blake2b(number.to_bytes(8, "big"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


class Failing:
    """Answers 500 to a share of the predictions, before the model sees them."""

    def __init__(self, app: App, share: float, *, seed: int = 0) -> None:
        """Stand before `app`.

        Args:
            app: Answers the others.
            share: Share that fails, 0 to 1.
            seed: Which ones.
        """
        self._app, self._share, self._seed, self._seen = app, share, seed, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Args:
            scope: Its path and method.
            receive: Its body.
            send: Takes the answer.
        """
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._seen += 1
        if not fails(self._share, self._seen, seed=self._seed):
            await self._app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(FAILURE)),
        ]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": FAILURE})


class Swapping:
    """Gives the model one field's value under another field's name, as a mixed-up feature does."""

    def __init__(self, app: App, fields: tuple[str, str]) -> None:
        """Stand before `app`.

        Args:
            app: Predicts.
            fields: The two that change places in `POST /predict`.
        """
        self._app, self._fields = app, fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Args:
            scope: Its path and method.
            receive: Its body.
            send: Takes the answer.
        """
        if scope["path"] != "/predict":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        swapped = {"type": "http.request", "body": self._swap(body), "more_body": False}

        async def once() -> Message:
            return swapped

        await self._app(scope, once, send)

    def _swap(self, body: bytes) -> bytes:
        try:
            found = json.loads(body)
        except ValueError:
            return body  # the predictor says what is wrong with it
        one, other = self._fields
        for row in found if isinstance(found, list) else [found]:
            if isinstance(row, dict):
                row[one], row[other] = row.get(other), row.get(one)
        return json.dumps(found).encode()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a bundle, with faults.

    Args:
        arguments: Command line; None takes the process's own.
    """
    options = _parser().parse_args(arguments)
    engine = open_engine(options)
    app = predictor(engine, version=options.version, deployment=options.deployment)
    if options.swap is not None:
        app = Swapping(app, options.swap)
    if options.fail_share > 0:
        app = Failing(app, options.fail_share, seed=options.seed)
    serve(instrumented(app, engine, options), options)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser()
    parser.add_argument("--fail-share", type=_share, default=0.0, help="share answered with 500")
    parser.add_argument("--seed", type=int, default=0, help="which requests fail, 0 or more")
    parser.add_argument("--swap", type=_fields, metavar="A,B", help="two fields that change places")
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}, allowed is 0 to 1")
    return share


def _fields(text: str) -> tuple[str, str]:
    match text.split(","):
        case [one, other]:
            return one, other
        case _:
            raise argparse.ArgumentTypeError(f"{text!r}, needed are two names with a comma")


if __name__ == "__main__":
    main()
