"""`image-assets rebuild`: exports that would be made otherwise now, and only by this command."""

import json

import pytest

from image_assets_tests.cli.exported import describe, files, opened, take


@pytest.fixture
def exported(shell):
    take(shell)
    return shell


def told(shell, *arguments):
    result = shell.run("rebuild", "--source", "camera", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_is_up_to_date_is_left_alone(exported):
    assert told(exported)["outdated"] == 0


def test_a_recipe_with_other_settings_makes_new_files_beside_the_old_ones(exported):
    before = files(exported, "exports")
    describe(exported, "{preset: classic, name: thumbnail}")

    dry, rebuilt, again = told(exported, "--dry-run"), told(exported), told(exported)

    assert (dry["outdated"], dry["older_recipe"], dry["designs_rebuilt"]) == (3, 3, 0)
    assert (rebuilt["designs_rebuilt"], again["outdated"]) == (1, 0)
    assert len(files(exported, "exports")) == 6
    assert set(before) < set(files(exported, "exports"))


def test_what_other_encoders_make_the_same_is_only_noted(exported):
    with opened(exported) as catalog, catalog.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE exports SET encoder = 'an older one'")

    by_recipe, by_encoder = told(exported, "--recipe"), told(exported, "--encoder")

    assert (by_recipe["outdated"], by_encoder["older_encoder"]) == (0, 3)
    assert (by_encoder["designs_the_same"], by_encoder["bytes"]) == (1, 0)
    assert told(exported)["outdated"] == 0


def test_only_the_days_that_were_asked_for(exported):
    describe(exported, "{preset: classic, name: thumbnail}")

    other = told(exported, "--from", "2025-09-02", "--dry-run")
    day = told(exported, "--from", "2025-09-01", "--to", "2025-09-01", "--dry-run")

    assert (other["outdated"], day["outdated"]) == (0, 3)


def test_a_range_that_ends_before_it_begins_is_refused(exported):
    result = exported.run(
        "rebuild", "--source", "camera", "--from", "2025-09-02", "--to", "2025-09-01"
    )

    assert result.exit_code == 1
    assert "ends (2025-09-01) before it begins" in result.stderr


def test_a_source_that_is_not_there_is_named(exported):
    result = exported.run("rebuild", "--source", "kamera")

    assert result.exit_code == 1
    assert "has no source 'kamera'" in result.stderr
