//! Messages between a compute party and the others: one request and one response per connection.
//!
//! ```text
//! request   job [32] ‖ run u32 ‖ kind u8 ‖ …     deliver: input commitment, encrypted share · collect · served · compute: own input commitment ·
//!                                                awaiting: names · stopped: words · challenge: nonce · proof: evidence ·
//!                                                join: meeting, own input commitment · post: to, slot, letter · fetch
//! answer    kind u8 ‖ …                          taken · waiting: names · finished: receipt, encrypted output share · refused: words
//!                                                proof: nonce, evidence · unproven · meeting: name, own input commitment
//!                                                letters: from, slot, letter…
//! message   length u32 ‖ bytes, in frames of the channel
//! ```
//!
//! The channel has authenticated the sender. A response reveals nothing about another party's input: it has
//! the names of parties that are awaited, or words about the sender's own input. Where a job asks for evidence, challenge and
//! proof come before the request, on the same connection ([`session_evidence`](crate::session_evidence)).

use super::hash::Digest;
use super::output_share::EncryptedOutputShare;
use crate::codec::DecodeError;
use crate::codec::{Bytes, Codec, Reader, record};
use crate::job::PartyId;
use crate::post::{Letter, Slot};
use sotto_mpc::channel::{Channel, ChannelError, Phase};

/// What a party asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Of which job.
    pub job: Digest,
    /// Of which run.
    pub run: u32,
    /// What.
    pub kind: RequestKind,
}
record!(Request { job, run, kind });

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Take my input.
    Deliver {
        /// What I state.
        input_commitment: Vec<u8>,
        /// What I encrypted to you.
        encrypted: Vec<u8>,
    },
    /// What is there for me?
    Collect,
    /// I have all that there was for me.
    Confirmed,
    /// Compute with me.
    Compute {
        /// My own input commitment, if I am an input party.
        input_commitment: Option<Vec<u8>>,
    },
    /// I am here to compute with you, and await the inputs of these.
    Awaiting(Vec<String>),
    /// I will not compute with you, for this reason.
    Stopped(String),
    /// Show your evidence for this nonce; then I show mine, and make my request.
    Challenge(Digest),
    /// My evidence for your nonce, if the job asks for it.
    Proof(Option<Vec<u8>>),
    /// Compute with me and all others in the meeting that the first compute party opened under this name.
    Join {
        /// The name.
        meeting: Digest,
        /// My own input commitment, if I am an input party.
        input_commitment: Option<Vec<u8>>,
    },
    /// Keep this letter of a sale, in place of the one before it.
    Post {
        /// For whom.
        to: PartyId,
        /// What it is.
        slot: Slot,
        /// What it says.
        letter: Bytes,
    },
    /// Which letters of a sale are there for me?
    Fetch,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// It was taken and is kept.
    Taken,
    /// Not yet; these are awaited.
    Waiting(Vec<String>),
    /// The run is over.
    Finished {
        /// What both compute parties signed.
        receipt: Vec<u8>,
        /// An output share of your outputs.
        encrypted_share: Option<EncryptedOutputShare>,
    },
    /// Let us begin.
    Ready {
        /// My own input commitment, if I am an input party.
        input_commitment: Option<Vec<u8>>,
    },
    /// No, and why.
    Refused(String),
    /// My evidence for your nonce, if the job asks for it, and my nonce.
    Proof {
        /// What your evidence is to be for.
        nonce: Digest,
        /// Mine.
        evidence: Option<Vec<u8>>,
    },
    /// Not without evidence: come again, with a challenge first.
    Unproven,
    /// All compute parties are there: meet under this name.
    Meeting {
        /// Drawn for this meeting.
        name: Digest,
        /// My own input commitment, if I am an input party.
        input_commitment: Option<Vec<u8>>,
    },
    /// Your letters of a sale.
    Letters(Vec<Letter>),
}

/// Why a message could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// It makes no sense.
    #[error("invalid message: {0}")]
    Codec(#[from] DecodeError),
    /// It is too long.
    #[error("message too long: {0} bytes")]
    Length(u32),
}

const REQUEST: &str = "sotto request v1\0";
const ANSWER: &str = "sotto answer v1\0";

impl Request {
    /// Sends it.
    ///
    /// # Errors
    /// If the connection failed.
    pub fn send(&self, channel: &mut impl Channel) -> Result<(), ChannelError> {
        send(channel, Phase::Hello, &self.to_prefixed(REQUEST))
    }

    /// Receives one of at most `most` bytes.
    ///
    /// # Errors
    /// If the connection failed, or what came is none.
    pub fn receive(channel: &mut impl Channel, most: usize) -> Result<Self, MessageError> {
        Ok(Self::from_prefixed(REQUEST, &receive(channel, Phase::Hello, most)?)?)
    }
}

impl Response {
    /// Sends it.
    ///
    /// # Errors
    /// If the connection failed.
    pub fn send(&self, channel: &mut impl Channel) -> Result<(), ChannelError> {
        send(channel, Phase::Hello, &self.to_prefixed(ANSWER))
    }

    /// Receives one of at most `most` bytes.
    ///
    /// # Errors
    /// If the connection failed, or what came is none.
    pub fn receive(channel: &mut impl Channel, most: usize) -> Result<Self, MessageError> {
        Ok(Self::from_prefixed(ANSWER, &receive(channel, Phase::Hello, most)?)?)
    }
}

