//! Why a request was not carried out, and the number that says so for ever.

use crate::{effect::Refusal, ledger::LedgerError};

/// The number of an error. Those below zero are JSON-RPC's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Code {
    /// The body is no JSON.
    Parse = -32_700,
    /// It is no request.
    Request = -32_600,
    /// There is no such method.
    Method = -32_601,
    /// The method does not take these parameters.
    Params = -32_602,
    /// The node has stopped, or its store has failed.
    Stopped = -32_603,
    /// A rule refuses the transaction; `data.rule` is its number in docs/RULES.md.
    Rule = 1,
    /// A pending transaction is in the way, or the pool is full.
    Pending = 2,
    /// Too much is on its way: the same request may succeed in a minute.
    Busy = 3,
    /// The answer would be too long: ask for less.
    Wide = 4,
    /// The node will not, for another reason, which the message tells.
    Refused = 5,
}

impl Code {
    /// All of them.
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

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The body is no JSON.
    #[error("this is no JSON ({0}): send one request")]
    Parse(String),
    /// It is no request.
    #[error("this is no request that can be answered, since {0}: see docs/openrpc.json")]
    Request(&'static str),
    /// There is no such method.
    #[error("there is no such method: see docs/openrpc.json")]
    Method,
    /// The method does not take these parameters.
    #[error("the method does not take these parameters ({0}): see docs/openrpc.json")]
    Params(String),
    /// The node has stopped, or its store has failed.
    #[error("the node has stopped: see its log, and start it again")]
    Stopped,
    /// The node refuses.
    #[error("{message}")]
    Refused {
        /// What kind of refusal it is.
        code: Code,
        /// The rule, if one refuses.
        rule: Option<&'static str>,
        /// What, why, and what to do.
        message: String,
    },
}

impl Fault {
    /// The node is behind.
    pub(crate) fn busy() -> Self {
        Self::Refused {
            code: Code::Busy,
            rule: None,
            message: "the node is busy: try again in a minute".to_owned(),
        }
    }

    /// Its number.
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

    /// The rule that refuses, if one does.
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
            Refusal::Ledger(LedgerError::Conflict(_)) => (Code::Pending, None),
            Refusal::Ledger(LedgerError::Store(_)) => return Self::Stopped,
            Refusal::Busy => (Code::Busy, None),
            Refusal::TooMany { .. } => (Code::Wide, None),
            _ => (Code::Refused, None),
        };
        Self::Refused { code, rule, message: why.to_string() }
    }
}
