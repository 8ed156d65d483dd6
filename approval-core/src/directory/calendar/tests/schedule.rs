use std::sync::Arc;

use jiff::civil::{Time, date};
use proptest::prelude::*;

use super::*;

fn berlin() -> Schedule {
    schedule("Europe/Berlin", weekdays("09:00-17:00"))
}

#[test]
fn hours_are_of_the_zone_in_summer_and_in_winter() {
    let office = berlin();
    for (moment, open) in [
        ("2026-01-05T07:59:59Z", false), // Monday, 08:59:59 in winter
        ("2026-01-05T08:00:00Z", true),
        ("2026-01-05T15:59:59Z", true),
        ("2026-01-05T16:00:00Z", false),
        ("2026-07-06T07:00:00Z", true), // Monday, 09:00 in summer
        ("2026-07-06T06:59:59Z", false),
        ("2026-07-04T10:00:00Z", false), // Saturday
    ] {
        assert_eq!(office.is_open(at(moment)), open, "{moment}");
    }
}

#[test]
fn the_next_opening_passes_over_weekends_holidays_and_absences() {
    let mut office = berlin();
    let opening = |office: &Schedule, moment: &str| office.next_opening(at(moment)).unwrap().to_string();
    assert_eq!(opening(&office, "2026-01-05T09:12:13Z"), "2026-01-05T09:12:13Z", "it is open");
    // Friday evening to Monday; clocks go forward on the Sunday between.
    assert_eq!(opening(&office, "2026-03-27T17:00:00Z"), "2026-03-30T07:00:00Z");
    // And back.
    assert_eq!(opening(&office, "2026-10-23T17:00:00Z"), "2026-10-26T08:00:00Z");
    // Month end and new year, with two days off.
    office.holidays = vec![
        Arc::new(Holidays { dates: [date(2027, 1, 4)].into(), ..Holidays::default() }),
        Arc::new(Holidays { yearly: [YearDay { month: 1, day: 1 }].into(), ..Holidays::default() }),
    ];
    assert_eq!(opening(&office, "2026-12-31T16:00:00Z"), "2027-01-05T08:00:00Z");
    // Away from Tuesday morning until Wednesday noon, and on until Thursday.
    office.away = vec![
        Period { from: at("2027-01-06T11:00:00Z"), to: at("2027-01-06T23:00:00Z") },
        Period { from: at("2027-01-05T07:00:00Z"), to: at("2027-01-06T11:00:00Z") },
    ];
    assert_eq!(opening(&office, "2026-12-31T16:00:00Z"), "2027-01-07T08:00:00Z");
    assert_eq!(opening(&office, "2027-01-06T10:59:00Z"), "2027-01-07T08:00:00Z");
}

#[test]
fn leap_days_and_month_ends_are_days_like_others() {
    let mut office = berlin();
    // 29 February 2028 is a Tuesday, and a holiday of every (leap) year here.
    assert!(office.is_open(at("2028-02-29T09:00:00Z")));
    office.holidays =
        vec![Arc::new(Holidays { yearly: [YearDay { month: 2, day: 29 }].into(), ..Holidays::default() })];
    assert_eq!(office.next_opening(at("2028-02-28T16:00:00Z")), Some(at("2028-03-01T08:00:00Z")));
    assert_eq!(office.next_opening(at("2026-02-27T16:00:00Z")), Some(at("2026-03-02T08:00:00Z")));
    assert!(office.is_open(at("2026-04-30T09:00:00Z")));
}

#[test]
fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
    let mut night = schedule("America/New_York", weekdays("22:00-06:00"));
    // Saturday 05:59 in New York still belongs to Friday; Sunday night does not begin.
    assert!(night.is_open(at("2026-01-10T10:59:00Z")));
    assert!(!night.is_open(at("2026-01-10T11:00:00Z")));
    assert!(!night.is_open(at("2026-01-12T04:00:00Z")));
    assert_eq!(night.next_opening(at("2026-01-10T11:00:00Z")), Some(at("2026-01-13T03:00:00Z")));
    // A holiday on Wednesday: Tuesday's night goes on into it, its own does not begin.
    night.holidays = vec![Arc::new(Holidays { dates: [date(2026, 1, 14)].into(), ..Holidays::default() })];
    assert!(night.is_open(at("2026-01-14T10:00:00Z")));
    assert!(!night.is_open(at("2026-01-15T04:00:00Z")));
}

