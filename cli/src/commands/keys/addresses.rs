//! Where members of a group hear each other.

use crate::exit::{Code, Failure, Outcome};
use sotto_keys::{Draft, Index};
use std::collections::BTreeMap;

/// Where the other members hear: each of them once.
pub(crate) fn addresses(draft: &Draft, me: Index, members: &[String]) -> Outcome<BTreeMap<Index, String>> {
    let mut others = BTreeMap::new();
    for text in members {
        let invalid = |why: &str| {
            Failure::new(Code::Usage, format!("invalid member `{text}`"))
                .why(why)
                .help("write N@HOST:PORT, with the member's number in the group")
        };
        let (number, at) = text.split_once('@').ok_or_else(|| invalid("it has no `@`"))?;
        let index = number.parse().ok().and_then(Index::new).filter(|i| draft.key(*i).is_some());
        let index = index.ok_or_else(|| invalid("the group has no such member"))?;
        if at.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
            return Err(invalid("no host and port after the `@`"));
        }
        if index == me || others.insert(index, at.to_owned()).is_some() {
            return Err(invalid("each of the other members is given once"));
        }
    }
    let missing: Vec<String> =
        draft.indexes().filter(|i| *i != me && !others.contains_key(i)).map(|i| i.to_string()).collect();
    if missing.is_empty() {
        return Ok(others);
    }
    Err(Failure::new(Code::Usage, format!("no address of member {}", missing.join(", ")))
        .help("pass --member N@HOST:PORT for each of the others"))
}
