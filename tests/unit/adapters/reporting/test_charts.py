import re
import xml.etree.ElementTree as ET

import pytest

from headgate.adapters.reporting import curve_charts, interval_chart, rollout_charts, svg

MIDDLE_OF = {"left": interval_chart.MARGIN, "right": interval_chart.WIDTH - interval_chart.MARGIN}


def drawn(markup):
    return ET.fromstring(str(markup))  # noqa: S314 - we made it


def by_class(picture, css):
    return [e for e in picture.iter() if css in (e.get("class") or "").split()]


def points(path):
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", path.get("d"))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def gate(**changes):
    return {
        "name": "accuracy",
        "verdict": "PASS",
        "reason": "",
        "value": 0.875,
        "low": 0.86,
        "high": 0.89,
        "limit": 0.85,
        "limit_kind": "min",
        "judged": True,
        **changes,
    }


class TestDrawing:
    def test_text_and_attributes_are_escaped(self):
        made = svg.tag("text", "<b>&", aria_label='"><script>', x=1.25, y=None)
        assert (
            str(made) == '<text aria-label="&#34;&gt;&lt;script&gt;" x="1.2">&lt;b&gt;&amp;</text>'
        )

    def test_a_scale_keeps_values_inside(self):
        scale = svg.Scale(0.0, 10.0, 100.0, 0.0)
        assert [scale(v) for v in (-5, 0, 2.5, 10, 99)] == [100, 100, 75, 0, 0]

    def test_a_box_may_be_given_backwards(self):
        assert str(svg.box(10, 20, -4, -6, "b")) == str(svg.box(6, 14, 4, 6, "b"))

    def test_no_points_make_no_area(self):
        assert svg.area([], 10, "under") == ""


class TestIntervals:
    def test_the_allowed_side_of_a_minimum_is_right_of_the_limit(self):
        picture = drawn(interval_chart.gate_bar(gate()))
        (allowed,), (limit,), (span,) = (
            by_class(picture, css) for css in ("allowed", "limit", "span")
        )
        assert allowed.get("x") == limit.get("x1")
        assert float(allowed.get("x")) + float(allowed.get("width")) == MIDDLE_OF["right"]
        assert float(span.get("x1")) > float(limit.get("x1"))

    def test_the_allowed_side_of_a_maximum_starts_at_zero(self):
        made = gate(name="latency_p95_ms", value=2.0, low=1.0, high=3.0, limit=4.0)
        picture = drawn(interval_chart.gate_bar({**made, "limit_kind": "max"}))
        (allowed,), (dot,) = (by_class(picture, css) for css in ("allowed", "value"))
        assert float(allowed.get("x")) == MIDDLE_OF["left"]
        # 0 to 4 with 12 % room: 2 lies at 2 / 4.48 of the axis of 174 units.
        assert float(dot.get("cx")) == pytest.approx(8 + 174 * 2 / 4.48, abs=0.1)

    def test_a_difference_below_zero_may_have_a_maximum(self):
        made = gate(value=-1.0, low=-2.0, high=-0.5, limit=0.0, limit_kind="max")
        picture = drawn(interval_chart.gate_bar(made))
        (span,) = by_class(picture, "span")
        assert float(span.get("x1")) > MIDDLE_OF["left"]

    def test_what_is_not_judged_has_no_verdicts_colour(self):
        picture = drawn(
            interval_chart.gate_bar(gate(verdict=None, judged=False, limit=None, limit_kind="none"))
        )
        assert picture.get("class") == "interval neutral"
        assert by_class(picture, "limit") == []
        assert picture.get("aria-label") == "Accuracy: 0.875 [0.860, 0.890]; limit none"

    def test_a_gate_without_a_value_or_with_a_lone_point_has_no_picture(self):
        assert interval_chart.gate_bar(gate(value=None, low=None, high=None)) == ""
        assert interval_chart.gate_bar(gate(low=None, high=None, limit=None)) == ""

    def test_a_point_with_a_limit_is_drawn_without_an_interval(self):
        picture = drawn(interval_chart.gate_bar(gate(low=None, high=None)))
        assert by_class(picture, "span") == []
        assert len(by_class(picture, "value")) == 1

    def test_an_undefined_rate_has_no_picture(self):
        undefined = {"value": None, "low": None, "high": None, "reason": "no positives"}
        assert interval_chart.share_bar(undefined, ends=(0, 1), label="TPR") == ""

    def test_the_axis_of_rates_has_round_ends_inside_zero_and_one(self):
        column = {"groups": [{"tpr": {"value": 0.62, "low": 0.51, "high": 1.0}}]}
        assert interval_chart.rate_ends(column, "tpr") == (0.45, 1.0)

    def test_an_axis_over_nothing_known_is_zero_to_one(self):
        assert interval_chart.domain_of([None], within=(0, 1)) == (0, 1)

    def test_the_baseline_does_not_stretch_the_axis_of_the_families(self, acts):
        low, high = interval_chart.leaderboard_ends(acts["act-2"]["training"])
        assert 0.85 < low < high < 0.95

    def test_every_fold_is_a_dot(self, acts):
        row = acts["act-2"]["training"]["leaderboard"][0]
        picture = drawn(interval_chart.fold_strip(row, ends=(0.9, 0.95)))
        assert len(by_class(picture, "fold")) == 5