#[test]
fn the_night_in_which_clocks_are_set_is_shorter_or_longer() {
    let length = |name: &str, first: jiff::civil::Date, text: &str| {
        let period = text.parse::<TimeRange>().unwrap().on(first, &zone(name));
        period.to.duration_since(period.from).as_mins()
    };
    assert_eq!(length("Europe/Berlin", date(2026, 3, 28), "22:00-06:00"), 7 * 60);
    assert_eq!(length("Europe/Berlin", date(2026, 10, 24), "22:00-06:00"), 9 * 60);
    assert_eq!(length("Australia/Lord_Howe", date(2026, 10, 3), "22:00-06:00"), 7 * 60 + 30);
    assert_eq!(length("Australia/Lord_Howe", date(2026, 4, 4), "22:00-06:00"), 8 * 60 + 30);
    assert_eq!(length("America/Santiago", date(2026, 9, 5), "00:00-24:00"), 24 * 60);
    assert_eq!(length("America/Santiago", date(2026, 9, 6), "00:00-24:00"), 23 * 60);
    assert_eq!(length("Pacific/Apia", date(2011, 12, 30), "09:00-17:00"), 0, "the day did not take place");
    assert_eq!(length("Europe/Berlin", date(2026, 3, 29), "02:10-02:50"), 0, "the hour did not take place");
}

/// These hours on Sundays alone.
fn sundays(name: &str, text: &str) -> Schedule {
    schedule(name, WeeklyHours::new().on([WEEK[6]], text.parse().unwrap()))
}

#[test]
fn hours_that_began_go_on_when_the_clock_goes_back_over_midnight() {
    // 00:01 on Sunday, 7 November 2010, became 23:01 on Saturday.
    let sunday = sundays("America/St_Johns", "00:00-12:00");
    assert!(!sunday.is_open(at("2010-11-07T02:29:59Z")));
    for moment in
        ["2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z", "2010-11-07T03:29:59Z", "2010-11-07T15:29:59Z"]
    {
        assert!(sunday.is_open(at(moment)), "{moment}");
        assert_eq!(sunday.next_opening(at(moment)), Some(at(moment)), "{moment}");
        assert_eq!(sunday.next_change(at(moment)), Some(at("2010-11-07T15:30:00Z")), "{moment}");
    }
    // A holiday on the Sunday takes them away, one on the Saturday does not.
    for (day, open) in [(7, false), (6, true)] {
        let holidays = Holidays { dates: [date(2010, 11, day)].into(), ..Holidays::default() };
        let schedule = Schedule { holidays: vec![Arc::new(holidays)], ..sunday.clone() };
        assert_eq!(schedule.is_open(at("2010-11-07T03:00:00Z")), open, "{day} November");
    }
    // From 02:00 on Friday, 5 March 2010, to 23:00 on Thursday.
    let friday = schedule("Antarctica/Casey", WeeklyHours::new().on([WEEK[4]], ranges("01:00-05:00")[0]));
    assert!(!friday.is_open(at("2010-03-04T13:59:59Z")));
    assert!(friday.is_open(at("2010-03-04T15:30:00Z")));
    assert_eq!(friday.next_change(at("2010-03-04T15:30:00Z")), Some(at("2010-03-04T21:00:00Z")));
}

