//! Seed words on a terminal: written down and asked back, or typed in word by word.
//!
//! ```text
//! new       page of 24 words ─▶ clear ─▶ three of them are asked back; a wrong one is asked again
//! restored  words, hidden, one or more a line ─▶ each checked at once ─▶ all 24 fit together? ─▶ clear
//!                            └─ unknown: the nearest word is offered, and that one word asked again
//! ```
//!
//! A conversation over any [`Terminal`]; the one of a person is in `custody`. Guaranteed: a typing error
//! costs one word, never all of them; what was shown is cleared, scrollback included, where the terminal can
//! do it.

use crate::exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome};
use sotto_wallet::keys::Words;
use zeroize::Zeroizing;

/// How often a person can be wrong before the command gives up.
const TRIES: usize = 8;
const WORDS: usize = 24;

/// Where a person reads and types.
pub(crate) trait Terminal {
    /// Shows a text.
    fn show(&mut self, text: &str) -> Outcome;
    /// Clears all that was shown.
    fn clear(&mut self) -> Outcome;
    /// Asks for a line.
    fn ask(&mut self, prompt: &str) -> Outcome<Zeroizing<String>>;
    /// Asks for a line that is not shown while it is typed.
    fn ask_hidden(&mut self, prompt: &str) -> Outcome<Zeroizing<String>>;
}

/// Shows new words, and asks for those at `asked`, counted from 0.
pub(crate) fn show_and_ask_back(terminal: &mut impl Terminal, words: &Words, asked: [usize; 3]) -> Outcome {
    let phrase = words.phrase();
    let all: Vec<&str> = phrase.split_whitespace().collect();
    show_page(terminal, &all)?;
    for place in asked {
        ask_back(terminal, &all, place)?;
    }
    Ok(())
}

fn ask_back(terminal: &mut impl Terminal, all: &[&str], place: usize) -> Outcome {
    for _ in 0..TRIES {
        let answer = terminal.ask(&format!("Word {}: ", place + 1))?;
        if all.get(place).is_some_and(|word| word.eq_ignore_ascii_case(answer.trim())) {
            return Ok(());
        }
        if answer.trim().is_empty() {
            show_page(terminal, all)?;
        } else {
            terminal
                .show("That is another word. Try again, or press return to see the words once more.\n")?;
        }
    }
    Err(Failure::new(Code::Declined, format!("word {} was not entered", place + 1))
        .help("no wallet was created; run the command again and write the words down"))
}

/// Shows the words until return is pressed.
fn show_page(terminal: &mut impl Terminal, all: &[&str]) -> Outcome {
    // Enough capacity for the whole page, so that no reallocation leaves a copy behind.
    let mut page = Zeroizing::new(String::with_capacity(1_024));
    page.push_str(
        "Write these words on paper. Anyone who has them has your money; without them it is lost.\n\n",
    );
    for (i, w) in all.iter().enumerate() {
        page.push_str(&Zeroizing::new(format!(
            "{:>2}. {w:<10}{}",
            i + 1,
            if i % 4 == 3 { "\n" } else { "" }
        )));
    }
    page.push_str("\nPress return when you have written them down. ");
    terminal.ask(&page)?;
    terminal.clear()
}

/// Asks for 24 words.
pub(crate) fn enter(terminal: &mut impl Terminal) -> Outcome<Words> {
    terminal.show(
        "Type the 24 words. They are not shown. Several can be in one line, with or without numbers.\n",
    )?;
    let mut words = enter_from(terminal, Vec::new())?;
    for _ in 0..TRIES {
        match Words::parse(&Zeroizing::new(joined(&words))) {
            Ok(words) => {
                terminal.clear()?;
                return Ok(words);
            }
            Err(_) => words = correct(terminal, words)?,
        }
    }
    Err(Failure::coded(ErrorCode::InvalidWords, "the words do not fit together")
        .help("compare them with your paper, and run the command again"))
}

