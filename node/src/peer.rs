//! Who a node talks to: the names of connections, keys and addresses, and why a connection ends.
//!
//! ```text
//! address (50 bytes) = IPv6, or IPv4 mapped into it (16) ‖ port (2) ‖ key (32)
//! ```

use core::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};
use sotto_mw::codec::{Decode, DecodeError, Encode, Reader};

/// A connection's number, which the edge assigns and never uses twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// The public key that a peer has proven to hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(pub [u8; 32]);

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Where a node accepts connections, and the key that it proves there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// IP address and port.
    pub at: SocketAddr,
    /// Its key.
    pub key: PeerKey,
}

/// Which side opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// This node, to this address.
    Outbound(Address),
    /// The peer, from this address.
    Inbound(SocketAddr),
}

impl Direction {
    /// The address at the other end.
    pub(crate) const fn address(self) -> SocketAddr {
        match self {
            Self::Outbound(a) => a.at,
            Self::Inbound(at) => at,
        }
    }

    pub(crate) const fn ip(self) -> IpAddr {
        self.address().ip()
    }
}

/// Why a connection to an address was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DialError {
    /// Nothing listens there.
    Refused,
    /// The machine or its network cannot be reached.
    Unreachable,
    /// Something answers, but not the node with this key.
    OtherKey,
    /// The node with this key answers, and follows another chain.
    OtherChain,
    /// There was no answer in time.
    TimedOut,
    /// The connection broke, or the other side does not speak this protocol.
    Broken,
}

impl DialError {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::OtherKey => "key differs",
            Self::OtherChain => "other chain",
            Self::TimedOut => "timed out",
            Self::Broken => "broken",
        }
    }
}

/// An address that could not be connected lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialFailure {
    /// The address.
    pub address: Address,
    /// Why the last attempt failed.
    pub why: DialError,
    /// How many attempts in a row have failed.
    pub times: u32,
    /// How long until the next attempt.
    pub next: core::time::Duration,
    /// Its place among the addresses that the settings name, from 1, if it is one of them.
    pub configured: Option<usize>,
}

/// What a peer did wrong, and how many points that adds to its ban score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Bytes that no correct node sends.
    Garbage = 100,
    /// A copy that its own sender must have found wrong: a body that is not its header's, a foreign seal, items
    /// that were not asked for.
    Invalid = 99,
    /// A transaction that breaks a rule whatever the state: a correct relay would have refused it. It may be
    /// another's, so it costs the connection and never a ban.
    Relayed = 40,
    /// A response without a request.
    Unasked = 20,
    /// More work or bytes than its allowance.
    Flood = 10,
    /// No response in time.
    Late = 15,
    /// A compact block whose parts do not make the one that is sealed; by chance once in millions.
    Mismatch = 25,
    /// A transaction that spends outputs which are nowhere to be found. An honest peer may know a parent that
    /// this node does not, so this alone never bans.
    Absent = 1,
}

impl Offence {
    /// Whether it may be another's fault that the peer passed on.
    pub(crate) const fn is_relayed(self) -> bool {
        matches!(self, Self::Relayed | Self::Absent)
    }
}

/// Why the node closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer follows another chain or other rules.
    WrongChain,
    /// There is a connection to that peer already, or the peer is this node.
    Duplicate,
    /// There is no room, or the peer is banned.
    Refused,
    /// Its ban score reached the limit, the last points for this.
    Banned(Offence),
    /// It passed on a transaction that breaks a rule; it may come back.
    Relayed,
    /// It sent nothing for too long.
    Silent,
}

impl Encode for Address {
    fn encode(&self, out: &mut Vec<u8>) {
        let ip = match self.at.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        out.extend_from_slice(&ip.octets());
        out.extend_from_slice(&self.at.port().to_le_bytes());
        out.extend_from_slice(&self.key.0);
    }
}

impl Decode for Address {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (ip, port) = (Ipv6Addr::from(r.array::<16>()?), u16::from_le_bytes(r.array()?));
        let at = SocketAddr::new(ip.to_canonical(), port);
        Ok(Self { at, key: PeerKey(r.array()?) })
    }
}