#[test]
fn hours_of_a_day_that_is_skipped_do_not_take_place_and_those_of_one_that_comes_twice_come_once() {
    // 30 December 2011 was a Friday, 21 August 1993 a Saturday; the next such day opens.
    for (name, day, opens) in [
        ("Pacific/Apia", WEEK[4], "2012-01-05T19:00:00Z"),
        ("Pacific/Kwajalein", WEEK[5], "1993-08-27T21:00:00Z"),
    ] {
        let skipped = schedule(name, WeeklyHours::new().on([day], ranges("09:00-17:00")[0]));
        let before = at(opens) - minutes(11 * 1440);
        assert_eq!(skipped.next_opening(before), Some(at(opens)), "{name}");
        assert!(!skipped.is_open(at(opens) - minutes(6 * 1440)), "{name}");
    }
    // The night of the skipped Friday is what is left of it: Saturday until 06:00. The one before ends at midnight.
    let nights = schedule("Pacific/Apia", WeeklyHours::new().on([WEEK[4]], ranges("22:00-06:00")[0]));
    assert_eq!(nights.next_opening(at("2011-12-29T00:00:00Z")), Some(at("2011-12-30T10:00:00Z")));
    assert_eq!(nights.next_change(at("2011-12-30T10:00:00Z")), Some(at("2011-12-30T16:00:00Z")));
    // A holiday on the day that is skipped takes its night away, and no hour of another day.
    let holidays = vec![Arc::new(Holidays { dates: [date(2011, 12, 30)].into(), ..Holidays::default() })];
    assert!(!Schedule { holidays: holidays.clone(), ..nights }.is_open(at("2011-12-30T12:00:00Z")));
    let days = Schedule { holidays, ..schedule("Pacific/Apia", daily("09:00-17:00")) };
    assert_eq!(days.next_opening(at("2011-12-30T03:00:00Z")), Some(at("2011-12-30T19:00:00Z")));

    // 30 September 1969, a Tuesday, came twice.
    let twice = schedule("Pacific/Kwajalein", daily("09:00-17:00"));
    assert_eq!(twice.next_opening(at("1969-09-29T12:00:00Z")), Some(at("1969-09-29T22:00:00Z")));
    assert_eq!(twice.next_change(at("1969-09-29T22:00:00Z")), Some(at("1969-09-30T06:00:00Z")));
    assert_eq!(twice.next_opening(at("1969-09-30T06:00:00Z")), Some(at("1969-10-01T21:00:00Z")));
}

#[test]
fn whoever_never_works_never_opens_and_without_hours_it_is_always_open() {
    let never = schedule("UTC", WeeklyHours::new());
    assert_eq!(
        (never.next_opening(at("2026-01-01T00:00:00Z")), never.next_change(at("2026-01-01T00:00:00Z"))),
        (None, None)
    );
    let mut always = Schedule::always(zone("UTC"));
    assert!(always.is_open(at("2026-01-01T00:00:00Z")));
    assert_eq!(always.next_change(at("2026-01-01T00:00:00Z")), None);
    always.away = vec![Period { from: at("2026-01-02T00:00:00Z"), to: at("2026-01-09T00:00:00Z") }];
    assert_eq!(always.next_change(at("2026-01-01T00:00:00Z")), Some(at("2026-01-02T00:00:00Z")));
    assert_eq!(always.next_opening(at("2026-01-02T00:00:00Z")), Some(at("2026-01-09T00:00:00Z")));
}

#[test]
fn hours_are_read_as_people_write_them() {
    for (text, written) in
        [("9:00-17:30", "09:00-17:30"), (" 22:00 - 6:00 ", "22:00-06:00"), ("0:00–24:00", "00:00-24:00")]
    {
        assert_eq!(text.parse::<TimeRange>().unwrap().to_string(), written);
    }
    for text in [
        "",
        "9-17",
        "09:00",
        "09:00-25:00",
        "09:60-10:00",
        "24:01-03:00",
        "+9:00-10:00",
        "09:0-10:00",
        "09:000-10:00",
    ] {
        let error = text.parse::<TimeRange>().unwrap_err().to_string();
        assert!(error.contains("not a time from and a time to"), "{text}: {error}");
    }
}

