from prodabuild.insight.experiments import ARM, MEASURED, RUN, Named, parse_unit, units_of
from prodabuild.manifest.model import Arm, Experiment

REPEATED = Experiment(arms={"all": Arm(), "few": Arm(repeat=4)}, seeds=[1, 5])


def test_a_run_has_a_unit_of_each_kind_for_every_arm_and_seed_and_the_base_is_measured_first() -> None:
    units = units_of("regimes", REPEATED)
    runs = ("regimes/all@1", "regimes/all@5", "regimes/few@1", "regimes/few@5")
    assert units[ARM] == tuple(f"arm:{run}" for run in runs)
    assert units[RUN] == tuple(f"run:{run}" for run in runs)
    assert units[MEASURED] == ("measured:regimes@base", *(f"measured:{run}" for run in runs))


def test_a_unit_says_what_it_is_about() -> None:
    for unit in (unit for own in units_of("regimes", REPEATED).values() for unit in own):
        assert parse_unit(unit).unit(unit.partition(":")[0]) == unit
    assert parse_unit("run:regimes/few@5") == Named("regimes", "few", 5)
    assert parse_unit("run:regimes/few@5").folder == "experiments/regimes/few@5"
    assert parse_unit("measured:regimes@base").folder == "experiments/regimes/base"
