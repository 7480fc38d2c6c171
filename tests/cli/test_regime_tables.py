"""`footprint --compare`: how arms are shown side by side."""

from __future__ import annotations

from prodabuild.cli.regime_tables import markdown, text
from prodabuild.insight.regimes import compare_runs
from prodabuild.project.experimenting import Experimented
from tests.insight.test_regimes import BASE, RUNS

FOUND = Experimented(compare_runs("regimes", BASE, RUNS), ())
TEXT = """\
what an arm trains on in an epoch, mean over seeds
arm  samples  distinct  records  tokens
all       10        10        4      99
few       10         1        4      99

figures, mean ± standard deviation of 2 seeds
figure        base          all          few
dev          0.500  0.500±0.000  0.500±0.000
sealed       0.250  0.510±0.014  0.610±0.014
framed       0.250  0.420±0.028  0.300±0.000
listed       0.300  0.300±0.000  0.300±0.000
off_format   0.275  0.360±0.014  0.300±0.000
text         5.000  5.150±0.071  5.150±0.071
excess even  1.000  1.000±0.000  1.000±0.000
size             -  0.110±0.014  0.320±0.028

effects: difference from all, and that in pooled deviations of a seed
figure                  few
dev             +0.000 (-)
sealed       +0.100 (+7.1)*
framed       -0.120 (-6.0)*
listed          +0.000 (-)
off_format   -0.060 (-6.0)*
text         +0.000 (+0.0)
excess even     +0.000 (-)
size         +0.210 (+9.4)*

Items: dev 100, sealed 100, framed 100, listed 100; framed and listed: dev items in formats that no recipe has; off_format: their mean.
Text is in bits a token of the text that ships with the package; ranks are shares of what their null gives.
* the 95 % interval of the difference leaves out 0 (Student, over seeds): 4 of 8. Chance alone gives about 0.
"""
MARKDOWN = """\
## Arms side by side

**what an arm trains on in an epoch, mean over seeds**

| arm | samples | distinct | records | tokens |
| --- | ---: | ---: | ---: | ---: |
| all | 10 | 10 | 4 | 99 |
| few | 10 | 1 | 4 | 99 |

**figures, mean ± standard deviation of 2 seeds**

| figure | base | all | few |
| --- | ---: | ---: | ---: |
| dev | 0.500 | 0.500±0.000 | 0.500±0.000 |
| sealed | 0.250 | 0.510±0.014 | 0.610±0.014 |
| framed | 0.250 | 0.420±0.028 | 0.300±0.000 |
| listed | 0.300 | 0.300±0.000 | 0.300±0.000 |
| off_format | 0.275 | 0.360±0.014 | 0.300±0.000 |
| text | 5.000 | 5.150±0.071 | 5.150±0.071 |
| excess even | 1.000 | 1.000±0.000 | 1.000±0.000 |
| size | - | 0.110±0.014 | 0.320±0.028 |

**effects: difference from all, and that in pooled deviations of a seed**

| figure | few |
| --- | ---: |
| dev | +0.000 (-) |
| sealed | +0.100 (+7.1)* |
| framed | -0.120 (-6.0)* |
| listed | +0.000 (-) |
| off_format | -0.060 (-6.0)* |
| text | +0.000 (+0.0) |
| excess even | +0.000 (-) |
| size | +0.210 (+9.4)* |

Items: dev 100, sealed 100, framed 100, listed 100; framed and listed: dev items in formats that no recipe has; off_format: their mean. Text is in bits a token of the text that ships with the package; ranks are shares of what their null gives. * the 95 % interval of the difference leaves out 0 (Student, over seeds): 4 of 8. Chance alone gives about 0.
"""


def test_the_terminal_shows_data_figures_and_effects() -> None:
    assert "\n".join(text(FOUND, 0)) + "\n" == TEXT


def test_a_pull_request_gets_the_same_as_markdown() -> None:
    assert "\n".join(markdown(FOUND, 0)) == MARKDOWN


def test_more_is_told_of_each_run_where_it_is_asked_for() -> None:
    assert """\

runs: change against the base
run    target  off_format
all@1  +0.250      +0.075
all@2  +0.270      +0.095
few@1  +0.350      +0.025
few@2  +0.370      +0.025
""" in "\n".join(text(FOUND, 1))
