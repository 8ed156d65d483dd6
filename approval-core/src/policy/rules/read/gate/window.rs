//! When what was approved may run.

use crate::{
    model::{RunWindow, WeeklyHours},
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
        entry.key.add_hours(&entry.value, &mut hours);
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
