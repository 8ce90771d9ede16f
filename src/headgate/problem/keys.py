"""Every key of a problem file: what it may hold and what it is for.

Validation and the published schema are both made from these tables; the defaults are those of the
dataclasses in `sections.py`.
"""

from typing import get_args

from headgate.problem.kinds import Choice, Label, ListOf, MapOf, Number, Text
from headgate.problem.section import Key, Section
from headgate.problem.sections import (
    AccuracyGate,
    Checks,
    Columns,
    Data,
    FairnessGate,
    Family,
    Gates,
    ImprovementGate,
    LatencyGate,
    LiveMetric,
    Problem,
    Rollout,
    SelectionMetric,
    Split,
    Target,
    Training,
)

NAMES = ListOf(item=Label())
SHARE = Number(low=0, high=1)
PART = Number(low=0, high=1, open_low=True, open_high=True)
RATE = Number(low=0, high=1, open_low=True, open_high=True)
SECONDS = Number(low=0)
POSITIVE = Number(low=0, open_low=True)

DATA = Section(
    Data,
    (
        Key("path", Text(), "Parquet or CSV file; a relative path starts at the problem file"),
        Key(
            "missing_values",
            ListOf(item=Label(may_be_blank=True)),
            'Cells that mean "missing", such as "?"; empty cells always do',
        ),
    ),
)

TARGET = Section(
    Target,
    (
        Key("column", Label(), "Column that is predicted; it has exactly two values"),
        Key("positive", Label(), "The value whose probability is predicted, as in the data"),
    ),
)

COLUMNS = Section(
    Columns,
    (
        Key("numeric", NAMES, "Features that are numbers"),
        Key("categorical", NAMES, "Features that are categories"),
        Key(
            "protected",
            NAMES,
            "Columns whose groups are compared; they may also stand among the features",
        ),
        Key("weight", Label(), "Column with the sample weight of the fit", nullable=True),
        Key(
            "id",
            Label(),
            "Column that identifies a row and so decides its part of the split",
            nullable=True,
        ),
    ),
)

CHECKS = Section(
    Checks,
    (
        Key("min_rows", Number(low=1, whole=True), "Rows below which nothing can be decided"),
        Key("max_missing_share", SHARE, "Largest share of missing cells over all named columns"),
        Key("max_missing_share_by_column", MapOf(item=SHARE), "The same for single columns"),
        Key(
            "ranges",
            MapOf(item=ListOf(item=Number(), length=2)),
            "Allowed [smallest, largest] value of numeric columns",
        ),
        Key(
            "categories",
            MapOf(item=ListOf(item=Label(), at_least=1)),
            "Allowed values of columns that are not numeric",
        ),
        Key("max_duplicate_share", SHARE, "Largest share of rows that repeat an earlier row"),
    ),
)

SPLIT = Section(
    Split,
    (
        Key("key", Label(), "Key of the hash that deals the rows; another key deals them anew"),
        Key("train", PART, "Share of the rows that models are fitted on"),
        Key("test", PART, "Share of the rows that the gates judge"),
        Key("live", PART, "Share of the rows that local runs replay as traffic; no gate sees it"),
    ),
)

TRAINING = Section(
    Training,
    (
        Key(
            "families",
            ListOf(item=Choice(options=get_args(Family)), at_least=1),
            "Model families that compete",
        ),
        Key("folds", Number(low=2, high=50, whole=True), "Folds of the cross-validation"),
        Key("metric", Choice(options=get_args(SelectionMetric)), "Metric that picks the family"),
        Key("seed", Number(low=0, high=2**32 - 1, whole=True), "Seed of folds and fits"),
    ),
)

FAIRNESS_GATE = Section(
    FairnessGate,
    (
        Key("column", Label(), "A column of columns.protected"),
        Key("max", SHARE, "Limit that the upper bound of the difference must stay below"),
        Key("min_support", Number(low=1, whole=True), "Rows a group needs to be judged"),
    ),
)

