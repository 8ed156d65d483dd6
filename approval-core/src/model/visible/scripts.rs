//! Words whose letters may pass for others.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::AugmentedScriptSet;

/// A word that may not be what it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspiciousWord {
    /// The word as it stands in the text.
    pub word: String,
    /// Bytes of the text before it.
    pub offset: usize,
    /// What is suspicious about it.
    pub suspicion: Suspicion,
}

/// Why a word is suspicious.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspicion {
    /// Letters of several scripts that are not written together.
    MixedScripts,
    /// Not in Latin letters, but looks like this word that is.
    LooksLike(String),
}

/// Whether a word mixes scripts that are not written together, such as Latin and Cyrillic.
///
/// Latin with Chinese, Japanese or Korean is usual, as are these languages' own mixtures: that is the level "highly
/// restrictive" of UTS #39, section 5.2.
///
/// ```
/// use approval_core::model::visible::mixed_script;
///
/// assert!(mixed_script("p\u{430}ypal")); // a Cyrillic а
/// assert!(!mixed_script("paypal"));
/// ```
#[must_use]
pub fn mixed_script(word: &str) -> bool {
    if word.is_ascii() || !AugmentedScriptSet::for_str(word).is_empty() {
        return false;
    }
    let others: String = word.chars().filter(|character| character.script() != Script::Latin).collect();
    let others = AugmentedScriptSet::for_str(&others);
    !(others.hanb || others.jpan || others.kore)
}

/// The words of a text that mix scripts, or that look like a word in ASCII letters without being one.
///
/// Some true words of other scripts look like Latin ones (Cyrillic `сор`), so a word is not flagged for that when
/// another word of the text shows that its script is in use.
#[must_use]
pub fn suspicious_words(text: &str) -> Vec<SuspiciousWord> {
    if text.is_ascii() {
        return Vec::new();
    }
    let judged: Vec<(usize, &str, Judgement)> = words(text)
        .filter(|(_, word)| !word.is_ascii())
        .map(|(offset, word)| (offset, word, judge(word)))
        .collect();
    let mut in_use = Vec::new();
    for (_, _, judgement) in &judged {
        if let Judgement::Honest(script) = judgement
            && !in_use.contains(script)
        {
            in_use.push(*script);
        }
    }
    judged
        .into_iter()
        .filter_map(|(offset, word, judgement)| {
            let suspicion = match judgement {
                Judgement::Mixed => Suspicion::MixedScripts,
                Judgement::LooksLike(latin, script) if !in_use.contains(&script) => {
                    Suspicion::LooksLike(latin)
                }
                Judgement::LooksLike(..) | Judgement::Honest(_) => return None,
            };
            Some(SuspiciousWord { word: word.to_owned(), offset, suspicion })
        })
        .collect()
}

enum Judgement {
    Mixed,
    /// Every letter that is not ASCII looks like an ASCII one; with the script of the first such letter.
    LooksLike(String, Script),
    /// With the script of its first letter outside ASCII.
    Honest(Script),
}

fn judge(word: &str) -> Judgement {
    if mixed_script(word) {
        return Judgement::Mixed;
    }
    let script =
        word.chars().find(|letter| !letter.is_ascii()).map_or(Script::Latin, |letter| letter.script());
    let ordinary_latin = word.chars().all(|letter| letter.is_ascii() || is_ordinary_latin(letter));
    if ordinary_latin || !word.chars().any(char::is_alphabetic) {
        return Judgement::Honest(script);
    }
    let looks: String = skeleton(word).collect();
    if looks.is_ascii() { Judgement::LooksLike(looks, script) } else { Judgement::Honest(script) }
}

/// Latin letters as languages use them (`ı`, `œ`), not the full-width forms that merely look like ASCII.
fn is_ordinary_latin(letter: char) -> bool {
    letter.script() == Script::Latin && !matches!(letter, '\u{ff00}'..='\u{ffef}')
}

/// Letters, digits and the marks on them; with the byte at which each word begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(is_word_character)?;
        let (_, from) = rest.split_at_checked(start)?;
        let end = from.find(|character| !is_word_character(character)).unwrap_or(from.len());
        let (word, after) = from.split_at_checked(end)?;
        let offset = text.len() - from.len();
        rest = after;
        Some((offset, word))
    })
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric()
        || matches!(
            get_general_category(character),
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(text: &str) -> Vec<(usize, Suspicion)> {
        suspicious_words(text).into_iter().map(|word| (word.offset, word.suspicion)).collect()
    }

    #[test]
    fn cyrillic_within_latin_is_mixed() {
        // а, е, о, р, с, у, х look like a, e, o, p, c, y, x.
        for (word, letter) in [
            ("paypal", 'а'),
            ("refund", 'е'),
            ("google", 'о'),
            ("apple", 'р'),
            ("cancel", 'с'),
            ("yes", 'у'),
            ("box", 'х'),
        ] {
            let latin = match letter {
                'а' => 'a',
                'е' => 'e',
                'о' => 'o',
                'р' => 'p',
                'с' => 'c',
                'у' => 'y',
                _ => 'x',
            };
            let forged = word.replacen(latin, &letter.to_string(), 1);
            assert_ne!(forged, word);
            assert!(mixed_script(&forged), "{forged}");
            assert_eq!(flagged(&format!("to {forged} now")), [(3, Suspicion::MixedScripts)]);
        }
    }

    #[test]
    fn a_whole_word_in_another_script_that_looks_latin_is_flagged() {
        assert_eq!(flagged("refund to раура"), [(10, Suspicion::LooksLike("paypa".to_owned()))]);
        assert_eq!(flagged("ｄｒｏｐ"), [(0, Suspicion::LooksLike("drop".to_owned()))]);
        assert_eq!(flagged("𝐝𝐫𝐨𝐩"), [(0, Suspicion::LooksLike("drop".to_owned()))]);
    }

    #[test]
    fn a_text_in_another_language_is_not() {
        for text in [
            "вернуть деньги, сор",
            "επιστροφή χρημάτων",
            "返金する Tシャツ",
            "환불 PDF파일",
            "退款 USB线",
            "Zurückzahlung für Übergröße, naïve façade, cœur, ısı, være, łódź",
            "استرداد ٣ دينار",
            "धन वापसी",
            "คืนเงิน",
        ] {
            assert_eq!(flagged(text), [], "{text}");
        }
    }

    #[test]
    fn ascii_is_never_flagged() {
        let all: String = (0..128u8).map(char::from).collect();
        assert_eq!(flagged(&all), []);
    }
}
