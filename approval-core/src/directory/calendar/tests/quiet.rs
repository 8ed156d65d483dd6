use jiff::civil::time;
use proptest::prelude::*;

use super::*;
use crate::model::Priority;

fn nights(name: &str) -> QuietHours {
    QuietHours {
        zone: zone(name),
        rules: vec![
            QuietRule { hours: daily("22:00-07:00"), up_to: Priority::High },
            QuietRule { hours: daily("20:00-22:00, 07:00-08:00"), up_to: Priority::Low },
        ],
    }
}

#[test]
fn what_is_not_important_enough_waits() {
    let quiet = nights("Europe/Berlin");
    let until = |priority, moment: &str| quiet.until(priority, at(moment)).map(|end| end.to_string());
    assert_eq!(until(Priority::Critical, "2026-01-05T23:00:00Z"), None);
    assert_eq!(until(Priority::High, "2026-01-05T23:00:00Z").unwrap(), "2026-01-06T06:00:00Z");
    assert_eq!(until(Priority::High, "2026-01-05T19:30:00Z"), None);
    assert_eq!(
        until(Priority::Low, "2026-01-05T19:30:00Z").unwrap(),
        "2026-01-06T07:00:00Z",
        "one after the other"
    );
    assert_eq!(until(Priority::High, "2026-01-06T06:00:00Z"), None, "the end does not belong to it");
    // The night in which clocks go forward, and the one in which they go back.
    assert_eq!(until(Priority::Medium, "2026-03-28T21:00:00Z").unwrap(), "2026-03-29T05:00:00Z");
    assert_eq!(until(Priority::Medium, "2026-10-25T00:30:00Z").unwrap(), "2026-10-25T06:00:00Z");
    assert_eq!(until(Priority::Medium, "2026-10-25T01:30:00Z").unwrap(), "2026-10-25T06:00:00Z");
}

#[test]
fn nothing_waits_for_ever() {
    let always = QuietHours {
        zone: zone("UTC"),
        rules: vec![QuietRule { hours: daily("00:00-24:00"), up_to: Priority::Low }],
    };
    let now = at("2026-01-01T12:00:00Z");
    assert!(always.until(Priority::Low, now).unwrap() < now + minutes(20 * 1440));
}

#[test]
fn a_digest_comes_once_a_day_at_its_time() {
    let digest =
        Digest { zone: zone("Australia/Lord_Howe"), at: time(2, 15, 0, 0), up_to: Some(Priority::Low) };
    // In the gap of 4 October it comes when clocks are set; the next day at its time again.
    let gap = digest.next(at("2026-10-03T10:00:00Z"));
    assert_eq!(gap, at("2026-10-03T15:30:00Z"));
    assert_eq!(digest.next(gap), at("2026-10-04T15:15:00Z"));
    // Where 02:15 is no time of the fold, and where the fold repeats 01:45.
    let fold = Digest { at: time(1, 45, 0, 0), ..digest };
    let first = fold.next(at("2026-04-04T10:00:00Z"));
    assert_eq!(first, at("2026-04-04T14:45:00Z"));
    assert_eq!(fold.next(first), at("2026-04-05T15:15:00Z"), "not a second time in the same night");
}

#[test]
fn quiet_hours_that_began_stay_when_the_clock_goes_back_over_midnight() {
    // 00:01 on Sunday, 7 November 2010, became 23:01 on Saturday.
    let sundays = ranges("00:00-07:00");
    let hours = WeeklyHours::new().on([WEEK[6]], sundays[0]);
    let quiet = QuietHours {
        zone: zone("America/St_Johns"),
        rules: vec![QuietRule { hours, up_to: Priority::High }],
    };
    let end = at("2010-11-07T10:30:00Z");
    assert_eq!(quiet.until(Priority::Low, at("2010-11-07T02:29:59Z")), None);
    for moment in
        ["2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z", "2010-11-07T03:00:00Z", "2010-11-07T10:29:59Z"]
    {
        assert_eq!(quiet.until(Priority::Low, at(moment)), Some(end), "{moment}");
    }
    assert_eq!(quiet.until(Priority::Low, end), None);
}

#[test]
fn a_digest_of_a_day_that_comes_twice_comes_once_and_of_a_skipped_day_when_the_next_begins() {
    let noon = |name: &str| Digest { zone: zone(name), at: time(12, 0, 0, 0), up_to: None };
    let kwajalein = noon("Pacific/Kwajalein");
    assert_eq!(kwajalein.next(at("1969-09-29T12:00:00Z")), at("1969-09-30T01:00:00Z"));
    assert_eq!(kwajalein.next(at("1969-09-30T01:00:00Z")), at("1969-10-02T00:00:00Z"));
    // The clock shows the 18th again; noon of the 19th came before.
    let juneau = noon("America/Juneau");
    assert_eq!(juneau.next(at("1867-10-19T00:31:13Z")), at("1867-10-20T20:57:41Z"));
    let apia = noon("Pacific/Apia");
    assert_eq!(apia.next(at("2011-12-29T22:00:00Z")), at("2011-12-30T10:00:00Z"));
    assert_eq!(apia.next(at("2011-12-30T10:00:00Z")), at("2011-12-30T22:00:00Z"));
}

proptest! {
    #[test]
    fn quiet_hours_end_and_are_quiet_until_then((name, moment) in any_place_and_moment()) {
        let quiet = nights(name);
        for (priority, hours) in [(Priority::Low, "20:00-08:00"), (Priority::High, "22:00-07:00")] {
            let is_quiet = |at| covered(&daily(hours), &quiet.zone, at, |_| true);
            let end = quiet.until(priority, moment);
            prop_assert_eq!(end.is_some(), is_quiet(moment));
            if let Some(end) = end {
                // A day more, where one comes twice.
                prop_assert!(end > moment && end <= moment + minutes(38 * 60));
                prop_assert_eq!(quiet.until(priority, end), None);
                prop_assert!(!is_quiet(end));
                prop_assert_eq!(quiet.until(priority, end - Span::from_nanos(1)), Some(end));
            }
        }
    }

    #[test]
    fn a_digest_is_never_more_than_a_long_day_away((name, moment) in any_place_and_moment(), hour in 0_i8..24) {
        let digest = Digest { zone: zone(name), at: time(hour, 0, 0, 0), up_to: None };
        let next = digest.next(moment);
        let today = digest.zone.to_datetime(moment).date();
        let days = (-3..=3).map(|days| (today + jiff::Span::new().days(days)).to_datetime(digest.at));
        let moments = days.map(|civil| first_shown(civil, &digest.zone));
        prop_assert_eq!(Some(next), moments.filter(|one| *one > moment).min());
        // A day more, where one comes twice.
        prop_assert!(next <= moment + minutes(49 * 60));
    }
}
