import pytest

from infra.postgres.migrate import (
    Migration,
    MigrationError,
    check_history,
    check_numbers,
    load,
)

ONE, TWO = Migration("0001_one.sql", "SELECT 1"), Migration("0002_two.sql", "SELECT 2")


def test_the_files_of_this_package_are_in_order():
    migrations = load()
    check_numbers(migrations)
    assert migrations[0].name.startswith("0001_")


@pytest.mark.parametrize(
    "migrations",
    [[TWO], [ONE, ONE], [ONE, Migration("0003_three.sql", "")], [Migration("1_one.sql", "")]],
)
def test_gaps_and_other_names_are_refused(migrations):
    with pytest.raises(MigrationError):
        check_numbers(migrations)


def test_a_changed_unknown_or_skipped_file_is_refused():
    check_history([ONE, TWO], {ONE.name: ONE.sha256})
    for applied in ({ONE.name: "other"}, {"0009_nine.sql": "x"}, {TWO.name: TWO.sha256}):
        with pytest.raises(MigrationError):
            check_history([ONE, TWO], applied)
