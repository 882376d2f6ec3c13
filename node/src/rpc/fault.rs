//! Why a request failed, and the number of the error, which never changes.

use crate::{
    effect::Refusal,
    ledger::{LedgerError, opening::OpenRefused, pending_changes::ChangeRefused},
};

/// The number of an error. JSON-RPC defines the negative ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Code {
    /// The body is not JSON.
    Parse = -32_700,
    /// The request is invalid.
    Request = -32_600,
    /// The method does not exist.
    Method = -32_601,
    /// The method does not accept these parameters.
    Params = -32_602,
    /// The node has stopped, or its store has failed.
    Stopped = -32_603,
    /// A rule refuses the transaction or the change of the terms; `data.rule` is its number in docs/RULES.md.
    Rule = 1,
    /// The transaction conflicts with a pending one, or the mempool is full.
    Pending = 2,
    /// The node is busy: the same request may succeed in a minute.
    Busy = 3,
    /// The response would be too long: request less.
    Wide = 4,
    /// The node refuses for another reason, given in the message.
    Refused = 5,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 10] = [
        Self::Parse,
        Self::Request,
        Self::Method,
        Self::Params,
        Self::Stopped,
        Self::Rule,
        Self::Pending,
        Self::Busy,
        Self::Wide,
        Self::Refused,
    ];
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The body is not JSON.
    #[error("invalid JSON ({0}): send one request")]
    Parse(String),
    /// The request is invalid.
    #[error("invalid request, {0}: see docs/openrpc.json")]
    Request(&'static str),
    /// The method does not exist.
    #[error("unknown method: see docs/openrpc.json")]
    Method,
    /// The method does not accept these parameters.
    #[error("invalid parameters ({0}): see docs/openrpc.json")]
    Params(String),
    /// The node has stopped, or its store has failed.
    #[error("the node has stopped: see its log, and start it again")]
    Stopped,
    /// The node refuses.
    #[error("{message}")]
    Refused {
        /// The kind of refusal.
        code: Code,
        /// The violated rule, if it is a rule.
        rule: Option<&'static str>,
        /// What failed, why, and what to do.
        message: String,
    },
}

impl Fault {
    /// The node is busy.
    pub(crate) fn busy() -> Self {
        Self::Refused {
            code: Code::Busy,
            rule: None,
            message: "the node is busy: try again in a minute".to_owned(),
        }
    }

    /// The number of the error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Parse(_) => Code::Parse,
            Self::Request(_) => Code::Request,
            Self::Method => Code::Method,
            Self::Params(_) => Code::Params,
            Self::Stopped => Code::Stopped,
            Self::Refused { code, .. } => *code,
        }
    }

    /// The violated rule, if it is a rule.
    #[must_use]
    pub const fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Refused { rule, .. } => *rule,
            _ => None,
        }
    }
}

impl From<Refusal> for Fault {
    fn from(why: Refusal) -> Self {
        let (code, rule) = match &why {
            Refusal::Ledger(LedgerError::Refused(r)) => (Code::Rule, Some(r.rule())),
            Refusal::Change(ChangeRefused::Rule(r)) => (Code::Rule, Some(r.rule())),
            Refusal::Ledger(LedgerError::Conflict(_)) | Refusal::Change(ChangeRefused::Full) => {
                (Code::Pending, None)
            }
            Refusal::Ledger(LedgerError::Store(_)) | Refusal::Request(OpenRefused::Store(_)) => {
                return Self::Stopped;
            }
            Refusal::Busy => (Code::Busy, None),
            Refusal::TooMany { .. } => (Code::Wide, None),
            _ => (Code::Refused, None),
        };
        Self::Refused { code, rule, message: why.to_string() }
    }
}