/// Asks for the rest of the words.
fn enter_from(
    terminal: &mut impl Terminal,
    mut words: Vec<Zeroizing<String>>,
) -> Outcome<Vec<Zeroizing<String>>> {
    let mut offered: Option<&'static str> = None;
    let mut wrong = 0;
    while words.len() < WORDS {
        let line = terminal.ask_hidden(&format!("Word {} of {WORDS}: ", words.len() + 1))?;
        if let (true, Some(word)) = (line.trim().is_empty(), offered.take()) {
            words.push(Zeroizing::new(word.to_owned()));
            continue;
        }
        for typed in split(&line) {
            if words.len() == WORDS {
                terminal.show("There are more than 24 words in this line; the rest is ignored.\n")?;
                break;
            }
            if is_word(&typed) {
                words.push(typed);
                continue;
            }
            wrong += 1;
            if wrong > TRIES {
                return Err(Failure::coded(ErrorCode::InvalidWords, "too many unknown words")
                    .help("compare them with your paper, and run the command again"));
            }
            offered = nearest(&typed);
            let place = words.len() + 1;
            terminal.show(&match offered {
                Some(near) => format!(
                    "Word {place} is not in the list of seed words. Press return to take `{near}`, or type the word again, and what follows it.\n"
                ),
                None => format!("Word {place} is not in the list of seed words. Type it again, and what follows it.\n"),
            })?;
            break;
        }
    }
    Ok(words)
}

/// Asks which word is wrong; all are in the list.
fn correct(
    terminal: &mut impl Terminal,
    mut words: Vec<Zeroizing<String>>,
) -> Outcome<Vec<Zeroizing<String>>> {
    terminal.show("All 24 words are in the list, but they do not fit together: one is another word, or two are exchanged.\n")?;
    let answer = terminal.ask("Number of the word to type again (return: type all again): ")?;
    let place = answer.trim().parse::<usize>().ok().filter(|n| (1..=WORDS).contains(n));
    let Some(place) = place else { return enter_from(terminal, Vec::new()) };
    let typed = terminal.ask_hidden(&format!("Word {place}: "))?;
    match (split(&typed).next().filter(|typed| is_word(typed)), words.get_mut(place - 1)) {
        (Some(typed), Some(word)) => *word = typed,
        _ => terminal.show("That word is not in the list of seed words.\n")?,
    }
    Ok(words)
}

/// The seed words of a text, which may be the numbered list that `wallet init` shows.
pub(crate) fn parse(text: &str) -> Outcome<Words> {
    let words: Vec<Zeroizing<String>> = split(text).collect();
    Words::parse(&Zeroizing::new(joined(&words))).or_refuse("invalid seed words")
}

fn joined(words: &[Zeroizing<String>]) -> String {
    let mut text = String::with_capacity(WORDS * 9);
    words.iter().for_each(|word| {
        text.push_str(word);
        text.push(' ');
    });
    text
}

/// The words of a line in lower case, without numbers such as `7.`.
fn split(line: &str) -> impl Iterator<Item = Zeroizing<String>> + '_ {
    let bare = |part: &str| {
        let digits = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let numbered = digits.len() < part.len();
        let bare = if numbered { digits.trim_start_matches(['.', ')', ':']) } else { part };
        Zeroizing::new(bare.to_lowercase())
    };
    line.split_whitespace().map(bare).filter(|word| !word.is_empty())
}

fn is_word(typed: &str) -> bool {
    Words::list().binary_search(&typed).is_ok()
}

/// The word of the list that is most like what was typed, if one is.
fn nearest(typed: &str) -> Option<&'static str> {
    let near = Words::list().iter().map(|word| (distance(typed, word), *word)).min()?;
    let (distance, word) = near;
    (distance <= 2).then_some(word)
}

