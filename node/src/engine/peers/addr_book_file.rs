//! The bytes of an address book that is kept between runs.
//!
//! ```text
//! book = version (1) ‖ salt (32) ‖ n (2) ‖ entry*      entry = place (2) ‖ failures (1) ‖ address (50)      ‖ check (32)
//! ```
//!
//! A place counts through both parts of the book, and places ascend.

use crate::{
    codec::{Damage, checked, ends, tag, with_check},
    engine::peers::addr_book::{AddrBook, Entry, PLACES},
    peer::Address,
};
use sotto_mw::codec::{Decode, Encode, Reader, VERSION};

/// The bytes of a book.
pub(crate) fn bytes(book: &AddrBook) -> Vec<u8> {
    let entries: Vec<_> = book.places().collect();
    let mut out = vec![VERSION];
    out.extend_from_slice(book.salt());
    out.extend_from_slice(&u16::try_from(entries.len()).unwrap_or(u16::MAX).to_le_bytes());
    for (place, entry) in entries {
        out.extend_from_slice(&u16::try_from(place).unwrap_or(u16::MAX).to_le_bytes());
        out.push(entry.failures);
        entry.address.encode(&mut out);
    }
    with_check(tag::BOOK, &[], out)
}

/// The book of these bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<AddrBook, Damage> {
    let mut r = Reader::new(checked(tag::BOOK, &[], bytes)?);
    r.version()?;
    let (mut book, n) = (AddrBook::with_salt(r.array()?), u16::from_le_bytes(r.array()?));
    let mut least = 0;
    for _ in 0..n {
        let place = usize::from(u16::from_le_bytes(r.array()?));
        let [failures] = r.array()?;
        let entry = Entry { failures, address: Address::decode(&mut r)? };
        if place < least || place >= PLACES {
            return Err(Damage::Misplaced);
        }
        book.put_back(place, entry);
        least = place + 1;
    }
    ends(&r).map(|()| book)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerKey;
    use core::net::SocketAddr;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn a_book_is_read_back_and_nothing_else_is() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut book = AddrBook::new(&mut rng);
        for n in 1..40u8 {
            let address = Address { at: SocketAddr::from(([n, 1, 2, 3], 99)), key: PeerKey([n; 32]) };
            book.hear(address, SocketAddr::from(([n, 9, 9, 9], 0)).ip());
            if n % 3 == 0 {
                book.reached(address);
            }
            if n % 5 == 0 {
                book.failed(&address);
            }
        }
        let all = bytes(&book);
        assert_eq!(read(&all).as_ref(), Ok(&book));
        for at in 0..all.len() {
            assert!(read(&all[..at]).is_err());
            let mut flipped = all.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped).is_err());
        }
        let twice = |place: u16| {
            let entry = [&place.to_le_bytes()[..], &[0], &[7; 50]].concat();
            with_check(tag::BOOK, &[], [&[VERSION][..], &[0; 32], &[2, 0], &entry, &entry].concat())
        };
        assert_eq!(read(&twice(3)), Err(Damage::Misplaced));
        assert_eq!(read(&twice(u16::MAX)), Err(Damage::Misplaced));
        let one = |place: usize| {
            let entry = [&(place as u16).to_le_bytes()[..], &[0], &[7; 50]].concat();
            let book = [&[VERSION][..], &[0; 32], &[1, 0], &entry].concat();
            read(&with_check(tag::BOOK, &[], book)).map(|book| book.len())
        };
        assert_eq!([0, PLACES - 1].map(one), [Ok(1), Ok(1)], "the first and the last");
        assert_eq!(one(PLACES), Err(Damage::Misplaced));
    }
}
