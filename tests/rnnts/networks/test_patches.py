import numpy as np

from rnnts.networks import patches
from rnnts.networks.lambdas import fusing

nan = float("nan")


def test_a_window_is_filled_up_to_whole_patches_in_front() -> None:
    padded = np.asarray(patches.pad_front(np.array([[1.0, 2.0, 3.0]]), 2))
    np.testing.assert_array_equal(padded, [[nan, 1.0, 2.0, 3.0]])


def test_each_patch_is_one_season_of_steps() -> None:
    folded = np.asarray(patches.fold(np.arange(6.0)[None], 3))
    assert folded.tolist() == [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]


def test_the_seasonal_change_is_missing_in_the_first_season() -> None:
    change = np.asarray(patches.seasonal_change(np.array([[1.0, 2.0, 4.0, 8.0]]), 2))
    np.testing.assert_array_equal(change, [[nan, nan, 3.0, 6.0]])


def test_a_patch_is_read_as_values_known_changes_and_moments() -> None:
    window = np.array([[1.0, nan, 4.0, 8.0]])
    read = np.asarray(patches.read_patches(window, 2, [1, 2]))
    first = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    second = [4.0, 8.0, 1.0, 1.0, 0.0, 4.0, 3.0, 0.0, 6.0, 2.0]
    assert read.tolist() == [[first, second]]


def test_what_a_patch_is_read_as_is_the_same_compiled() -> None:
    window = np.random.default_rng(0).normal(size=(5, 11)).astype("float32")
    window[1, 3:7] = nan
    with fusing():
        compiled = np.asarray(patches.read_patches(window, 4, [2, 4]))
    np.testing.assert_allclose(compiled, patches.read_patches(window, 4, [2, 4]), rtol=1e-5)


def test_an_odd_season_moves_neither_centre_nor_order_of_size_of_the_scale() -> None:
    plain = np.array([[1.0, 3.0, 1.0, 3.0, 1.0, 3.0]])
    odd = np.array([[1.0, 3.0, 1.0, 3.0, 100.0, 300.0]])
    assert np.asarray(patches.season_scale(plain, 2)).tolist() == [[2.0, 1.0]]
    assert np.asarray(patches.season_scale(odd, 2))[0, 0] == 2.0


def test_the_scale_of_a_window_leaves_out_what_is_missing() -> None:
    values = np.array([[9.0, 1.0, nan, nan, 3.0, nan, 5.0, 7.0], [nan] * 8])
    state = np.asarray(patches.season_scale(values, 2))
    assert state.tolist() == [[5.0, (4 + 4 + 2 + 0 + 2) / 5], [0.0, 0.0]]


def test_the_scale_moves_and_grows_with_the_window() -> None:
    values = np.random.default_rng(0).normal(size=(3, 12))
    centre, spread = np.asarray(patches.season_scale(values, 4)).T
    moved = np.asarray(patches.season_scale(1e6 + 5 * values, 4)).T
    np.testing.assert_allclose(moved, [1e6 + 5 * centre, 5 * spread], rtol=1e-9)


def test_moments_of_a_patch_leave_out_what_is_missing() -> None:
    moments = np.asarray(patches.patch_moments(np.array([[[1.0, nan, 3.0], [nan, nan, nan]]])))
    assert moments.tolist() == [[[2.0, 1.0], [0.0, 0.0]]]


def test_the_seasonal_unit_is_the_seasonal_error_inside_the_window() -> None:
    unit = np.asarray(patches.seasonal_unit(np.array([[0.0, 0.0, 1.0, 3.0]]), 2))
    assert unit.tolist() == [[2.0]]


def test_one_odd_season_counts_three_ordinary_ones_in_the_seasonal_unit() -> None:
    ordinary, burst = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 9e3]
    unit = np.asarray(patches.seasonal_unit(np.array([ordinary, [*burst, nan]]), 2))
    np.testing.assert_allclose(unit, [[1.0], [(1 + 1 + 3) / 3]])


