//! Exact numbers: fractions of two whole numbers of 128 bits.
//!
//! JSON does not tell 80 from 80.0, so arithmetic and comparisons work the same for both: no result is rounded. What needs more
//! digits than that is an error.

use std::cmp::Ordering;

use rust_decimal::Decimal;

/// Most digits that an exponent may add.
const EXPONENT_LIMIT: u32 = 38;

/// How a number is written, for `type(…)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Int,
    Uint,
    Double,
}

/// A number, exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// In lowest terms; the denominator is above zero.
    numerator: i128,
    denominator: i128,
    pub(super) form: Form,
}

/// What is wrong with an operation.
pub(super) type Wrong = &'static str;

const TOO_LONG: Wrong = "needs more digits than can be computed exactly";
const BEYOND: Wrong = "went beyond 64 bits";
const DIVISION_BY_ZERO: Wrong = "is a division by zero";

impl Number {
    pub(super) const fn int(whole: i64) -> Self {
        Self { numerator: whole as i128, denominator: 1, form: Form::Int }
    }

    pub(super) const fn uint(whole: u64) -> Self {
        Self { numerator: whole as i128, denominator: 1, form: Form::Uint }
    }

    /// A count.
    pub(super) fn size(count: usize) -> Option<Self> {
        Some(Self::int(i64::try_from(count).ok()?))
    }

    pub(super) fn decimal(decimal: Decimal) -> Option<Self> {
        Self::parse(&decimal.to_string())
    }

