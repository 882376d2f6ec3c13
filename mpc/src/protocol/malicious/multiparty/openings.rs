//! From leaky products to products of mask bits: buckets by shifts, as between two parties (`super::buckets`).
//!
//! One coin gives the shifts for all. Every party opens its shares of d and f to every other, and each pair
//! keeps digests of their MACs. A party that opens other shares to one peer than to another fails with one of
//! them before anything of the chunk is proved, so the openings need no comparison of their own.

use rand_core::{CryptoRng, RngCore};

use super::super::buckets::{Combination, MacDigests, shifts};
use super::super::error::SessionError;
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerChunks;
use crate::Bits;
use crate::channel::Phase;

/// Opens d and f of all gates, and turns γ of each into σ ⊕ γ; returns the digests of MACs with each peer.
///
/// # Errors
/// If a connection fails or a party is caught deviating.
pub(super) fn combine(
    party: &mut Party,
    links: &mut Links<'_>,
    chunks: &mut PeerChunks,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<MacDigests>, SessionError> {
    let extent = *chunks.extent();
    // The products of all candidates were tested.
    let coin = party.coins.toss(links, rng)?;
    links.compare(Phase::Coins)?;
    let shifts = shifts(&party.agreed.session, &coin, &extent);
    let towards = |(own, pair)| Combination::new(pair, own, &extent, &shifts);
    let combinations: Vec<_> = party.own.iter().zip(&party.agreed.pairs).map(towards).collect();
    let PeerChunks(chunks) = chunks;
    let own: Vec<_> = combinations.iter().zip(&*chunks).map(|(c, chunk)| c.own_bits(chunk)).collect();
    let ours = own.first().map(|(bits, _)| bits.clone()).unwrap_or_default();
    let mut theirs: Vec<Option<Bits>> = chunks.iter().map(|_| None).collect();
    for i in links.in_turn() {
        let mut bytes = vec![0; ours.as_bytes().len()];
        links.all[i].swap(Phase::Products, ours.as_bytes(), &mut bytes)?;
        theirs[i] = Bits::from_bytes(&bytes, ours.len() as u64);
    }
    let theirs: Option<Vec<Bits>> = theirs.into_iter().collect();
    let theirs = theirs.ok_or(SessionError::Encoding(Phase::Products))?;
    let opened = theirs.iter().fold(ours, |opened, theirs| opened.xor(theirs));
    let towards = combinations.iter().zip(chunks).zip(&theirs).zip(own);
    let digests = towards.map(|(((combination, chunk), theirs), (_, own))| MacDigests {
        own,
        peer: combination.combine(chunk, &opened, theirs),
    });
    Ok(digests.collect())
}