/// Sends a message with its length.
pub(crate) fn send(channel: &mut impl Channel, phase: Phase, message: &[u8]) -> Result<(), ChannelError> {
    channel.send(phase, &(message.len() as u32).to_le_bytes())?;
    channel.send(phase, message)?;
    channel.flush()
}

/// Receives a message of at most `most` bytes.
pub(crate) fn receive(
    channel: &mut impl Channel,
    phase: Phase,
    most: usize,
) -> Result<Vec<u8>, MessageError> {
    let mut length = [0; 4];
    channel.receive(phase, &mut length)?;
    let announced = u32::from_le_bytes(length);
    let length = announced as usize;
    if length > most {
        return Err(MessageError::Length(announced));
    }
    // Grows as bytes arrive: an announced length alone takes no memory.
    let mut message = Vec::new();
    while message.len() < length {
        let from = message.len();
        message.resize(length.min(from + (1 << 16)), 0);
        channel.receive(phase, message.get_mut(from..).unwrap_or_default())?;
    }
    Ok(message)
}

impl Codec for RequestKind {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Deliver { input_commitment, encrypted } => {
                out.push(0);
                Bytes::put(input_commitment, out);
                Bytes::put(encrypted, out);
            }
            Self::Collect => out.push(1),
            Self::Confirmed => out.push(2),
            Self::Compute { input_commitment } => {
                out.push(3);
                Bytes::put_option(input_commitment.as_deref(), out);
            }
            Self::Awaiting(names) => {
                out.push(4);
                put_names(names, out);
            }
            Self::Stopped(why) => {
                out.push(5);
                Bytes::put(why.as_bytes(), out);
            }
            Self::Challenge(nonce) => {
                out.push(6);
                nonce.encode(out);
            }
            Self::Proof(evidence) => {
                out.push(7);
                Bytes::put_option(evidence.as_deref(), out);
            }
            Self::Join { meeting, input_commitment } => {
                out.push(8);
                meeting.encode(out);
                Bytes::put_option(input_commitment.as_deref(), out);
            }
            Self::Post { to, slot, letter } => {
                out.push(9);
                to.encode(out);
                slot.encode(out);
                letter.encode(out);
            }
            Self::Fetch => out.push(10),
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(r)? {
            0 => Self::Deliver { input_commitment: Bytes::take(r)?, encrypted: Bytes::take(r)? },
            1 => Self::Collect,
            2 => Self::Confirmed,
            3 => Self::Compute { input_commitment: Bytes::take_option(r)? },
            4 => Self::Awaiting(names(r)?),
            5 => Self::Stopped(words(r)?),
            6 => Self::Challenge(Codec::decode(r)?),
            7 => Self::Proof(Bytes::take_option(r)?),
            8 => Self::Join { meeting: Codec::decode(r)?, input_commitment: Bytes::take_option(r)? },
            9 => Self::Post { to: Codec::decode(r)?, slot: Codec::decode(r)?, letter: Codec::decode(r)? },
            10 => Self::Fetch,
            _ => return Err(DecodeError::Value("a request")),
        })
    }
}

impl Codec for Response {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Taken => out.push(0),
            Self::Waiting(names) => {
                out.push(1);
                put_names(names, out);
            }
            Self::Finished { receipt, encrypted_share } => {
                out.push(2);
                Bytes::put(receipt, out);
                encrypted_share.encode(out);
            }
            Self::Ready { input_commitment } => {
                out.push(3);
                Bytes::put_option(input_commitment.as_deref(), out);
            }
            Self::Refused(why) => {
                out.push(4);
                Bytes::put(why.as_bytes(), out);
            }
            Self::Proof { nonce, evidence } => {
                out.push(5);
                nonce.encode(out);
                Bytes::put_option(evidence.as_deref(), out);
            }
            Self::Unproven => out.push(6),
            Self::Meeting { name, input_commitment } => {
                out.push(7);
                name.encode(out);
                Bytes::put_option(input_commitment.as_deref(), out);
            }
            Self::Letters(letters) => {
                out.push(8);
                letters.encode(out);
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(r)? {
            0 => Self::Taken,
            1 => Self::Waiting(names(r)?),
            2 => Self::Finished { receipt: Bytes::take(r)?, encrypted_share: Codec::decode(r)? },
            3 => Self::Ready { input_commitment: Bytes::take_option(r)? },
            4 => Self::Refused(words(r)?),
            5 => Self::Proof { nonce: Codec::decode(r)?, evidence: Bytes::take_option(r)? },
            6 => Self::Unproven,
            7 => Self::Meeting { name: Codec::decode(r)?, input_commitment: Bytes::take_option(r)? },
            8 => Self::Letters(Codec::decode(r)?),
            _ => return Err(DecodeError::Value("an answer")),
        })
    }
}

fn put_names(names: &[String], out: &mut Vec<u8>) {
    (names.len() as u32).encode(out);
    names.iter().for_each(|name| Bytes::put(name.as_bytes(), out));
}

fn names(r: &mut Reader<'_>) -> Result<Vec<String>, DecodeError> {
    (0..r.count()?).map(|_| words(r)).collect()
}

/// Words that can be shown.
fn words(r: &mut Reader<'_>) -> Result<String, DecodeError> {
    let text = String::from_utf8(Bytes::take(r)?).ok().and_then(|text| super::text::Prose::new(&text).ok());
    text.map(|text| text.to_string()).ok_or(DecodeError::Value("a message's words"))
}
