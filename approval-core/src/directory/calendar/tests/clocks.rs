use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn civil(text: &str) -> DateTime {
    text.parse().unwrap()
}

#[test]
fn a_time_that_is_skipped_happens_when_clocks_are_set() {
    // Berlin goes from 02:00 to 03:00, Lord Howe from 02:00 to 02:30, Santiago from 00:00 to 01:00.
    for (name, skipped, moment) in [
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29T02:59", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z"),
        ("Australia/Sydney", "2026-10-04T02:30", "2026-10-03T16:00:00Z"),
        ("America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00:00Z"),
        ("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-30T23:59:59", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T09:00", "1993-08-21T12:00:00Z"),
    ] {
        assert_eq!(moment_of(civil(skipped), &zone(name)), at(moment), "{name} {skipped}");
    }
}

#[test]
fn a_time_that_is_shown_twice_happens_the_first_time() {
    for (name, twice, moment) in [
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        ("America/Santiago", "2026-04-04T23:30", "2026-04-05T02:30:00Z"),
        ("America/St_Johns", "2010-11-07T00:00", "2010-11-07T02:30:00Z"),
        ("Pacific/Kwajalein", "1969-09-30T09:00", "1969-09-29T22:00:00Z"),
        ("Pacific/Kwajalein", "1969-09-30T23:59:59", "1969-09-30T12:59:59Z"),
    ] {
        assert_eq!(moment_of(civil(twice), &zone(name)), at(moment), "{name} {twice}");
    }
}

#[test]
fn the_ends_of_time_are_no_trap() {
    assert_eq!(moment_of(DateTime::MAX, &zone("America/New_York")), Timestamp::MAX);
    assert_eq!(moment_of(DateTime::MIN, &zone("Asia/Kathmandu")), Timestamp::MIN);
}

proptest! {
    /// Later civil times never happen earlier, and at its moment the wall clock shows no earlier time.
    #[test]
    fn moments_follow_each_other_as_civil_times_do((name, moment) in any_place_and_moment(), step in 1_i64..3000) {
        let zone = zone(name);
        let civil = zone.to_datetime(moment);
        let later = civil + minutes(step);
        let (first, second) = (moment_of(civil, &zone), moment_of(later, &zone));
        prop_assert!(first <= second);
        prop_assert!(first <= moment, "the wall clock showed it at {moment}");
        prop_assert!(zone.to_datetime(second) >= later);
        prop_assert!(zone.to_datetime(second - Span::from_nanos(1)) < later);
        prop_assert_eq!(first, first_shown(civil, &zone));
        prop_assert_eq!(second, first_shown(later, &zone));
    }
}
