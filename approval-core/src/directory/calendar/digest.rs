//! When what is not urgent comes, all at once.

use jiff::{civil::Time, tz::TimeZone};

use super::moment_of;
use crate::{clock::Timestamp, model::Priority};

/// A person's daily digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The zone in which the time is meant.
    pub zone: TimeZone,
    /// When, every day.
    pub at: Time,
    /// What waits for it: everything of this priority or a lower one. `None`: only what is marked as not urgent.
    pub up_to: Option<Priority>,
}

impl Digest {
    /// The first digest after a moment.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let today = self.zone.to_datetime(now).date();
        let days = std::iter::successors(Some(today), |date| date.tomorrow().ok());
        let mut moments = days.take(3).map(|date| moment_of(date.to_datetime(self.at), &self.zone));
        moments.find(|moment| *moment > now).unwrap_or(now)
    }
}
