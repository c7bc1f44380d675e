//! Words of the prompt that go through time instead of changing the cluster; no scenario has them, and nothing of them is recorded.

use super::Session;
use crate::time::{SimDuration, SimTime};

/// Each word, and how a line of it looks.
const FORMS: [(&str, &str); 5] =
    [("goto", "goto 12.3s"), ("undo", "undo"), ("redo", "redo"), ("branch", "branch 2"), ("name", "name \"before the crash\"")];

/// Sets out as the line says, and says where to; nothing if the line is another. [`Session::go`] does the way.
pub fn time_word(session: &mut Session, line: &str) -> Option<Result<String, String>> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (_, form) = FORMS.into_iter().find(|(known, _)| *known == word)?;
    Some(heed(session, word, rest.trim()).ok_or_else(|| format!("Write `{form}`.")).flatten())
}

/// `None`: the line does not say what it should.
fn heed(session: &mut Session, word: &str, rest: &str) -> Option<Result<String, String>> {
    Some(match (word, rest) {
        ("goto", moment) => {
            let moment = SimTime::ZERO + SimDuration::parse(moment)?;
            if moment > session.head() {
                let head = session.head();
                return Some(Err(format!("Nobody has seen {moment} yet: the newest moment is {head}. Play on to get there.")));
            }
            session.seek_to(moment);
            Ok(format!("Shows {moment}."))
        }
        ("undo", "") => session.undo().map(|line| format!("Undone: {line}")).ok_or_else(|| "There is nothing to undo.".to_owned()),
        ("redo", "") => session.redo().map(|line| format!("Done again: {line}")).ok_or_else(|| "There is nothing to redo.".to_owned()),
        ("branch", number) => {
            let branch: usize = number.parse().ok()?;
            let (count, moment) = (session.branches().len(), session.moment());
            match branch.checked_sub(1).filter(|branch| session.go_to_branch(*branch, moment)) {
                Some(_) => Ok(format!("Shows branch {branch} at {}.", session.moment())),
                None => Err(format!("There is no branch {branch}; there are {count}.")),
            }
        }
        ("name", name) => {
            let name = name.trim_matches('"').trim();
            session.name_moment(name);
            let moment = session.moment();
            Ok(if name.is_empty() { format!("{moment} has no name any more.") } else { format!("{moment} is called \"{name}\".") })
        }
        _ => return None,
    })
}