def test_where_most_seasons_hold_no_change_all_of_them_count() -> None:
    unit = np.asarray(patches.seasonal_unit(np.array([[0.0] * 6 + [6.0, 6.0]]), 2))
    assert unit.tolist() == [[2.0]]


def test_bases_are_the_last_value_level_newest_mean_older_shifted_and_day_shifted() -> None:
    bases = np.array([[[6.0, 4.0, 16.0, 12.0]]])  # the newest two of a season, and both shifted
    window = np.array([[1.0, 3.0, 5.0, 9.0]])  # its level rose from 2 to 7
    wide = np.asarray(patches.widen_bases([bases, window], [[2, 2, 0]]))
    assert wide.tolist() == [[[9.0, 7.0, 6.0, 5.0, 4.0, 11.0, 16.0, 14.0]]]


def test_three_seasons_give_their_median_too_which_forgets_a_holiday() -> None:
    bases = np.array([[[0.0, 8.0, 7.0, 3.0, 9.0, 9.0]], [[0.0, nan, 7.0, 3.0, nan, 9.0]]])
    window = np.array([[1.0], [1.0]])
    wide = np.asarray(patches.widen_bases([bases, window], [[2, 3, 0]]))
    np.testing.assert_array_equal(wide[0, 0], [1, 0, 5, 8, 7, 7, 3, 7])
    np.testing.assert_array_equal(wide[1, 0], [1, 0, 3.5, nan, 7, nan, 3, 6])


def test_a_smoothed_season_gives_its_columns_and_the_mean_of_the_shifted_ones() -> None:
    bases = np.array([[[6.0, 4.0, 8.0]]])
    wide = np.asarray(patches.widen_bases([bases, np.array([[1.0]])], [[365, 3, 10]]))
    assert wide.tolist() == [[[1.0, 6.0, 4.0, 8.0, 6.0]]]


def test_the_last_value_is_the_newest_that_is_known() -> None:
    window = np.array([[1.0, 4.0, nan], [nan, nan, nan]])
    assert np.asarray(patches.last_known(window)).tolist() == [4.0, 0.0]


def test_without_seasons_the_only_base_is_the_last_value() -> None:
    wide = np.asarray(patches.widen_bases([np.zeros((1, 3, 0)), np.array([[1.0, 4.0]])], []))
    assert wide.tolist() == [[[4.0]] * 3]


def test_where_bases_lie_is_said_in_seasonal_units_and_missing_ones_lie_nowhere() -> None:
    bases = np.array([[[1.0, 3.0, nan]]], np.float32)
    places = np.asarray(patches.place_bases([bases, np.array([[0.5]], np.float32)]))
    assert places.tolist() == [[[4.0, -2.0, 2.0, 0.0]]]


def test_bases_are_compared_for_each_row_of_targets() -> None:
    bases = np.array([[[1.0, 3.0], [1.0, 1.0], [0.0, 100.0]]])
    places = patches.place_bases([bases, np.array([[0.5]])])
    compared = np.asarray(patches.compare_bases(places, step=2))
    assert compared.tolist() == [[[-1.0, 1.0, 1.0, 1.0], [-5.0, 5.0, 5.0, 5.0]]]


def test_a_missing_base_leaves_its_weight_to_the_others() -> None:
    bases = np.array([[[4.0, nan, 6.0]]], np.float32)
    logits = np.array([[[0.0, 50.0, 0.0]]], np.float32)
    mixed = patches.mixture([bases, logits, *np.array([[[2.0]], [[3.0]]], np.float32)])
    np.testing.assert_allclose(mixed, [[(4 + 6) / 2 + 2 * 3]], rtol=1e-6)


def test_rows_are_stretched_over_their_targets() -> None:
    assert np.asarray(patches.stretch(np.array([[1.0, 2.0]]), 3, 5)).tolist() == [[1, 1, 1, 2, 2]]