class TestCurves:
    def test_the_roc_curve_runs_from_corner_to_corner(self, acts):
        evaluation = {**acts["act-2"]["evaluation"]}
        evaluation["roc"] = {
            "false_positive_rate": [0.0, 0.25, 1.0],
            "true_positive_rate": [0.0, 0.75, 1.0],
        }
        (curve,) = by_class(drawn(curve_charts.roc_chart(evaluation)), "curve")
        # The plot spans 48..350 and 284..10: a quarter right is 123.5, three quarters up 78.5.
        assert points(curve) == [(48.0, 284.0), (123.5, 78.5), (350.0, 10.0)]

    def test_the_share_of_positives_is_the_reference_of_precision(self, acts):
        evaluation = {**acts["act-2"]["evaluation"], "rows": 400, "positives": 100}
        (line,) = by_class(drawn(curve_charts.pr_chart(evaluation)), "reference")
        assert float(line.get("y1")) == 284 - 274 * 0.25

    def test_every_bin_of_the_calibration_has_a_point_and_an_interval(self, acts):
        picture = drawn(curve_charts.calibration_chart(acts["act-2"]["evaluation"]))
        assert len(by_class(picture, "point")) == 10
        assert len(by_class(picture, "whisker")) == 10

    def test_an_empty_bin_is_left_out_and_a_bin_without_interval_keeps_its_point(self, acts):
        bins = acts["act-2"]["evaluation"]["calibration"]["bins"]
        bins[0]["observed"] = {"value": None, "low": None, "high": None}
        bins[1]["observed"] |= {"low": None, "high": None}
        picture = drawn(curve_charts.calibration_chart(acts["act-2"]["evaluation"]))
        assert len(by_class(picture, "point")) == 9
        assert len(by_class(picture, "whisker")) == 8

    def test_a_calibration_without_bins_is_an_empty_plot(self, acts):
        evaluation = acts["act-2"]["evaluation"]
        evaluation["calibration"] = {"bins": [], "expected_calibration_error": None}
        picture = drawn(curve_charts.calibration_chart(evaluation))
        assert by_class(picture, "point") == []

    def test_the_shade_of_a_cell_is_its_share_of_the_actual_class(self, acts):
        evaluation = acts["act-2"]["evaluation"]
        evaluation["confusion"] = {
            "labels": ["no", "a very long class name"],
            "counts": [[3, 1], [0, 0]],
        }
        picture = drawn(curve_charts.confusion_chart(evaluation))
        shades = [g.get("opacity") for g in picture.iter("g")]
        # 0.05 + 0.37 x share: 3/4, 1/4, and an absent class.
        assert shades == ["0.33", "0.14", "0.05", "0.05"]
        words = [t.text for t in picture.iter("text")]
        assert "a very long c…" in words
        assert "75.0\N{NO-BREAK SPACE}%" in words
        assert "actual no predicted no: 3" in picture.get("aria-label")


