//! Who is on call.

use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};

use super::moment_of;
use crate::{clock::Timestamp, error::Invalid, model::Principal};

/// How long one turn lasts: whole hours of the wall clock. Turns of days and weeks are handed over at the same time of the
/// day all year round; the turn in which clocks are set is an hour shorter or longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift(i64);

/// The longest turn: 400 days.
const LONGEST: i64 = 400 * 24;

impl Shift {
    /// A turn of so many hours.
    ///
    /// # Errors
    /// When it is not between one hour and 400 days.
    pub fn hours(hours: i64) -> Result<Self, Invalid> {
        if (1..=LONGEST).contains(&hours) {
            Ok(Self(hours))
        } else {
            Err(Invalid::new("turn", format!("{hours} hours"), "is not between one hour and 400 days"))
        }
    }

    /// A turn of so many days.
    ///
    /// # Errors
    /// As [`Shift::hours`].
    pub fn days(days: i64) -> Result<Self, Invalid> {
        Self::hours(days.saturating_mul(24))
    }

    /// A turn of so many weeks.
    ///
    /// # Errors
    /// As [`Shift::hours`].
    pub fn weeks(weeks: i64) -> Result<Self, Invalid> {
        Self::days(weeks.saturating_mul(7))
    }

    const fn seconds(self) -> i64 {
        self.0 * 3600
    }
}

/// Another person takes over for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// From this moment on.
    pub from: Timestamp,
    /// Until before this moment.
    pub to: Timestamp,
    /// Who.
    pub person: Principal,
}

/// People who are on call in turns, for ever: before the start the turns are counted backwards. As long as there are members,
/// exactly one person is on call at any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The zone in which turns begin and end.
    pub zone: TimeZone,
    /// When a turn of the first member begins, by the wall clock of the zone.
    pub start: DateTime,
    /// How long a turn lasts.
    pub shift: Shift,
    /// In the order of their turns.
    pub members: Vec<Principal>,
    /// Exceptions; of several for one moment the last one holds.
    pub overrides: Vec<Override>,
}

impl Rotation {
    /// Who is on call at a moment. `None`: it has no members.
    #[must_use]
    pub fn on_call(&self, at: Timestamp) -> Option<&Principal> {
        let covering = self.overrides.iter().rfind(|one| one.from <= at && at < one.to);
        if let Some(covering) = covering {
            return Some(&covering.person);
        }
        let count = i64::try_from(self.members.len()).ok().filter(|count| *count > 0)?;
        let place = self.turn(at).rem_euclid(count);
        self.members.get(usize::try_from(place).ok()?)
    }

    /// A moment after `at` before which no other person comes on call. `None`: never, as far as can be seen.
    #[must_use]
    pub fn next_hand_over(&self, at: Timestamp) -> Option<Timestamp> {
        let exceptions = self.overrides.iter().flat_map(|one| [one.from, one.to]);
        let turn = self.turn(at);
        // In the hour that is skipped when clocks go forward several turns may begin at once.
        let turns =
            (1..=48).filter_map(|more| self.begin(turn.saturating_add(more))).find(|begin| *begin > at);
        exceptions.chain(turns).filter(|moment| *moment > at).min()
    }

    /// The number of the turn that a moment lies in; 0 is the first, negative ones lie before the start.
    fn turn(&self, at: Timestamp) -> i64 {
        let wall = self.zone.to_datetime(at);
        let since = wall.duration_since(self.start).as_secs();
        let mut turn = since.div_euclid(self.shift.seconds());
        // The wall clock may have been set since the turn began.
        while self.begin(turn).is_some_and(|begin| begin > at) {
            turn -= 1;
        }
        while self.begin(turn + 1).is_some_and(|begin| begin <= at) {
            turn += 1;
        }
        turn
    }

    /// When a turn begins. `None` beyond the ends of time.
    fn begin(&self, turn: i64) -> Option<Timestamp> {
        let seconds = turn.checked_mul(self.shift.seconds())?;
        let civil = self.start.checked_add(SignedDuration::from_secs(seconds)).ok()?;
        Some(moment_of(civil, &self.zone))
    }
}
