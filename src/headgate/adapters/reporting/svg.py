"""Draw SVG by hand: small, themed by the page's CSS variables, every text escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from values to drawing units; values outside are drawn at the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Map one value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def tag(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """Make an element.

    Args:
        name: Name of the element.
        *children: Text (escaped) or markup.
        **attributes: Attributes; `class_` and `stroke_width` become `class` and `stroke-width`,
            numbers are rounded to a tenth, None is left out.

    Returns:
        The element.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _attribute(value))
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(children)
    if not inner:
        return Markup("<{}{}/>").format(name, written)
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, inner)


def _attribute(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 1):g}"


def picture(
    width: float, height: float, parts: Iterable[Markup], *, label: str, css: str = "chart"
) -> Markup:
    """Frame a drawing that scales with its container.

    Args:
        width: Width of the drawing in its own units.
        height: Height in the same units.
        parts: Elements, back to front.
        label: What a reader who cannot see it should know.
        css: Class of the element.

    Returns:
        The `svg` element.
    """
    box = f"0 0 {width:g} {height:g}"
    return tag("svg", *parts, class_=css, viewBox=box, role="img", aria_label=label)


def text(x: float, y: float, content: str, *, css: str = "", anchor: str | None = None) -> Markup:
    """Place a text; `anchor` is SVG's text-anchor."""
    return tag("text", content, x=x, y=y, class_=css or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    """Draw a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=css)


def box(x: float, y: float, width: float, height: float, css: str) -> Markup:
    """Draw a rectangle; a negative extent is drawn to the other side."""
    x, width = (x + width, -width) if width < 0 else (x, width)
    y, height = (y + height, -height) if height < 0 else (y, height)
    return tag("rect", x=x, y=y, width=width, height=height, class_=css)


def dot(x: float, y: float, radius: float, css: str, *, title: str = "") -> Markup:
    """Draw a disc; `title` is shown when the pointer rests on it."""
    inner = (tag("title", title),) if title else ()
    return tag("circle", *inner, cx=x, cy=y, r=radius, class_=css)


def polyline(points: Sequence[Point], css: str) -> Markup:
    """Join points by straight lines."""
    return tag("path", d=_path(points), class_=css)


def area(points: Sequence[Point], base: float, css: str) -> Markup:
    """Fill between a line and the horizontal at `base`; nothing for no points."""
    if not points:
        return Markup("")
    closed = [(points[0][0], base), *points, (points[-1][0], base)]
    return tag("path", d=_path(closed) + "Z", class_=css)


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
