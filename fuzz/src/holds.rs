//! Wallets that receive arbitrary letters of a hold.
//!
//! Each must accept the genuine letter of its stage alone, except that the points of a range proof are for the payer to
//! choose: the seller answers whichever come first, once. A refused letter must leave no trace.

use crate::{
    Verdict,
    fixtures::{
        hold::{Step, hold},
        payment::{contents, open},
        rng,
    },
};
use sotto_mw::codec::{Decode, Encode as _};
use sotto_wallet::{
    MemoryStore, Wallet, WalletError,
    hold::{Answer, Join, LockedClaim, Offer, Part, Prove, Release},
};

/// A letter, and whether its writer may choose what it says.
trait Letter: Decode + PartialEq {
    const FREE: bool = false;
}

impl Letter for Offer {}
impl Letter for Join {}
impl Letter for Prove {
    const FREE: bool = true;
}
impl Letter for Part {}
impl Letter for Answer {}
impl Letter for Release {}

/// A letter of a hold without its envelope, after a byte that names its step.
pub fn wallet_hold(data: &[u8]) -> Verdict {
    let Some((kind, bytes)) = data.split_first() else { return Verdict::Refused };
    let hold = hold();
    Verdict::of(match kind {
        1 => received(&hold.offer, bytes, |w, l| w.holds().join(l, &mut rng(1)).map(drop)),
        2 => received(&hold.join, bytes, |w, l| w.holds().prove(l, &mut rng(1)).map(drop)),
        3 => received(&hold.prove, bytes, |w, l| {
            let part = w.holds().part(l)?;
            assert!(l.id == part.id && w.holds().part(l)? == part, "another answer to one proof");
            Ok(())
        }),
        4 => received(&hold.part, bytes, |w, l| w.holds().fund(l, &mut rng(1)).map(drop)),
        5 => received(&hold.claim, bytes, |w, l| w.holds().release(l).map(drop)),
        6 => received(&hold.consent, bytes, |w, l| w.holds().undo(l, &mut rng(1)).map(drop)),
        7 => received(&hold.release, bytes, |w, l| w.holds().receive(l, &mut rng(1)).map(drop)),
        8 => claimed(bytes),
        _ => false,
    })
}

/// The claim of a hold between two other parties has one encoding, and holds only if it was signed.
fn claimed(bytes: &[u8]) -> bool {
    let Ok(claim) = LockedClaim::from_bytes(bytes) else { return false };
    assert!(claim.to_bytes() == bytes, "two encodings of one");
    let holds = claim.holds(&hold().chain);
    assert!(!holds || claim == hold().locked, "an unsigned claim holds");
    holds
}

fn received<T: Letter>(
    step: &Step<T>,
    bytes: &[u8],
    take: impl Fn(&mut Wallet<MemoryStore>, &T) -> Result<(), WalletError>,
) -> bool {
    let Ok(letter) = T::from_bytes(bytes) else { return false };
    let mut wallet = open(&step.receiver).expect("our own contents");
    if take(&mut wallet, &letter).is_err() {
        assert!(contents(&wallet) == step.receiver, "a refused letter left a trace");
        return false;
    }
    assert!(T::FREE || letter == step.letter, "a letter that nobody wrote was accepted");
    true
}