class TestRollout:
    def test_a_promotion_climbs_every_rung_and_ends_on_top(self, acts):
        rollout = acts["act-2"]["decision"]["rollout"]
        picture = drawn(rollout_charts.ladder_chart(rollout))
        (curve,) = by_class(picture, "curve")
        heights = list(dict.fromkeys(y for _, y in points(curve)))
        # Rungs 1 5 10 25 50 100 of 0..6, equally spaced between 226 (bottom) and 24 (top).
        expected = [226 - 202 * rung / 6 for rung in range(1, 7)]
        assert heights == pytest.approx(expected, abs=0.06)
        assert "all traffic" in [t.text for t in by_class(picture, "note")]

    def test_a_roll_back_ends_on_the_ground(self, acts):
        rollout = acts["act-3"]["decision"]["rollout"]
        picture = drawn(rollout_charts.ladder_chart(rollout, size=rollout_charts.NARROW))
        (curve,) = by_class(picture, "curve")
        assert points(curve)[-1][1] == 226.0
        assert picture.get("aria-label").endswith("then 0 %")

    def test_a_contested_rollout_stays_where_it_was(self, acts):
        rollout = {**acts["act-4"]["decision"]["rollout"], "phase": "CONTESTED"}
        label = drawn(rollout_charts.ladder_chart(rollout)).get("aria-label")
        assert label.endswith("then 5 %")

    def test_a_rollout_without_a_stage_stays_on_the_ground(self, acts):
        rollout = {**acts["act-4"]["decision"]["rollout"], "phase": "CONTESTED", "stages": []}
        label = drawn(rollout_charts.ladder_chart(rollout)).get("aria-label")
        assert label.endswith("then 0 %")

    def test_steps_too_short_for_words_keep_their_count_or_nothing(self, acts):
        rollout = acts["act-2"]["decision"]["rollout"]
        wide = [t.text for t in drawn(rollout_charts.ladder_chart(rollout)).iter("text")]
        narrow = [
            t.text
            for t in drawn(rollout_charts.ladder_chart(rollout, size=(480.0, 260.0))).iter("text")
        ]
        first = rollout["stages"][0]["canary_requests"]
        assert f"{first} requests" in wide
        assert f"{first} requests" not in narrow
        assert str(first) in narrow
        tiny = drawn(rollout_charts.ladder_chart(rollout, size=(200.0, 260.0)))
        assert str(first) not in [t.text for t in tiny.iter("text")]

    def test_a_stage_that_has_not_ended_lasts_until_the_last_look(self, acts):
        rollout = acts["act-4"]["decision"]["rollout"]
        rollout["ended_at"] = None
        rollout["stages"][-1]["ended_at"] = None
        seconds = rollout["looks"][-1]["t"]
        assert rollout_charts.length_of(rollout) == seconds
        (curve,) = by_class(drawn(rollout_charts.ladder_chart(rollout)), "curve")
        # The axis shows 12 % more than the rollout took: 62..966.
        assert points(curve)[-3][0] == pytest.approx(62 + 904 / 1.12, abs=0.1)

    def test_harm_crosses_the_threshold_where_the_roll_back_is(self, acts):
        rollout = acts["act-3"]["decision"]["rollout"]
        picture = drawn(rollout_charts.evidence_chart(rollout, "errors"))
        (threshold,) = by_class(picture, "threshold")
        harm = next(e for e in by_class(picture, "evidence") if "harm" in e.get("class"))
        heights = [y for _, y in points(harm)]
        assert heights[-1] < float(threshold.get("y1")) < heights[-2]

    def test_an_e_value_of_zero_and_a_huge_one_stay_inside_the_plot(self, acts):
        rollout = acts["act-3"]["decision"]["rollout"]
        for look in rollout["looks"]:
            look["metrics"]["errors"] |= {"e_harm": 1e300, "e_good": 0.0}
        picture = drawn(rollout_charts.evidence_chart(rollout, "errors"))
        assert all(16 <= y <= 190 for e in by_class(picture, "evidence") for _, y in points(e))

    def test_a_metric_that_was_never_seen_has_an_axis_and_no_evidence(self, acts):
        rollout = {**acts["act-3"]["decision"]["rollout"], "looks": []}
        picture = drawn(rollout_charts.evidence_chart(rollout, "errors"))
        assert all(len(points(e)) == 1 for e in by_class(picture, "evidence"))
        assert rollout_charts.exposure_chart(rollout)

    def test_evidence_that_another_driver_gathered_does_not_start_at_one(self, acts):
        rollout = acts["act-4"]["decision"]["rollout"]
        whole = drawn(rollout_charts.evidence_chart(rollout, "errors"))
        resumed = drawn(
            rollout_charts.evidence_chart({**rollout, "carried": {"seconds": 2}}, "errors")
        )
        first = by_class(whole, "evidence")[0]
        assert points(first)[0][0] == 50.0
        assert points(by_class(resumed, "evidence")[0]) == points(first)[1:]
        nothing = drawn(
            rollout_charts.evidence_chart({**rollout, "carried": {}, "looks": []}, "errors")
        )
        assert len(points(by_class(nothing, "evidence")[0])) == 1
        empty = {**rollout, "carried": {"seconds": 2}, "looks": []}
        assert drawn(rollout_charts.evidence_chart(empty, "errors")) is not None

    def test_exposed_requests_only_grow(self, acts):
        rollout = acts["act-2"]["decision"]["rollout"]
        picture = drawn(rollout_charts.exposure_chart(rollout))
        (curve,) = by_class(picture, "curve")
        heights = [y for _, y in points(curve)]
        assert heights == sorted(heights, reverse=True)
        assert f"{rollout['exposed_requests']:,}" in picture.get("aria-label")

    def test_a_long_rollout_is_drawn_with_few_points_and_its_end(self, acts):
        rollout = acts["act-2"]["decision"]["rollout"]
        look = rollout["looks"][0]
        rollout["looks"] = [{**look, "t": 0.25 * i} for i in range(1, 1001)]
        (curve,) = by_class(drawn(rollout_charts.exposure_chart(rollout)), "curve")
        assert 100 < len(points(curve)) <= 162
        assert points(curve)[-1][0] == 448.0