/// The number of letters to insert, remove or replace (Levenshtein), up to lengths of 32.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > 32 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(b) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != y));
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A person with prepared answers; keeps what is visible.
    #[derive(Default)]
    struct Script {
        answers: VecDeque<String>,
        shown: String,
        seen: String,
    }

    impl Script {
        fn of(answers: &[&str]) -> Self {
            Self { answers: answers.iter().map(|a| (*a).to_owned()).collect(), ..Self::default() }
        }

        fn next(&mut self, prompt: &str) -> Outcome<Zeroizing<String>> {
            self.show(prompt)?;
            let answer = self.answers.pop_front();
            answer.map(Zeroizing::new).ok_or_else(|| Failure::refused("no more answers"))
        }
    }

    impl Terminal for Script {
        fn show(&mut self, text: &str) -> Outcome {
            self.shown += text;
            self.seen += text;
            Ok(())
        }

        fn clear(&mut self) -> Outcome {
            self.seen.clear();
            Ok(())
        }

        fn ask(&mut self, prompt: &str) -> Outcome<Zeroizing<String>> {
            let answer = self.next(prompt)?;
            self.show(&answer)?;
            Ok(answer)
        }

        fn ask_hidden(&mut self, prompt: &str) -> Outcome<Zeroizing<String>> {
            self.next(prompt)
        }
    }

    fn words() -> Words {
        Words::generate(&mut rand_core::OsRng).unwrap()
    }

    fn all(words: &Words) -> Vec<String> {
        words.phrase().split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_wrong_word_is_asked_again_and_the_page_can_be_seen_again() {
        let words = words();
        let all = all(&words);
        let other = if all[0] == "zoo" { "abandon" } else { "zoo" };
        let mut person = Script::of(&["", other, "", "", &all[0].to_uppercase(), &all[5], &all[23]]);
        show_and_ask_back(&mut person, &words, [0, 5, 23]).unwrap();
        assert!(person.answers.is_empty());
        assert!(person.shown.matches("Write these words on paper").count() == 2);
        let mut never = vec![""];
        never.extend([other; TRIES]);
        let refused = show_and_ask_back(&mut Script::of(&never), &words, [0, 5, 23]).unwrap_err();
        assert_eq!(refused.code, Code::Declined);
    }

    #[test]
    fn words_come_one_by_one_together_or_numbered() {
        let words = words();
        let all = all(&words);
        let numbered: Vec<String> =
            all.iter().enumerate().map(|(i, w)| format!("{:>2}. {w}", i + 1)).collect();
        let stuck: Vec<String> = all.iter().enumerate().map(|(i, w)| format!("{}.{w}", i + 1)).collect();
        let lines: Vec<String> = all.chunks(4).map(|four| four.join("  ").to_uppercase()).collect();
        for answers in
            [all.clone(), vec![all.join(" ")], vec![numbered.join("\n")], vec![stuck.join(" ")], lines]
        {
            let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
            let mut person = Script::of(&answers);
            assert_eq!(*enter(&mut person).unwrap().phrase(), *words.phrase());
            assert!(person.seen.is_empty(), "cleared at the end");
            assert!(!all.iter().any(|word| person.shown.contains(&format!(" {word} "))), "no word was shown");
        }
        assert_eq!(*parse(&numbered.join("\n")).unwrap().phrase(), *words.phrase());
    }

    #[test]
    fn a_typing_error_costs_one_word() {
        let words = words();
        let all = all(&words);
        let first = all[..3].join(" ");
        // The fourth word is mistyped: what follows it in the line is typed again.
        let typo = format!("{first} {}q {}", all[3], all[4]);
        let rest = all[3..].join(" ");
        let mut person = Script::of(&[&typo, &rest]);
        assert_eq!(*enter(&mut person).unwrap().phrase(), *words.phrase());
        assert!(person.shown.contains("Word 4 is not in the list"), "{}", person.shown);
        // Return takes the word that is offered.
        let line = "abandon abandom";
        let offered = nearest("abandom").unwrap();
        assert_eq!(offered, "abandon");
        let mut person = Script::of(&[line, "", "stop"]);
        let _ = enter(&mut person);
        assert!(person.shown.contains("Word 3 of 24"), "{}", person.shown);
        assert_eq!(nearest("qqqqqqqq"), None);
    }

    #[test]
    fn words_that_do_not_fit_are_corrected_by_number() {
        let words = words();
        let all = all(&words);
        // Of a few other first words, one does not fit by its checksum.
        let fits = |w: &str| {
            Words::parse(
                &[&[w], &*all[1..].iter().map(String::as_str).collect::<Vec<_>>()].concat().join(" "),
            )
            .is_ok()
        };
        let other = Words::list().iter().find(|w| **w != all[0] && !fits(w)).unwrap();
        let mut wrong = all.clone();
        (*other).clone_into(&mut wrong[0]);
        let mut person = Script::of(&[&wrong.join(" "), "1", &all[0]]);
        assert_eq!(*enter(&mut person).unwrap().phrase(), *words.phrase());
        let mut person = Script::of(&[&wrong.join(" "), "", &all.join(" ")]);
        assert_eq!(*enter(&mut person).unwrap().phrase(), *words.phrase());
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, n) in
            [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("abandn", "abandon", 1)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (n, n), "{a} {b}");
        }
    }
}