/// Hours of some days of the week, also over midnight, with days off and absences.
fn any_schedule(name: &'static str, near: Timestamp) -> impl Strategy<Value = Schedule> {
    let time = (0_i8..24, prop_oneof![Just(0_i8), Just(30)])
        .prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0));
    let range =
        (0_usize..7, time.clone(), time).prop_map(|(day, from, to)| (WEEK[day], TimeRange { from, to }));
    let hours = prop::collection::vec(range, 1..6);
    let off = prop::collection::btree_set(-3_i64..12, 0..4);
    let away = prop::collection::vec((-3 * 1440_i64..8 * 1440, 1_i64..3 * 1440), 0..3);
    (hours, off, away).prop_map(move |(hours, off, away)| {
        let zone = zone(name);
        let today = zone.to_datetime(near).date();
        let mut weekly = WeeklyHours::new();
        for (day, range) in hours {
            weekly.add(day, range);
        }
        let dates = off.into_iter().map(|days| today.saturating_add(jiff::Span::new().days(days))).collect();
        let periods = away
            .into_iter()
            .map(|(from, length)| Period { from: near + minutes(from), to: near + minutes(from + length) });
        Schedule {
            holidays: vec![Arc::new(Holidays { dates, ..Holidays::default() })],
            away: periods.collect(),
            ..Schedule { hours: Some(weekly), ..Schedule::always(zone) }
        }
    })
}

/// The same said by the wall clock alone. Right wherever no clock is set nearby.
fn open_by_wall_clock(schedule: &Schedule, moment: Timestamp) -> bool {
    let wall = schedule.zone.to_datetime(moment);
    let off = |day| schedule.holidays.iter().any(|holidays| holidays.contains(day));
    let hours = schedule.hours.as_ref().unwrap();
    let yesterday = wall.date().yesterday().unwrap();
    let today = hours.of(wall.date().weekday()).iter().any(|range| {
        !off(wall.date()) && range.from <= wall.time() && (range.crosses_midnight() || wall.time() < range.to)
    });
    let before = hours
        .of(yesterday.weekday())
        .iter()
        .any(|range| !off(yesterday) && range.crosses_midnight() && wall.time() < range.to);
    (today || before) && !schedule.away.iter().any(|period| period.contains(moment))
}

fn moment_and_schedule() -> impl Strategy<Value = (Timestamp, Schedule)> {
    any_place_and_moment().prop_flat_map(|(name, moment)| (Just(moment), any_schedule(name, moment)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn it_is_open_when_the_wall_clock_says_so((moment, schedule) in moment_and_schedule()) {
        let set = |from: Timestamp| schedule.zone.following(from).next().is_some_and(|set| set.timestamp() < from + minutes(2 * 1440));
        prop_assume!(!set(moment - minutes(1440)));
        prop_assert_eq!(schedule.is_open(moment), open_by_wall_clock(&schedule, moment));
    }

    #[test]
    fn it_is_open_from_the_moment_of_one_civil_time_to_that_of_the_other((moment, schedule) in moment_and_schedule()) {
        let works = |day| !schedule.holidays.iter().any(|holidays| holidays.contains(day));
        let covered = covered(schedule.hours.as_ref().unwrap(), &schedule.zone, moment, works);
        let away = schedule.away.iter().any(|period| period.contains(moment));
        prop_assert_eq!(schedule.is_open(moment), covered && !away);
        prop_assert_eq!(schedule.is_open(moment), schedule.next_opening(moment) == Some(moment));
    }

    #[test]
    fn the_next_opening_is_the_least_moment_that_is_open((moment, schedule) in moment_and_schedule()) {
        let opening = schedule.next_opening(moment);
        if let Some(opening) = opening {
            prop_assert!(opening >= moment);
            prop_assert!(schedule.is_open(opening));
        }
        // Everything begins and ends at whole minutes, but for `moment` itself.
        let end = opening.unwrap_or(moment + minutes(20 * 1440)).min(moment + minutes(20 * 1440));
        let mut before = moment;
        while before < end {
            prop_assert!(!schedule.is_open(before), "open at {before} already");
            before += minutes(5);
        }
        if end > moment {
            prop_assert!(!schedule.is_open(end - Span::from_nanos(1)) || opening.is_none());
        }
    }

    #[test]
    fn nothing_changes_before_the_next_change((moment, schedule) in moment_and_schedule()) {
        let open = schedule.is_open(moment);
        let next = schedule.next_change(moment).unwrap_or(moment + minutes(10 * 1440));
        prop_assert!(next > moment || next == moment && !open && schedule.is_open(moment));
        let mut between = moment;
        while between < next.min(moment + minutes(10 * 1440)) {
            prop_assert_eq!(schedule.is_open(between), open, "at {}", between);
            between += minutes(7);
        }
    }
}
