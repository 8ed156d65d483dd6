use jiff::civil::DateTime;
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// From hand-over to hand-over one and the same person is on call, and the next in turn follows; hand-overs come when the
    /// wall clock shows the time of the first, unless that is skipped just then.
    #[test]
    fn exactly_one_person_is_on_call_and_hands_over_at_the_civil_time(
        name in any_zone(), start in any_moment(), moment in any_moment(), days in 1_i64..15, count in 1_usize..5
    ) {
        let zone = zone(name);
        let start: DateTime = zone.to_datetime(start);
        let members: Vec<Principal> = (0..count).map(|n| Principal::user(&format!("p{n}")).unwrap()).collect();
        let rotation = Rotation { zone: zone.clone(), start, shift: Shift::days(days).unwrap(), members, overrides: Vec::new() };
        let mut now = moment;
        for _ in 0..6 {
            let person = rotation.on_call(now).unwrap().clone();
            let next = rotation.next_hand_over(now).unwrap();
            prop_assert!(next > now);
            prop_assert_eq!(rotation.on_call(next - Span::from_nanos(1)), Some(&person));
            let middle = now + Span::from_nanos(i64::try_from(next.duration_since(now).as_nanos() / 2).unwrap());
            prop_assert_eq!(rotation.on_call(middle), Some(&person));
            let place = |who: &Principal| rotation.members.iter().position(|member| member == who).unwrap();
            let after = rotation.on_call(next).unwrap();
            // Samoa skipped a whole day, and with it a turn of one day.
            if name != "Pacific/Apia" {
                prop_assert_eq!(place(after), (place(&person) + 1) % count);
            }
            let wall = zone.to_datetime(next);
            if wall.time() != start.time() {
                let skipped = zone.to_ambiguous_timestamp(wall.date().to_datetime(start.time()));
                prop_assert!(matches!(skipped.offset(), jiff::tz::AmbiguousOffset::Gap { .. }), "handed over at {}", wall);
            }
            now = next;
        }
    }
}
