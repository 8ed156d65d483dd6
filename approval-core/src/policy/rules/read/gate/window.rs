//! When what was approved may run.

use crate::{
    model::{RunWindow, TimeRange, WeeklyHours, weekdays},
    yaml::Item,
};

/// `{mon-fri: 09:00-17:00, time_zone: Europe/Berlin}`: days and their hours as in the section `directory`, and the time zone.
pub(super) fn window(item: &Item<'_>) -> Option<RunWindow> {
    let mut hours = WeeklyHours::new();
    let mut zone = None;
    for entry in item.entries()? {
        if entry.key.is_word("time_zone") {
            zone = Some(entry.value);
            continue;
        }
        let days = entry.key.read("days of the week", weekdays).unwrap_or_default();
        for range in ranges(&entry.value) {
            for day in &days {
                hours.add(*day, range);
            }
        }
    }
    let Some(zone) = zone else {
        item.wrong_with("has no `time_zone`", "add one, such as time_zone: Europe/Berlin");
        return None;
    };
    if hours.is_empty() {
        // A mistake in the hours is noted already.
        if item.document().is_clean() {
            item.wrong_with("has no hours", "write {mon-fri: 09:00-17:00, time_zone: Europe/Berlin}");
        }
        return None;
    }
    zone.read("a time zone", |name| RunWindow::of(name, hours))
}

/// Stretches of a day: `09:00-12:00, 13:00-17:00`, or a list.
fn ranges(item: &Item<'_>) -> Vec<TimeRange> {
    let mut ranges = Vec::new();
    for one in item.one_or_many() {
        let Some(text) = one.words() else { continue };
        for part in text.split(',') {
            ranges.extend(one.read("hours such as 09:00-17:00", |_| part.parse::<TimeRange>()));
        }
    }
    ranges
}
