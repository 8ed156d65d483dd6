//! How a body ended, read off whatever it returned.
//!
//! The kind of type is found by method lookup, which tries fewer and fewer references: a future first, then a `Result` with
//! an error that can be displayed, debugged, or neither, then any other value.

use std::fmt::{Debug, Display};
use std::future::Future;

/// The value that a body returned.
#[derive(Clone, Copy, Debug)]
pub struct Returned<'a, T>(pub &'a T);

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It returned a value.
    Succeeded,
    /// It returned this error.
    Failed(String),
}

/// The body returned something that has yet to run.
#[derive(Clone, Copy, Debug)]
pub struct ReturnsFuture;

/// What tells how a body ended.
#[diagnostic::on_unimplemented(
    message = "the guarded body returns a future, which would run after its outcome was recorded",
    label = "write `async fn` and await the future in the body"
)]
pub trait IntoOutcome {
    /// How it ended.
    fn into_outcome(self) -> Ended;
}

impl IntoOutcome for Ended {
    fn into_outcome(self) -> Ended {
        self
    }
}

/// First choice.
pub trait FromFuture {
    /// Not an outcome.
    fn outcome(&self) -> ReturnsFuture {
        ReturnsFuture
    }
}

impl<T: Future> FromFuture for &&&&Returned<'_, T> {}

/// Second choice.
pub trait FromDisplay {
    /// With the error's own words.
    fn outcome(&self) -> Ended;
}

impl<T, E: Display> FromDisplay for &&&Returned<'_, Result<T, E>> {
    fn outcome(&self) -> Ended {
        self.0.as_ref().map_or_else(|error| Ended::Failed(error.to_string()), |_| Ended::Succeeded)
    }
}

/// Third choice.
pub trait FromDebug {
    /// With what the error shows to developers.
    fn outcome(&self) -> Ended;
}

impl<T, E: Debug> FromDebug for &&Returned<'_, Result<T, E>> {
    fn outcome(&self) -> Ended {
        self.0.as_ref().map_or_else(|error| Ended::Failed(format!("{error:?}")), |_| Ended::Succeeded)
    }
}

/// Fourth choice.
pub trait FromResult {
    /// With the name of the error's type.
    fn outcome(&self) -> Ended;
}

impl<T, E> FromResult for &Returned<'_, Result<T, E>> {
    fn outcome(&self) -> Ended {
        match self.0 {
            Ok(_) => Ended::Succeeded,
            Err(_) => Ended::Failed(std::any::type_name::<E>().to_owned()),
        }
    }
}

/// Last choice.
pub trait FromAny {
    /// A value that is no `Result` is a success.
    fn outcome(&self) -> Ended {
        Ended::Succeeded
    }
}

impl<T> FromAny for Returned<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! outcome {
        ($returned:expr) => {
            (&&&&&Returned(&$returned)).outcome()
        };
    }

    struct Silent;

    #[derive(Debug)]
    struct OnlyDebug;

    #[test]
    fn an_error_tells_as_much_as_it_can() {
        assert_eq!(outcome!(Ok::<u8, String>(1)), Ended::Succeeded);
        assert_eq!(outcome!(Err::<u8, _>("too late")), Ended::Failed("too late".into()));
        assert_eq!(outcome!(Err::<u8, _>(OnlyDebug)), Ended::Failed("OnlyDebug".into()));
        let Ended::Failed(name) = outcome!(Err::<u8, _>(Silent)) else { panic!("an error is a failure") };
        assert!(name.ends_with("Silent"));
        assert_eq!(outcome!(Ok::<u8, Silent>(1)), Ended::Succeeded);
    }

    #[test]
    fn other_values_are_successes_and_futures_are_none() {
        assert_eq!(outcome!(7), Ended::Succeeded);
        assert_eq!(outcome!(Some(Silent)), Ended::Succeeded);
        let ReturnsFuture = outcome!(std::future::ready(1));
        let ReturnsFuture = outcome!(Box::pin(async { 1_u8 }) as std::pin::Pin<Box<dyn Future<Output = u8>>>);
    }

    #[test]
    fn a_generic_error_is_read_by_its_bounds() {
        fn known<T, E: Display>(returned: &Result<T, E>) -> Ended {
            outcome!(*returned)
        }
        fn unknown<T, E>(returned: &Result<T, E>) -> Ended {
            outcome!(*returned)
        }
        assert_eq!(known(&Err::<u8, _>("no")), Ended::Failed("no".into()));
        assert!(matches!(unknown(&Err::<u8, _>("no")), Ended::Failed(name) if name.contains("str")));
    }
}
