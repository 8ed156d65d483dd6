use proptest::prelude::*;

use super::*;
use crate::model::Principal;

fn people(names: &str) -> Vec<Principal> {
    names.split_whitespace().map(|name| Principal::user(name).unwrap()).collect()
}

fn rotation(name: &str, start: &str, shift: Shift, members: &str) -> Rotation {
    Rotation {
        zone: zone(name),
        start: start.parse().unwrap(),
        shift,
        members: people(members),
        overrides: Vec::new(),
    }
}

fn on_call(rotation: &Rotation, moment: &str) -> String {
    rotation.on_call(at(moment)).unwrap().name().to_owned()
}

#[test]
fn a_weekly_hand_over_stays_at_its_time_of_the_day() {
    let weekly = rotation("Europe/Berlin", "2026-03-16T09:00", Shift::weeks(1).unwrap(), "ann bob cat");
    for (moment, who) in [
        ("2026-03-16T07:59:59Z", "cat"), // before the start the turns are counted backwards
        ("2026-03-16T08:00:00Z", "ann"), // 09:00 in winter
        ("2026-03-30T06:59:59Z", "bob"), // clocks went forward on the 29th
        ("2026-03-30T07:00:00Z", "cat"), // 09:00 in summer
        ("2026-04-06T07:00:00Z", "ann"),
    ] {
        assert_eq!(on_call(&weekly, moment), who, "{moment}");
    }
    assert_eq!(weekly.next_hand_over(at("2026-03-24T12:00:00Z")), Some(at("2026-03-30T07:00:00Z")));
    assert_eq!(weekly.next_hand_over(at("2026-10-20T12:00:00Z")), Some(at("2026-10-26T08:00:00Z")));
}

#[test]
fn turns_of_half_a_day_are_shorter_and_longer_when_clocks_are_set() {
    let halves = rotation("Australia/Lord_Howe", "2026-01-01T08:00", Shift::hours(12).unwrap(), "day night");
    for (moment, who) in [
        ("2026-04-04T21:29:59Z", "night"), // 07:59:59 after half an hour more
        ("2026-04-04T21:30:00Z", "day"),
        ("2026-10-03T20:59:59Z", "night"), // 07:59:59 after half an hour less
        ("2026-10-03T21:00:00Z", "day"),
    ] {
        assert_eq!(on_call(&halves, moment), who, "{moment}");
    }
}

