//! The first message of a connection: which chain and rules, and where the node listens.

use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
};

/// The first message of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The node's chain.
    pub chain: ChainId,
    /// The rules that it applies: [`rules`](super::rules).
    pub rules: Hash,
    /// The port on which it accepts connections, if it does.
    pub listen_port: Option<u16>,
}

impl Encode for Hello {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain.encode(out);
        self.rules.encode(out);
        out.extend_from_slice(&self.listen_port.unwrap_or(0).to_le_bytes());
    }
}

impl Decode for Hello {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (chain, rules) = (ChainId::decode(r)?, Hash::decode(r)?);
        let port = u16::from_le_bytes(r.array()?);
        Ok(Self { chain, rules, listen_port: (port > 0).then_some(port) })
    }
}
