//! Run windows: when a grant may be consumed.

use jiff::{civil::Date, tz::TimeZone};

use super::Refusal;
use crate::{
    clock::Timestamp,
    error::Invalid,
    model::{Gate, Period, RunWindow},
};

/// How many days ahead an opening of one window is looked for: the hours of each week are the same.
const HORIZON: usize = 16;
/// How often the windows are looked at in turn until all of them are open at the same time.
const ROUNDS: usize = 500;

/// When windows that must all be open are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// They are, until this moment; `None`: there is no window.
    Open(Option<Timestamp>),
    /// They will be from this moment on.
    At(Timestamp),
    /// As far as can be seen, never.
    Never,
}

/// Refuses a moment at which not all of these windows are open. Answers when the first of them closes.
pub(super) fn open_until<'w>(
    windows: impl Iterator<Item = &'w RunWindow>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    match opening(windows, now)? {
        Opening::Open(until) => Ok(until),
        Opening::At(at) => Err(Refusal::OutsideWindow { opens_at: Some(at) }),
        Opening::Never => Err(Refusal::OutsideWindow { opens_at: None }),
    }
}

/// The first moment from `at` on (`at` itself included) at which all run windows of a gate are open.
///
/// # Errors
/// [`Refusal::Invalid`] when there is none, or a time zone is not known.
pub(crate) fn next_opening(gate: &Gate, at: Timestamp) -> Result<Timestamp, Refusal> {
    match opening(gate.run_windows.iter(), at)? {
        Opening::Open(_) => Ok(at),
        Opening::At(opens) => Ok(opens),
        Opening::Never => Err(Invalid::new("run window", &*gate.rule, "never opens")
            .hint("give it hours that its other windows share")
            .into()),
    }
}

fn opening<'w>(windows: impl Iterator<Item = &'w RunWindow>, now: Timestamp) -> Result<Opening, Refusal> {
    let mut zoned = Vec::new();
    for window in windows {
        zoned.push((window, window.zone()?));
    }
    let mut at = now;
    for _ in 0..ROUNDS {
        let mut until: Option<Timestamp> = None;
        let mut closed = None;
        for (window, zone) in &zoned {
            match next(window, zone, at) {
                None => return Ok(Opening::Never),
                Some(stretch) if stretch.contains(at) => {
                    until = Some(until.map_or(stretch.to, |until| until.min(stretch.to)));
                }
                Some(stretch) => {
                    closed = Some(stretch.from);
                    break;
                }
            }
        }
        match closed {
            Some(from) => at = from,
            None if at == now => return Ok(Opening::Open(until)),
            None => return Ok(Opening::At(at)),
        }
    }
    Ok(Opening::Never)
}

/// The first stretch of a window that ends after `at`.
fn next(window: &RunWindow, zone: &TimeZone, at: Timestamp) -> Option<Period> {
    let today = zone.to_datetime(at).date();
    // What begins on the day before may last until now, and so may what begins on the next one, if the clock was set back
    // over midnight since. The calendar has a first day.
    let yesterday = today.yesterday().unwrap_or(today);
    let days = std::iter::successors(Some(yesterday), |date: &Date| date.tomorrow().ok()).take(HORIZON);
    days.flat_map(|date| window.hours.of(date.weekday()).iter().map(move |range| range.on(date, zone)))
        // One that a change of clocks leaves empty contains no moment: the search goes on after it.
        .filter(|stretch| stretch.to > at)
        .min_by_key(|stretch| stretch.from)
}