#[test]
fn an_hourly_rotation_survives_the_setting_of_clocks() {
    let hourly = rotation("Europe/Berlin", "2026-01-01T00:00", Shift::hours(1).unwrap(), "a b");
    // 02:00 to 03:00 does not take place on 29 March; whose turn it would have been has none.
    assert_eq!(on_call(&hourly, "2026-03-29T00:59:59Z"), "b");
    assert_eq!(on_call(&hourly, "2026-03-29T01:00:00Z"), "b");
    assert_eq!(hourly.next_hand_over(at("2026-03-29T01:00:00Z")), Some(at("2026-03-29T02:00:00Z")));
    // 02:00 to 03:00 takes place twice on 25 October: one turn of two hours.
    assert_eq!(on_call(&hourly, "2026-10-25T00:00:00Z"), "a");
    assert_eq!(on_call(&hourly, "2026-10-25T01:59:59Z"), "a");
    assert_eq!(hourly.next_hand_over(at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T02:00:00Z")));
}

#[test]
fn month_ends_and_leap_days_do_not_move_a_hand_over() {
    let daily = rotation("America/New_York", "2028-02-28T09:00", Shift::days(1).unwrap(), "a b c");
    assert_eq!(on_call(&daily, "2028-02-29T14:00:00Z"), "b");
    assert_eq!(on_call(&daily, "2028-03-01T14:00:00Z"), "c");
    assert_eq!(on_call(&daily, "2028-03-01T13:59:59Z"), "b");
}

#[test]
fn somebody_may_take_over_and_the_last_exception_holds() {
    let mut weekly = rotation("UTC", "2026-01-05T09:00", Shift::weeks(1).unwrap(), "ann bob");
    let exception = |from: &str, to: &str, who: &str| Override {
        from: at(from),
        to: at(to),
        person: Principal::user(who).unwrap(),
    };
    weekly.overrides = vec![
        exception("2026-01-06T00:00:00Z", "2026-01-08T00:00:00Z", "cat"),
        exception("2026-01-07T00:00:00Z", "2026-01-07T12:00:00Z", "dan"),
    ];
    let moments = [
        "2026-01-05T10:00:00Z",
        "2026-01-06T00:00:00Z",
        "2026-01-07T00:00:00Z",
        "2026-01-07T12:00:00Z",
        "2026-01-08T00:00:00Z",
    ];
    assert_eq!(moments.map(|moment| on_call(&weekly, moment)), ["ann", "cat", "dan", "cat", "ann"]);
    for pair in moments.windows(2) {
        assert_eq!(weekly.next_hand_over(at(pair[0])), Some(at(pair[1])));
    }
}

#[test]
fn nobody_is_on_call_where_there_is_nobody() {
    let empty = rotation("UTC", "2026-01-05T09:00", Shift::weeks(1).unwrap(), "");
    assert_eq!(empty.on_call(at("2026-01-06T00:00:00Z")), None);
    for (count, fits) in [(0, false), (-1, false), (1, true), (9600, true), (9601, false), (i64::MAX, false)]
    {
        assert_eq!(Shift::hours(count).is_ok(), fits, "{count}");
    }
}

/// When the turn of this number begins.
fn turn_begins(rotation: &Rotation, days: i64, turn: i64) -> Timestamp {
    first_shown(rotation.start + jiff::Span::new().days(turn * days), &rotation.zone)
}

/// The number of the turn that a moment lies in: the last that has begun.
fn turn_at(rotation: &Rotation, days: i64, moment: Timestamp) -> i64 {
    let since = rotation.zone.to_datetime(moment).date() - rotation.start.date();
    let about = i64::from(since.get_days()) / days;
    (about - 5..about + 5).rfind(|turn| turn_begins(rotation, days, *turn) <= moment).unwrap()
}

/// Follows a rotation, whose turns are so many days long, through some hand-overs.
fn hands_over_at_the_civil_time(rotation: &Rotation, days: i64, moment: Timestamp, hand_overs: usize) {
    let count = i64::try_from(rotation.members.len()).unwrap();
    let member = |turn: i64| &rotation.members[usize::try_from(turn.rem_euclid(count)).unwrap()];
    let mut now = moment;
    for _ in 0..hand_overs {
        let turn = turn_at(rotation, days, now);
        let next = rotation.next_hand_over(now).unwrap();
        let middle = now + Span::from_nanos(i64::try_from(next.duration_since(now).as_nanos() / 2).unwrap());
        assert!(next > now);
        for same in [now, middle, next - Span::from_nanos(1)] {
            assert_eq!(rotation.on_call(same), Some(member(turn)), "at {same}, until {next}");
        }
        assert_eq!(next, turn_begins(rotation, days, turn + 1), "after {now}");
        assert_eq!(rotation.on_call(next), Some(member(turn_at(rotation, days, next))), "at {next}");
        now = next;
    }
}

fn rotation_of_days(name: &str, start: &str, days: i64, members: &str) -> Rotation {
    rotation(name, start, Shift::days(days).unwrap(), members)
}

/// At each moment this person is on call, until the next moment.
fn is_followed(rotation: &Rotation, moments: &[(&str, &str, &str)]) {
    for (moment, who, next) in moments {
        assert_eq!(on_call(rotation, moment), *who, "{moment}");
        assert_eq!(rotation.next_hand_over(at(moment)), Some(at(next)), "{moment}");
    }
}

#[test]
fn a_hand_over_on_a_day_that_is_skipped_comes_when_the_next_day_begins() {
    // One second after midnight; 278 turns of 13 days before the first one lies 30 December 2011.
    let apia = rotation_of_days("Pacific/Apia", "2021-12-04T00:00:01", 13, "ann");
    assert_eq!(apia.start, zone("Pacific/Apia").to_datetime(at("2021-12-03T11:00:01Z")));
    hands_over_at_the_civil_time(&apia, 13, at("2011-10-13T10:00:01Z"), 8);

    // Every day at noon: the turn of the 30th, and the way to noon of the 31st is a day long.
    let daily = rotation_of_days("Pacific/Apia", "2011-12-28T12:00", 1, "ann bob cat dan");
    is_followed(
        &daily,
        &[
            ("2011-12-29T21:59:59Z", "ann", "2011-12-29T22:00:00Z"),
            ("2011-12-29T22:00:00Z", "bob", "2011-12-30T10:00:00Z"),
            ("2011-12-30T09:59:59Z", "bob", "2011-12-30T10:00:00Z"),
            ("2011-12-30T10:00:00Z", "cat", "2011-12-30T22:00:00Z"),
            ("2011-12-30T22:00:00Z", "dan", "2011-12-31T22:00:00Z"),
        ],
    );

    // From midnight to midnight, the turn of the 30th has no time at all.
    let midnights = rotation_of_days("Pacific/Apia", "2011-12-29T00:00", 1, "ann bob cat");
    assert_eq!(on_call(&midnights, "2011-12-30T09:59:59Z"), "ann");
    assert_eq!(on_call(&midnights, "2011-12-30T10:00:00Z"), "cat");
    let kwajalein = rotation_of_days("Pacific/Kwajalein", "1993-08-20T00:00", 1, "ann bob cat");
    assert_eq!(on_call(&kwajalein, "1993-08-21T11:59:59Z"), "ann");
    assert_eq!(on_call(&kwajalein, "1993-08-21T12:00:00Z"), "cat");
}

#[test]
fn a_hand_over_on_a_day_that_comes_twice_comes_the_first_time() {
    // 30 September 1969 at 09:00 was at 22:00 UTC on the 29th, and again at 21:00 UTC.
    let daily = rotation_of_days("Pacific/Kwajalein", "1969-09-29T09:00", 1, "ann bob cat");
    is_followed(
        &daily,
        &[
            ("1969-09-29T21:59:59Z", "ann", "1969-09-29T22:00:00Z"),
            ("1969-09-29T22:00:00Z", "bob", "1969-10-01T21:00:00Z"),
            ("1969-09-30T21:00:00Z", "bob", "1969-10-01T21:00:00Z"),
            ("1969-10-01T21:00:00Z", "cat", "1969-10-02T21:00:00Z"),
        ],
    );
    for (name, change) in CHANGES {
        for days in 1..4 {
            let start = zone(name).to_datetime(at(change) - minutes(1));
            let rotation = rotation_of_days(name, &start.to_string(), days, "ann bob cat dan");
            hands_over_at_the_civil_time(&rotation, days, at(change) - minutes(4 * 1440), 9);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// From hand-over to hand-over one and the same person is on call, and the next in turn follows; hand-overs come when the
    /// wall clock first shows the time of one, or a later time if that is skipped.
    #[test]
    fn exactly_one_person_is_on_call_and_hands_over_at_the_civil_time(
        (name, moment) in any_place_and_moment(), start in any_moment(), days in 1_i64..15, count in 1_usize..5
    ) {
        let zone = zone(name);
        let members: Vec<Principal> = (0..count).map(|n| Principal::user(&format!("p{n}")).unwrap()).collect();
        let start = zone.to_datetime(start);
        let rotation = Rotation { zone, start, shift: Shift::days(days).unwrap(), members, overrides: Vec::new() };
        hands_over_at_the_civil_time(&rotation, days, moment, 6);
    }
}
