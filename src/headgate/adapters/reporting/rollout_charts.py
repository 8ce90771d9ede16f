"""The rollout over time: the ladder of weights, the evidence per metric, the requests at risk."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from headgate.adapters.reporting import svg, wording
from headgate.adapters.reporting.records import Json

Size = tuple[float, float]
WIDE: Size = (980.0, 260.0)
NARROW: Size = (400.0, 260.0)
CARD: Size = (460.0, 220.0)
MOST_POINTS = 160  # a line of more points is larger, not clearer
PARTS_PER_PERCENT = 100  # a plan writes its weights in parts of 10,000
LABEL_WIDTH = 60.0  # room that the count above a step needs
ENDINGS = {"PROMOTED": ("good", "all traffic"), "ROLLED_BACK": ("harm", "no traffic")}
LOWEST_POWER = -2  # e-values below 0.01 all say the same: no evidence


def length_of(rollout: Json) -> float:
    """Return the seconds that the rollout took; at least those of its last look."""
    whole = wording.seconds_between(rollout.get("started_at"), rollout.get("ended_at")) or 0.0
    return float(max([whole, 0.1, *(look["t"] for look in rollout["looks"])]))


def ladder_chart(rollout: Json, *, size: Size = WIDE) -> Markup:
    """Draw the canary's weight over time; the rungs are equally far apart, whatever their weight.

    Args:
        rollout: Report of `shift_traffic`.
        size: Width and height of the drawing.

    Returns:
        An SVG.
    """
    width, height = size
    left, right, top, bottom = 62.0, width - 14, 24.0, height - 34
    stages = rollout["stages"]
    final = _final_weight(rollout)
    rungs = sorted({0.0, 100.0, *_planned(rollout), *(s["weight_percent"] for s in stages)})
    rung = svg.Scale(0, len(rungs) - 1, bottom, top)
    seconds = length_of(rollout)
    x = svg.Scale(0.0, seconds * 1.12, left, right)  # the end shows where the traffic stays
    parts = []
    for i, value in enumerate(rungs):
        parts.append(svg.line(left, rung(i), right, rung(i), "grid"))
        parts.append(
            svg.text(left - 8, rung(i) + 4, wording.weight(value), css="tick", anchor="end")
        )
    parts += _time_axis(x, seconds, bottom)
    points: list[svg.Point] = []
    for stage in stages:
        start, end = _span(stage, rollout, seconds)
        y = rung(rungs.index(stage["weight_percent"]))
        points += [(x(start), y), (x(end), y)]
        parts += _step_label(stage, x(start), x(end), y)
    last = rung(rungs.index(final))
    points += [(points[-1][0] if points else x(0.0), last), (right, last)]
    tone, words = ENDINGS.get(rollout["phase"], ("", "weight kept"))
    drawn = [
        svg.area(points, bottom, "under"),
        svg.polyline(points, "curve"),
        svg.dot(right - 2, last, 5, f"end {tone}"),
        svg.text(right - 10, last - 8, words, css=f"note {tone}", anchor="end"),
    ]
    steps = ", ".join(wording.weight(s["weight_percent"]) for s in stages)
    label = f"Canary weight over {wording.duration(seconds)}: {steps}, then {final:g} %"
    return svg.picture(width, height, [*drawn[:1], *parts, *drawn[1:]], label=label)


def evidence_chart(rollout: Json, metric: str) -> Markup:
    """Draw the e-values of one metric over time, on a log scale, against the threshold.

    Args:
        rollout: Report of `shift_traffic`.
        metric: E.g. `errors`.

    Returns:
        An SVG; solid is the evidence of harm, dashed the evidence of being good.
    """
    width, height = CARD
    left, right, top, bottom = 50.0, width - 12, 16.0, height - 30
    threshold = float(rollout["threshold"])
    seconds = length_of(rollout)
    looks = [k for k in rollout["looks"] if metric in k["metrics"]]
    series = {
        name: [(k["t"], k["metrics"][metric][f"e_{name}"]) for k in looks]
        for name in ("good", "harm")
    }
    top_power = _top_power([e for values in series.values() for _, e in values], threshold)
    x = svg.Scale(0.0, seconds, left, right)
    y = svg.Scale(LOWEST_POWER, top_power, bottom, top)
    level = y(math.log10(threshold))
    parts = [svg.box(left, top, right - left, level - top, "allowed")]
    step = 2 if top_power <= 8 else 4
    for power in range(LOWEST_POWER, top_power + 1, step):
        parts.append(svg.line(left, y(power), right, y(power), "grid"))
        parts.append(svg.text(left - 8, y(power) + 4, _power(power), css="tick", anchor="end"))
    parts += _time_axis(x, seconds, bottom)
    parts += [svg.line(x(t), top, x(t), bottom, "stage") for t in _changes(rollout)]
    parts.append(svg.line(left, level, right, level, "threshold"))
    shown = f"threshold {threshold:g}"
    parts.append(svg.text(left + 6, level - 6, shown, css="tick"))
    for name, values in series.items():
        # Evidence starts at 1, unless another driver had gathered some before.
        begin = [] if rollout.get("carried") else [(x(0.0), y(0.0))]
        points = [*begin, *((x(t), y(_log10(e))) for t, e in _thinned(values))] or [(left, y(0.0))]
        parts.append(svg.polyline(points, f"evidence {name}"))
        parts.append(svg.dot(*points[-1], 4, f"end {name}"))
    last = {name: values[-1][1] if values else None for name, values in series.items()}
    label = (
        f"{wording.name_of(metric)}: evidence of harm {wording.evidence(last['harm'])},"
        f" of being good {wording.evidence(last['good'])}, {shown}"
    )
    return svg.picture(width, height, parts, label=label)


def exposure_chart(rollout: Json) -> Markup:
    """Draw how many requests the canary had answered by then."""
    width, height = CARD
    left, right, top, bottom = 50.0, width - 12, 16.0, height - 30
    seconds = length_of(rollout)
    total, values = 0.0, [(0.0, 0.0)]
    for look in rollout["looks"]:
        # Every metric but the labelled one counts requests; the largest is the number of requests.
        total += max((m["canary"][0] for m in look["metrics"].values()), default=0)
        values.append((look["t"], total))
    ceiling, step = _nice(max(total, 1.0))
    x = svg.Scale(0.0, seconds, left, right)
    y = svg.Scale(0.0, ceiling, bottom, top)
    parts = []
    for i in range(round(ceiling / step) + 1):
        parts.append(svg.line(left, y(i * step), right, y(i * step), "grid"))
        label = wording.count(i * step)
        parts.append(svg.text(left - 8, y(i * step) + 4, label, css="tick", anchor="end"))
    parts += _time_axis(x, seconds, bottom)
    parts += [svg.line(x(t), top, x(t), bottom, "stage") for t in _changes(rollout)]
    points = [(x(t), y(v)) for t, v in _thinned(values)]
    parts += [svg.area(points, bottom, "under"), svg.polyline(points, "curve")]
    parts.append(svg.dot(*points[-1], 4, "end"))
    spoken = f"Requests answered by the canary, growing to {wording.count(total)}"
    return svg.picture(width, height, parts, label=spoken)


def _planned(rollout: Json) -> list[float]:
    return [weight / PARTS_PER_PERCENT for weight in rollout.get("plan", {}).get("weights", [])]


def _final_weight(rollout: Json) -> float:
    match rollout["phase"]:
        case "PROMOTED":
            return 100.0
        case "ROLLED_BACK":
            return 0.0
        case _:  # contested: the weight stays what it was
            return float(rollout["stages"][-1]["weight_percent"]) if rollout["stages"] else 0.0


def _span(stage: Json, rollout: Json, seconds: float) -> tuple[float, float]:
    start = wording.seconds_between(rollout.get("started_at"), stage.get("started_at")) or 0.0
    end = wording.seconds_between(rollout.get("started_at"), stage.get("ended_at"))
    return start, seconds if end is None else end


def _step_label(stage: Json, start: float, end: float, y: float) -> list[Markup]:
    if end - start < LABEL_WIDTH:
        return []
    words = f"{wording.count(stage['canary_requests'])} requests"
    fits = end - start >= 1.5 * LABEL_WIDTH
    shown = words if fits else wording.count(stage["canary_requests"])
    return [svg.text((start + end) / 2, y - 8, shown, css="tick strong", anchor="middle")]


def _changes(rollout: Json) -> list[float]:
    starts = (
        wording.seconds_between(rollout.get("started_at"), s.get("started_at"))
        for s in rollout["stages"][1:]
    )
    return [s for s in starts if s is not None]


def _time_axis(x: svg.Scale, seconds: float, bottom: float) -> list[Markup]:
    ceiling, step = _nice(seconds)
    parts = []
    for i in range(round(ceiling / step) + 1):
        if i * step > x.high:
            break
        words = f"{i * step:g} s"
        parts.append(svg.text(x(i * step), bottom + 20, words, css="tick", anchor="middle"))
        parts.append(svg.line(x(i * step), bottom, x(i * step), bottom + 4, "grid"))
    return parts


def _nice(value: float) -> tuple[float, float]:
    # A ceiling above the value and a step of 1, 2 or 5 times a power of ten: 3 to 6 ticks.
    base: float = 10.0 ** math.floor(math.log10(value / 4))
    step = next(base * m for m in (1, 2, 5, 10) if value / (base * m) <= 5)
    return math.ceil(value / step - 1e-9) * step, step


def _top_power(values: Sequence[float], threshold: float) -> int:
    highest = max((_log10(v) for v in values), default=0.0)
    # Far above the threshold nothing more is decided, so the crossing stays visible.
    wanted = min(max(highest, 1.5 * math.log10(threshold)), 4 * math.log10(threshold))
    return 2 * math.ceil(wanted / 2)


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else -300.0


def _power(power: int) -> str:
    plain = {-2: "0.01", 0: "1", 2: "100"}
    return plain.get(power, "10" + str(power).translate(wording.SUPERSCRIPT))


def _thinned(values: Sequence[svg.Point]) -> list[svg.Point]:
    stride = math.ceil(len(values) / MOST_POINTS) or 1
    kept = list(values[::stride])
    return kept if not values or kept[-1] == values[-1] else [*kept, values[-1]]
