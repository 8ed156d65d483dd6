//! Run windows on days that are skipped, that come twice, and when the clock goes back over midnight.

use super::super::window::{next_opening, open_until};
use super::*;
use crate::{
    directory::calendar::Schedule,
    model::{Gate, RunWindow, WeeklyHours},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first moment from `moment` on at which a window of these hours is open.
fn opens(zone: &str, days: &str, hours: &str, moment: &str) -> String {
    let mut gate = Gate::new("rule", Vec::new());
    gate.run_windows = vec![RunWindow::new(zone, [(days, hours)]).unwrap()];
    next_opening(&gate, at(moment)).unwrap().to_string()
}

#[test]
fn a_window_on_a_day_that_is_skipped_opens_a_week_later() {
    // 30 December 2011 was a Friday, 21 August 1993 a Saturday.
    let apia = |moment| opens("Pacific/Apia", "fri", "09:00-17:00", moment);
    assert_eq!(apia("2011-12-24T12:00:00Z"), "2012-01-05T19:00:00Z");
    assert_eq!(apia("2011-12-30T10:00:00Z"), "2012-01-05T19:00:00Z");
    let kwajalein = opens("Pacific/Kwajalein", "sat", "09:00-17:00", "1993-08-21T11:59:59Z");
    assert_eq!(kwajalein, "1993-08-27T21:00:00Z");
    let berlin = opens("Europe/Berlin", "sun", "02:10-02:50", "2026-03-29T00:00:00Z");
    assert_eq!(berlin, "2026-04-05T00:10:00Z");
}

#[test]
fn a_window_on_a_day_that_comes_twice_opens_once() {
    let kwajalein = |moment| opens("Pacific/Kwajalein", "daily", "09:00-17:00", moment);
    assert_eq!(kwajalein("1969-09-29T12:00:00Z"), "1969-09-29T22:00:00Z");
    assert_eq!(kwajalein("1969-09-30T06:00:00Z"), "1969-10-01T21:00:00Z");
    let berlin = |moment| opens("Europe/Berlin", "sun", "02:10-02:50", moment);
    assert_eq!(berlin("2026-10-25T00:00:00Z"), "2026-10-25T00:10:00Z");
    assert_eq!(berlin("2026-10-25T00:50:00Z"), "2026-11-01T01:10:00Z");
}

#[test]
fn a_window_that_opened_stays_open_when_the_clock_goes_back_over_midnight() {
    for (zone, days, hours, from, to) in [
        ("America/St_Johns", "sun", "00:00-12:00", "2010-11-07T02:30:00Z", "2010-11-07T15:30:00Z"),
        ("Antarctica/Casey", "fri", "01:00-05:00", "2010-03-04T14:00:00Z", "2010-03-04T21:00:00Z"),
        // 12:00 on Saturday, 19 October 1867, came before the clock went back a day at 15:33.
        ("America/Juneau", "sat", "12:00-18:00", "1867-10-18T20:57:41Z", "1867-10-20T02:57:41Z"),
    ] {
        let window = RunWindow::new(zone, [(days, hours)]).unwrap();
        let until = |moment| open_until(std::iter::once(&window), moment);
        let mut moment = at(from);
        assert!(until(moment - Span::from_nanos(1)).is_err(), "{zone}");
        while moment < at(to) {
            assert_eq!(until(moment).unwrap(), Some(at(to)), "{zone} at {moment}");
            moment += Span::from_mins(7);
        }
        assert!(until(at(to)).is_err(), "{zone}");
    }
}

/// A run window and a person's schedule of the same hours are open at the same moments.
#[test]
fn a_window_is_open_when_a_schedule_of_its_hours_is() {
    for (zone, change) in [
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "1892-07-04T11:26:56Z"),
        ("Pacific/Kwajalein", "1969-09-30T13:00:00Z"),
        ("America/Juneau", "1867-10-19T00:31:13Z"),
        ("America/St_Johns", "2010-11-07T02:31:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ] {
        for hours in ["09:00-17:00", "22:00-06:00", "00:00-24:00", "23:30-00:30", "12:00-11:59"] {
            for day in crate::model::WEEK {
                let hours = WeeklyHours::new().on([day], hours.parse().unwrap());
                let window = RunWindow::of(zone, hours.clone()).unwrap();
                let schedule = Schedule { hours: Some(hours), ..Schedule::always(window.zone().unwrap()) };
                let mut gate = Gate::new("rule", Vec::new());
                gate.run_windows = vec![window];
                let mut moment = at(change) - Span::from_hours(60);
                while moment < at(change) + Span::from_hours(60) {
                    let opening = next_opening(&gate, moment).unwrap();
                    assert_eq!(Some(opening), schedule.next_opening(moment), "{gate:?} at {moment}");
                    assert_eq!(opening == moment, schedule.is_open(moment), "{gate:?} at {moment}");
                    moment += Span::from_mins(47);
                }
            }
        }
    }
}