GATES = Section(
    Gates,
    (
        Key(
            "accuracy",
            Section(AccuracyGate, (Key("min", SHARE, "Smallest accuracy on the test part"),)),
            "Accuracy on the test part",
            nullable=True,
        ),
        Key(
            "latency_p95_ms",
            Section(LatencyGate, (Key("max", POSITIVE, "Largest latency in milliseconds"),)),
            "95th percentile of the time of one request to the exported model",
            nullable=True,
        ),
        Key(
            "improvement",
            Section(
                ImprovementGate,
                (
                    Key(
                        "min",
                        Number(low=-1, high=1, open_low=True, open_high=True),
                        "Accuracy gain that must be exceeded",
                    ),
                ),
            ),
            "Gain over the champion (or the majority class) on the same rows",
            nullable=True,
        ),
        Key(
            "equalized_odds_difference",
            FAIRNESS_GATE,
            "Largest difference between groups in true or false positive rate",
            nullable=True,
        ),
        Key(
            "demographic_parity_difference",
            FAIRNESS_GATE,
            "Largest difference between groups in the share that is selected",
            nullable=True,
        ),
    ),
)

LIVE_METRIC = Section(
    LiveMetric,
    (
        Key("tolerated_ratio", Number(low=1), "Canary / champion rate that is still no harm"),
        Key(
            "max_ratio",
            Number(low=1, open_low=True),
            "Canary / champion rate that a PASS must exclude; above tolerated_ratio",
        ),
        Key("absolute_floor", RATE, "Rate below which a canary is good whatever the champion does"),
        Key(
            "harmful_ratio",
            Number(low=1, open_low=True),
            "Smallest regression that the last stage must be able to see; above tolerated_ratio",
        ),
        Key("base_rate", RATE, "Rate assumed when the plan is drawn up; no decision uses it"),
    ),
)

ROLLOUT = Section(
    Rollout,
    (
        Key(
            "stages_percent",
            ListOf(item=Number(low=0.01, high=99.99), at_least=1),
            "Shares of the traffic for the canary, rising, in steps of 0.01; then comes 100",
        ),
        Key("alpha", RATE, "Chance of rolling back an equally good canary for harm, in all"),
        Key("errors", LIVE_METRIC, "Answers with status 5xx and time-outs", nullable=True),
        Key("slow_answers", LIVE_METRIC, "Answers slower than slow_above_ms", nullable=True),
        Key("wrong_answers", LIVE_METRIC, "Predictions that their label refutes", nullable=True),
        Key("slow_above_ms", POSITIVE, "An answer slower than this is a bad event"),
        Key("warm_up_seconds", SECONDS, "Time after the canary's start that is not counted"),
        Key("min_stage_seconds", SECONDS, "Shortest time at a stage"),
        Key("max_hold_seconds", SECONDS, "Longest wait for a PASS at the last stage"),
        Key("deadline_seconds", POSITIVE, "Longest time of the whole rollout"),
        Key("look_seconds", POSITIVE, "Time between two looks at the evidence"),
        Key("heartbeat_timeout_seconds", POSITIVE, "Silence after which the guard sets weight 0"),
        Key("label_delay_seconds", SECONDS, "Local runs: time until a request's label arrives"),
        Key("traffic_per_second", POSITIVE, "Local runs: rate of the replayed requests"),
    ),
)

PROBLEM = Section(
    Problem,
    (
        Key(
            "name",
            Text(
                pattern=r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]",
                allowed="2 to 63 small letters, digits and dashes, no dash at either end",
            ),
            "Name of the registered model: small letters, digits and dashes",
        ),
        Key("data", DATA, "Where the table is"),
        Key("target", TARGET, "What is predicted"),
        Key("columns", COLUMNS, "The columns by kind; a column that is not named is not read"),
        Key("checks", CHECKS, "What the table must meet before a model is trained on it"),
        Key("split", SPLIT, "Shares of the three parts; they sum to 1"),
        Key("training", TRAINING, "Which model families compete, and by what"),
        Key("gates", GATES, "What a candidate must meet; what is not named is only reported"),
        Key("rollout", ROLLOUT, "How a candidate gets its traffic"),
    ),
)
