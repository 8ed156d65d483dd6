//! `now` in conditions: a moment, with the calendar of any time zone.

use std::{any::Any, cmp::Ordering, sync::Arc};

use cel::{
    Env, ExecutionError,
    common::{
        functions::Function,
        traits::Comparer,
        types::{CelInt, CelString, STRING_TYPE, TIMESTAMP_TYPE, Type},
        value::{CowVal, StaticVal, Val},
    },
};
use jiff::{Zoned, tz::TimeZone};

use crate::clock::Timestamp;

static MOMENT: Type = TIMESTAMP_TYPE;

#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl Val for Moment {
    fn get_type(&self) -> &Type {
        &MOMENT
    }

    fn cel_type() -> &'static Type {
        &MOMENT
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| other.0 == self.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Moment {}

impl Comparer for Moment {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        other.downcast_ref::<Self>().map(|other| self.0.cmp(&other.0)).ok_or_else(|| {
            ExecutionError::function_error("timestamp", "is compared with what is no timestamp")
        })
    }
}

/// What can be asked of a moment. The numbering is that of CEL: months, days of the month and of the year from 0, except
/// `getDate`; days of the week from 0, Sunday.
pub(super) const PARTS: [(&str, Function); 9] = [
    ("getFullYear", |args| part(&args, |at| i64::from(at.year()))),
    ("getMonth", |args| part(&args, |at| i64::from(at.month()) - 1)),
    ("getDate", |args| part(&args, |at| i64::from(at.day()))),
    ("getDayOfMonth", |args| part(&args, |at| i64::from(at.day()) - 1)),
    ("getDayOfYear", |args| part(&args, |at| i64::from(at.day_of_year()) - 1)),
    ("getDayOfWeek", |args| part(&args, |at| i64::from(at.weekday().to_sunday_zero_offset()))),
    ("getHours", |args| part(&args, |at| i64::from(at.hour()))),
    ("getMinutes", |args| part(&args, |at| i64::from(at.minute()))),
    ("getSeconds", |args| part(&args, |at| i64::from(at.second()))),
];

/// The environment of conditions: the standard library of CEL, and moments.
pub(super) fn environment() -> Arc<Env> {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    let mut added = env.add_overload("timestamp", "string_to_moment", vec![STRING_TYPE], timestamp);
    for (name, function) in PARTS {
        added = added
            .and_then(|()| env.add_member_overload(name, "moment", TIMESTAMP_TYPE, vec![], function))
            .and_then(|()| {
                env.add_member_overload(name, "moment_zone", TIMESTAMP_TYPE, vec![STRING_TYPE], function)
            });
    }
    if let Err(error) = added {
        // Conditions that use it fail, and so ask.
        tracing::error!(%error, "a function of conditions could not be declared");
    }
    Arc::new(env)
}

/// The time zone of this name: `Europe/Berlin`, `UTC`, or an offset such as `+02:00`.
pub(super) fn zone(name: &str) -> Result<TimeZone, ExecutionError> {
    let offset = || {
        let (sign, rest) =
            name.strip_prefix('+').map(|rest| (1, rest)).or_else(|| Some((-1, name.strip_prefix('-')?)))?;
        let (hours, minutes) = rest.split_once(':')?;
        let seconds = hours.parse::<u8>().ok().filter(|h| *h < 24)?;
        let minutes = minutes.parse::<u8>().ok().filter(|m| *m < 60)?;
        let seconds = i32::from(seconds) * 3600 + i32::from(minutes) * 60;
        Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(sign * seconds).ok()?))
    };
    offset()
        .or_else(|| TimeZone::get(name).ok())
        .ok_or_else(|| ExecutionError::function_error("timestamp", format!("there is no time zone {name:?}")))
}

fn part<'b, 'v>(
    args: &[CowVal<'b, 'v>],
    read: impl Fn(&Zoned) -> i64,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let moment = args.first().and_then(|moment| moment.downcast_ref::<Moment>());
    let moment = moment.ok_or_else(|| ExecutionError::function_error("timestamp", "there is none"))?;
    let zone = match args.get(1).and_then(|zone| zone.downcast_ref::<CelString<'_>>()) {
        Some(name) => zone(name.inner())?,
        None => TimeZone::UTC,
    };
    Ok(CowVal::owned(CelInt::from(read(&moment.0.to_zoned(zone)))))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that CEL asks for")]
fn timestamp<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = args.first().and_then(|text| text.downcast_ref::<CelString<'_>>());
    text.and_then(|text| text.inner().parse::<Timestamp>().ok())
        .map(|at| CowVal::owned(Moment(at)))
        .ok_or_else(|| ExecutionError::function_error("timestamp", "is not written as 2026-12-24T18:00:00Z"))
}
