import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from headgate.adapters.reporting import (
    RunRecord,
    evaluation_section,
    fairness_section,
    gates_section,
    render_report,
    rollout_section,
    training_section,
    validation_section,
    write_report,
)

VOID = {"meta", "br", "link", "img", "input", "hr"}
EVIL = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}</style><script>alert(2)</script>"


class Page(HTMLParser):
    """Collects elements and checks that every one is closed in its place."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture
def page(records):
    return Page(render_report(records))


def test_the_report_is_one_file_that_needs_no_network_and_no_script(records):
    text = render_report(records)
    page = Page(text)
    assert not page.all("script")
    assert not page.all("link")
    assert "@import" not in text
    assert "url(" not in text
    assert all(a["href"].startswith("#") for a in page.all("a"))
    assert not [a for _, a in page.elements if "src" in a]
    assert not [k for _, a in page.elements for k in a if k.startswith("on")]
    assert len(text) < 400_000


def test_every_link_and_label_finds_its_target_and_no_id_stands_twice(page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a in page.all("a")]
    targets += [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    assert set(targets) <= set(ids)


def test_every_figure_has_words_and_every_table_has_headers(page):
    pictures = [a for a in page.all("svg") if a.get("aria-hidden") != "true"]
    assert len(pictures) > 50
    assert all(a["role"] == "img" and a["aria-label"] for a in pictures)
    assert len(page.all("thead")) == len(page.all("table"))
    assert all(a.get("scope") for a in page.all("th"))


def test_headings_leave_out_no_level(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_several_runs_begin_with_a_summary_and_have_an_anchor_each(page, records):
    anchors = [a["href"] for a in page.all("a")]
    assert anchors[:5] == ["#summary", "#run-1", "#run-2", "#run-3", "#run-4"]
    assert [a["id"] for a in page.all("article")] == ["run-1", "run-2", "run-3", "run-4"]
    for record in records:
        assert record.title in page.text


def test_a_single_run_has_no_navigation(records):
    page = Page(render_report(records[1:2]))
    assert not page.all("nav")
    assert [a["id"] for a in page.all("article")] == ["run-1"]
    assert "Act 2: a better model is promoted" in page.text


def test_the_report_shows_what_each_decision_rests_on(page):
    for words in (
        "0.874 [0.868, 0.881]",  # a gate with its interval
        "Lower bound 0.8678 is above 0.85.",
        "Reported, not gated",
        "Positive labels run from 0.11 to 0.30",
        "baseline: always the more common class",
        "expected calibration error",
        "Against champion 1",
        "Against the majority class",
        "Amer-Indian-Eskimo : 7 rows with the positive label",
        "Proven harmful: evidence",
        "threshold 60",
        "Split p-value",
        "Data fingerprint",
        "train 60.0 %, test 20.0 %, live 20.0 %, key headgate",
        "Problem digest",
        "3f2a9c81d4e7",
        "lightgbm 4.7.0",
        "There was no champion, so there was nothing to compare with",
    ):
        assert words in page.text, words


def test_names_from_the_data_cannot_inject_anything(records):
    record = records[1]
    decision, evaluation, fairness = record.decision, record.evaluation, record.fairness
    decision["title"] = decision["reason"] = decision["problem"] = EVIL
    decision["gates"][1]["reason"] = EVIL
    decision["gates"][5]["name"] = f"equalized_odds_difference:{EVIL}"
    decision["rollout"]["canary"]["deployment"] = EVIL
    decision["rollout"]["stages"][0]["outcome"] = EVIL
    decision["models"]["candidate"]["family"] = EVIL
    decision["data"]["path"] = decision["data"]["split"]["key"] = EVIL
    decision["packages"][EVIL] = EVIL
    evaluation["confusion"]["labels"] = [EVIL, EVIL]
    evaluation["per_class"][0]["label"] = EVIL
    evaluation["slices"][0] |= {"group": EVIL, "column": EVIL}
    evaluation["comparison"]["reference"] = EVIL
    fairness["columns"][0]["column"] = EVIL
    fairness["columns"][0]["groups"][0]["group"] = EVIL
    fairness["columns"][1]["excluded"][0] |= {"group": EVIL, "reason": EVIL}
    record.validation["checks"][0] |= {"column": EVIL, "reason": EVIL}
    record.training["leaderboard"][0]["family"] = EVIL
    evil = RunRecord(**{**{s: getattr(record, s) for s in record.__slots__}, "title": EVIL})
    before, after = Page(render_report(records[:1])), Page(render_report([*records[:1], evil]))
    assert before.all("script") == after.all("script") == []
    assert not after.all("img")
    assert len(after.all("style")) == 1
    assert not [k for _, a in after.elements for k in a if k.startswith("on")]
    assert EVIL in after.text
    assert "49" not in re.findall(r"&(\d+)<", after.text)


@pytest.mark.parametrize(
    "name", ["decision", "evaluation", "fairness", "training", "validation", "split", "export"]
)
def test_a_report_that_is_missing_leaves_the_others_alone(acts, name):
    reports = {**acts["act-2"], name: None}
    page = Page(render_report([RunRecord(title="Run", **reports)]))
    assert "Run" in page.text


def test_a_run_of_which_nothing_is_known_says_so():
    page = Page(render_report([RunRecord(title="Lost"), RunRecord(title="Lost too")]))
    assert "The run ended before a decision was made" in page.text


def test_undefined_numbers_are_dashes_with_a_reason(acts):
    reports = acts["act-2"]
    undefined = {"value": None, "low": None, "high": None, "reason": "no positive row"}
    reports["evaluation"]["metrics"]["recall"] = undefined
    reports["evaluation"]["comparison"] = None
    reports["evaluation"]["slices"] = []
    reports["fairness"]["columns"][0]["demographic_parity_ratio"] = undefined
    reports["fairness"]["columns"][0]["groups"][0]["true_positive_rate"] = undefined
    reports["decision"]["gates"][1] |= {"value": None, "low": None, "high": None}
    page = Page(render_report([RunRecord(title="Run", **reports)]))
    assert page.text.count("no positive row") == 2


def test_writing_makes_folders_and_replaces_an_old_report(tmp_path, records):
    path = tmp_path / "new" / "report.html"
    write_report(path, records[:1])
    write_report(str(path), records[1:2])
    assert "Act 2" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_components_can_show_one_section_as_a_page_of_its_own(acts):
    act = acts["act-2"]
    sections = {
        "Gates": gates_section(act["decision"]),
        "Live rollout": rollout_section(act["decision"]["rollout"]),
        "Model families": training_section(act["training"]),
        "Quality on the test rows": evaluation_section(act["evaluation"]),
        "Fairness by group": fairness_section(act["fairness"]),
        "Data": validation_section(act["validation"]),
    }
    for heading, text in sections.items():
        page = Page(text)
        assert text.startswith("<!doctype html>")
        assert heading in page.text
        assert "h1" in [tag for tag, _ in page.elements]


def test_text_keeps_a_contrast_of_four_and_a_half_in_both_themes(records):
    style = re.search(r"<style>(.*?)</style>", render_report(records), re.DOTALL)[1]
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", theme))
        pairs = [
            (text, page) for text in ("ink", "muted") for page in ("page", "surface", "raised")
        ]
        pairs += [("accent", "surface"), ("accent", "accent-soft"), ("muted", "neutral-soft")]
        pairs += [(v, f"{v}-soft") for v in ("pass", "fail", "insufficient")]
        for text, page in pairs:
            assert contrast(colours[text], colours[page]) >= 4.5, (text, page)


def contrast(first, second):
    """Contrast ratio of WCAG 2.2."""
    brighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