    /// Reads a decimal number with or without fraction and exponent. `None`: it is none, or has too many digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (sign, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let has_point = digits.len() > whole.len();
        if has_point && fraction.is_empty() {
            return None;
        }
        let is_whole = !has_point && exponent == 0 && !text.contains(['e', 'E']);
        let fraction = fraction.trim_end_matches('0');
        let magnitude = whole.bytes().chain(fraction.bytes()).try_fold(0_i128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(i128::from(digit.checked_sub(b'0')?))
        })?;
        let form = if is_whole { Form::Int } else { Form::Double };
        if magnitude == 0 {
            return Some(Self { numerator: 0, denominator: 1, form });
        }
        let shift = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let power = u32::try_from(shift.unsigned_abs()).ok().filter(|power| *power <= EXPONENT_LIMIT)?;
        let power = 10_i128.checked_pow(power)?;
        let signed = magnitude.checked_mul(sign)?;
        if shift < 0 {
            Self::new(signed, power, form)
        } else {
            Self::new(signed.checked_mul(power)?, 1, form)
        }
    }

    /// In lowest terms.
    fn new(numerator: i128, denominator: i128, form: Form) -> Option<Self> {
        let divisor = gcd(numerator, denominator)?;
        let (numerator, denominator) = (numerator.checked_div(divisor)?, denominator.checked_div(divisor)?);
        if denominator < 0 {
            return Some(Self {
                numerator: numerator.checked_neg()?,
                denominator: denominator.checked_neg()?,
                form,
            });
        }
        (denominator > 0).then_some(Self { numerator, denominator, form })
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.denominator == 1
    }

    /// The same in another form.
    pub(super) const fn with(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Without its fraction.
    pub(super) fn truncated(&self) -> Option<i128> {
        self.numerator.checked_div(self.denominator)
    }

    pub(super) fn whole(whole: i128, form: Form) -> Self {
        Self { numerator: whole, denominator: 1, form }
    }

    /// As a decimal. `None`: its digits have no end, or are too many.
    pub(super) fn text(&self) -> Option<String> {
        if self.is_whole() {
            return Some(self.numerator.to_string());
        }
        let mut scale = 0_usize;
        let (mut numerator, mut denominator) = (self.numerator, self.denominator);
        while denominator != 1 {
            let more = Self::new(numerator.checked_mul(10)?, denominator, self.form)?;
            // Only the factors 2 and 5 of a denominator go away.
            if more.denominator == denominator {
                return None;
            }
            (numerator, denominator) = (more.numerator, more.denominator);
            scale = scale.checked_add(1)?;
        }
        let digits = format!("{:0>width$}", numerator.unsigned_abs(), width = scale.checked_add(1)?);
        let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(scale)?)?;
        let sign = if numerator < 0 { "-" } else { "" };
        Some(format!("{sign}{whole}.{fraction}"))
    }

    /// The form of what two numbers make, and whether it is one of 64 bits as in CEL.
    fn checked(self, one: Form, other: Form) -> Result<Self, Wrong> {
        let form = match (one, other) {
            (Form::Double, _) | (_, Form::Double) => Form::Double,
            (Form::Uint, Form::Uint) => Form::Uint,
            (Form::Int | Form::Uint, Form::Int | Form::Uint) => Form::Int,
        };
        let fits = match form {
            Form::Double => true,
            _ if !self.is_whole() => return Ok(self.with(Form::Double)),
            Form::Int => i64::try_from(self.numerator).is_ok(),
            Form::Uint => u64::try_from(self.numerator).is_ok(),
        };
        if fits { Ok(self.with(form)) } else { Err(BEYOND) }
    }

    fn sum(self, other: Self) -> Option<Self> {
        let shared = gcd(self.denominator, other.denominator)?;
        let (left, right) = (other.denominator.checked_div(shared)?, self.denominator.checked_div(shared)?);
        let numerator = self.numerator.checked_mul(left)?.checked_add(other.numerator.checked_mul(right)?)?;
        Self::new(numerator, self.denominator.checked_mul(left)?, self.form)
    }

    fn product(self, other: Self) -> Option<Self> {
        // Shortened crosswise first, so that less overflows.
        let one = Self::new(self.numerator, other.denominator, self.form)?;
        let two = Self::new(other.numerator, self.denominator, self.form)?;
        Self::new(
            one.numerator.checked_mul(two.numerator)?,
            one.denominator.checked_mul(two.denominator)?,
            self.form,
        )
    }

    pub(super) fn add(self, other: Self) -> Result<Self, Wrong> {
        self.sum(other).ok_or(TOO_LONG)?.checked(self.form, other.form)
    }

    pub(super) fn subtract(self, other: Self) -> Result<Self, Wrong> {
        let negative = Self { numerator: other.numerator.checked_neg().ok_or(TOO_LONG)?, ..other };
        self.sum(negative).ok_or(TOO_LONG)?.checked(self.form, other.form)
    }

    pub(super) fn multiply(self, other: Self) -> Result<Self, Wrong> {
        self.product(other).ok_or(TOO_LONG)?.checked(self.form, other.form)
    }

    /// Exact, also for two whole numbers: whether a number of JSON is whole depends on its value alone.
    pub(super) fn divide(self, other: Self) -> Result<Self, Wrong> {
        if other.numerator == 0 {
            return Err(DIVISION_BY_ZERO);
        }
        let inverse = Self::new(other.denominator, other.numerator, other.form).ok_or(TOO_LONG)?;
        self.product(inverse).ok_or(TOO_LONG)?.checked(self.form, other.form)
    }

    /// The remainder of two whole numbers, with the sign of the first.
    pub(super) fn remainder(self, other: Self) -> Result<Self, Wrong> {
        if !self.is_whole() || !other.is_whole() {
            return Err("takes the remainder of a number with a fraction");
        }
        let remainder = self.numerator.checked_rem(other.numerator).ok_or(DIVISION_BY_ZERO)?;
        Self::whole(remainder, self.form).checked(self.form, other.form)
    }

    pub(super) fn negate(self) -> Result<Self, Wrong> {
        let numerator = self.numerator.checked_neg().ok_or(TOO_LONG)?;
        Self { numerator, ..self }.checked(self.form, Form::Int)
    }

    /// Exact, and never too long: two fractions are compared by their whole parts, then by what is left of them.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let (mut one, mut other) = ((self.numerator, self.denominator), (other.numerator, other.denominator));
        loop {
            let whole = one.0.div_euclid(one.1).cmp(&other.0.div_euclid(other.1));
            if whole != Ordering::Equal {
                return whole;
            }
            let rest = (one.0.rem_euclid(one.1), other.0.rem_euclid(other.1));
            match rest {
                (0, 0) => return Ordering::Equal,
                (0, _) => return Ordering::Less,
                (_, 0) => return Ordering::Greater,
                // a/b < c/d exactly if d/c < b/a.
                (left, right) => (one, other) = ((other.1, right), (one.1, left)),
            }
        }
    }
}

