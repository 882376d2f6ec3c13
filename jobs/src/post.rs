//! What the other parties say to a computer, and what it answers: one request for each connection.
//!
//! ```text
//! request   job [32] ‖ run u32 ‖ kind u8 ‖ …     deliver: manifest, sealed share · collect · served · compute: own manifest ·
//!                                                awaiting: names · stopped: words
//! answer    kind u8 ‖ …                          taken · waiting: names · finished: receipt, parcel · refused: words
//! message   length u32 ‖ bytes, in frames of the channel
//! ```
//!
//! The channel has proved who asks. An answer tells nobody anything about another's input: names of those who are awaited, or words
//! about what the asker itself brought.

use super::hash::Digest;
use super::outputs::Parcel;
use crate::codec::WireError;
use crate::codec::{Bytes, Reader, Wire, record};
use sotto_mpc::channel::{Channel, ChannelError, Phase};

/// What a party asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Of which job.
    pub job: Digest,
    /// Of which run.
    pub run: u32,
    /// What.
    pub wish: Wish,
}
record!(Request { job, run, wish });

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Take my input.
    Deliver {
        /// What I state.
        manifest: Vec<u8>,
        /// What I sealed to you.
        sealed: Vec<u8>,
    },
    /// What is there for me?
    Collect,
    /// I have all that there was for me.
    Served,
    /// Compute with me.
    Compute {
        /// My own manifest, if I am an owner.
        manifest: Option<Vec<u8>>,
    },
    /// I am here to compute with you, and await the inputs of these.
    Awaiting(Vec<String>),
    /// I will not compute with you, for this reason.
    Stopped(String),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken and is kept.
    Taken,
    /// Not yet; these are awaited.
    Waiting(Vec<String>),
    /// The run is over.
    Finished {
        /// What both computers signed.
        receipt: Vec<u8>,
        /// A half of your outputs.
        parcel: Option<Parcel>,
    },
    /// Let us begin.
    Ready {
        /// My own manifest, if I am an owner.
        manifest: Option<Vec<u8>>,
    },
    /// No, and why.
    Refused(String),
}

/// Why a message could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// It makes no sense.
    #[error("what came is no message of a job: {0}")]
    Wire(#[from] WireError),
    /// It is too long.
    #[error("a message of {0} bytes was announced, which is more than can be")]
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
    pub fn receive(channel: &mut impl Channel, most: usize) -> Result<Self, PostError> {
        Ok(Self::from_prefixed(REQUEST, &receive(channel, Phase::Hello, most)?)?)
    }
}

impl Answer {
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
    pub fn receive(channel: &mut impl Channel, most: usize) -> Result<Self, PostError> {
        Ok(Self::from_prefixed(ANSWER, &receive(channel, Phase::Hello, most)?)?)
    }
}

/// Sends a message with its length.
pub(super) fn send(channel: &mut impl Channel, phase: Phase, message: &[u8]) -> Result<(), ChannelError> {
    channel.send(phase, &(message.len() as u32).to_le_bytes())?;
    channel.send(phase, message)?;
    channel.flush()
}

/// Receives a message of at most `most` bytes.
pub(super) fn receive(channel: &mut impl Channel, phase: Phase, most: usize) -> Result<Vec<u8>, PostError> {
    let mut length = [0; 4];
    channel.receive(phase, &mut length)?;
    let announced = u32::from_le_bytes(length);
    let length = announced as usize;
    if length > most {
        return Err(PostError::Length(announced));
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

impl Wire for Wish {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Deliver { manifest, sealed } => {
                out.push(0);
                Bytes::put(manifest, out);
                Bytes::put(sealed, out);
            }
            Self::Collect => out.push(1),
            Self::Served => out.push(2),
            Self::Compute { manifest } => {
                out.push(3);
                Bytes::put_option(manifest.as_deref(), out);
            }
            Self::Awaiting(names) => {
                out.push(4);
                put_names(names, out);
            }
            Self::Stopped(why) => {
                out.push(5);
                Bytes::put(why.as_bytes(), out);
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match u8::decode(r)? {
            0 => Self::Deliver { manifest: Bytes::take(r)?, sealed: Bytes::take(r)? },
            1 => Self::Collect,
            2 => Self::Served,
            3 => Self::Compute { manifest: Bytes::take_option(r)? },
            4 => Self::Awaiting(names(r)?),
            5 => Self::Stopped(words(r)?),
            _ => return Err(WireError::Value("a request")),
        })
    }
}

impl Wire for Answer {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Taken => out.push(0),
            Self::Waiting(names) => {
                out.push(1);
                put_names(names, out);
            }
            Self::Finished { receipt, parcel } => {
                out.push(2);
                Bytes::put(receipt, out);
                parcel.encode(out);
            }
            Self::Ready { manifest } => {
                out.push(3);
                Bytes::put_option(manifest.as_deref(), out);
            }
            Self::Refused(why) => {
                out.push(4);
                Bytes::put(why.as_bytes(), out);
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match u8::decode(r)? {
            0 => Self::Taken,
            1 => Self::Waiting(names(r)?),
            2 => Self::Finished { receipt: Bytes::take(r)?, parcel: Wire::decode(r)? },
            3 => Self::Ready { manifest: Bytes::take_option(r)? },
            4 => Self::Refused(words(r)?),
            _ => return Err(WireError::Value("an answer")),
        })
    }
}

fn put_names(names: &[String], out: &mut Vec<u8>) {
    (names.len() as u32).encode(out);
    names.iter().for_each(|name| Bytes::put(name.as_bytes(), out));
}

fn names(r: &mut Reader<'_>) -> Result<Vec<String>, WireError> {
    (0..r.count()?).map(|_| words(r)).collect()
}

/// Words that can be shown.
fn words(r: &mut Reader<'_>) -> Result<String, WireError> {
    let text = String::from_utf8(Bytes::take(r)?).ok().and_then(|text| super::text::Prose::new(&text).ok());
    text.map(|text| text.to_string()).ok_or(WireError::Value("a message's words"))
}
