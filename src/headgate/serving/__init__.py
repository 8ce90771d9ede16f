"""The predictor, and the pieces to compose a custom model server: its own small image runs it.

A custom server puts its behaviour between the two layers::

    options = argument_parser().parse_args()
    engine = open_engine(options)
    app = predictor(engine, version=options.version, deployment=options.deployment)
    serve(instrumented(MyLayer(app), engine, options), options)
"""

from headgate.serving.asgi import App, Message, Receive, Scope, Send
from headgate.serving.instrument import instrument
from headgate.serving.predictor import predictor
from headgate.serving.server import argument_parser, instrumented, open_engine, serve

__all__ = [
    "App",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "argument_parser",
    "instrument",
    "instrumented",
    "open_engine",
    "predictor",
    "serve",
]