/// The greatest common divisor, above zero; that of zero and zero is 1.
fn gcd(one: i128, other: i128) -> Option<i128> {
    let (mut one, mut other) = (one.checked_abs()?, other.checked_abs()?);
    while other != 0 {
        (one, other) = (other, one.checked_rem(other)?);
    }
    Some(one.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn told(result: Result<Number, Wrong>) -> String {
        result.map_or_else(str::to_owned, |number| number.text().unwrap_or_else(|| "no end".to_owned()))
    }

    #[test]
    fn numbers_are_read_exactly() {
        for (text, expected, form) in [
            ("0", "0", Form::Int),
            ("-0", "0", Form::Int),
            ("80", "80", Form::Int),
            ("80.0", "80", Form::Double),
            ("-79.50", "-79.5", Form::Double),
            ("0.05", "0.05", Form::Double),
            ("1e+16", "10000000000000000", Form::Double),
            ("1.5e-7", "0.00000015", Form::Double),
            ("18446744073709551617", "18446744073709551617", Form::Int),
            ("0.0000000000000000000000000000000000000", "0", Form::Double),
        ] {
            assert_eq!((n(text).text().as_deref(), n(text).form), (Some(expected), form), "{text}");
        }
        for text in
            ["", "-", ".5", "5.", "1e", "1e300", "1e-300", "--1", "+1", "0x1", "1_0", "NaN", &"9".repeat(40)]
        {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact_whether_or_not_a_number_has_a_fraction() {
        assert_eq!(told(n("80").multiply(n("1.19"))), "95.2");
        assert_eq!(told(n("80.0").multiply(n("1.19"))), "95.2");
        assert_eq!(told(n("0.1").add(n("0.2"))), "0.3");
        assert_eq!(told(n("1").subtract(n("0.9"))), "0.1");
        assert_eq!(told(n("79").divide(n("2"))), "39.5");
        assert_eq!(told(n("79.0").divide(n("2"))), "39.5");
        assert_eq!(told(n("-7").remainder(n("2"))), "-1");
        let third = n("1").divide(n("3")).unwrap();
        assert_eq!(third.text(), None);
        assert_eq!(told(third.multiply(n("3"))), "1");
        assert_eq!(told(n("1").divide(n("0.0"))), DIVISION_BY_ZERO);
        assert_eq!(told(n("1").remainder(n("0"))), DIVISION_BY_ZERO);
        assert_eq!(told(n("1.5").remainder(n("1"))), "takes the remainder of a number with a fraction");
    }

    #[test]
    fn whole_numbers_stay_within_64_bits_and_nothing_wraps() {
        assert_eq!(told(n("9223372036854775807").add(n("1"))), BEYOND);
        assert_eq!(told(n("9223372036854775807").add(n("1.0"))), "9223372036854775808");
        assert_eq!(told(Number::uint(1).subtract(Number::uint(2))), BEYOND);
        assert_eq!(told(n("-9223372036854775808").negate()), BEYOND);
        let long = n("99999999999999999999999999999999999999");
        for result in [
            long.multiply(n("10.5")),
            long.add(n("1e+38")),
            n("1e-38").divide(long),
            n("1e-38").multiply(n("0.1")),
        ] {
            assert_eq!(told(result), TOO_LONG);
        }
    }

    #[test]
    fn comparisons_are_exact() {
        let ascending = [
            "-1e+38",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1.49999999999999999999",
            "-1e-38",
            "0",
            "1e-38",
            "0.3",
            "0.30000000000000004",
            "0.9999999999999999",
            "1",
            "9007199254740992",
            "9007199254740992.5",
            "9007199254740993",
            "1e+38",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(n(one).compare(&n(other)), at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(n("1").divide(n("3")).unwrap().compare(&n("0.33333333333333333333")), Ordering::Greater);
        assert_eq!(n("80").compare(&n("80.0")), Ordering::Equal);
    }
}
