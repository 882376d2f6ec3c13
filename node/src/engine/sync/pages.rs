//! Pages of headers: whether there may be more behind one.

use crate::{
    message::{MAX_HEADERS, MAX_MESSAGE},
    seal::SealedHeader,
    storage::snapshot_format::SEALED_MAX,
};
use sotto_mw::codec::Encode as _;

/// Whether there was no room for another header, so that there may be more.
pub(super) fn is_full(all: &[SealedHeader]) -> bool {
    all.len() == usize::from(MAX_HEADERS) || fills(all.iter().map(|s| s.to_bytes().len()).sum())
}

/// Whether beside so many bytes of headers there may have been no room for the longest, with some to spare.
const fn fills(bytes: usize) -> bool {
    bytes + 2 * SEALED_MAX as usize > MAX_MESSAGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::testing::TestChain;

    /// A page is full by its number of headers, or by its bytes: where another might have had no room.
    #[test]
    fn a_page_is_full_by_its_number_or_its_bytes() {
        let mut test_chain = TestChain::new(4);
        test_chain.grow(Vec::new());
        let sealed = SealedHeader::of(&test_chain.blocks()[0]);
        let page = |n: u16| vec![sealed.clone(); n.into()];
        assert!(!is_full(&[]) && !is_full(&page(MAX_HEADERS - 1)) && is_full(&page(MAX_HEADERS)));
        let room = MAX_MESSAGE - 2 * SEALED_MAX as usize;
        assert!(!fills(room) && fills(room + 1) && fills(MAX_MESSAGE));
        assert!(sealed.to_bytes().len() * usize::from(MAX_HEADERS) < room, "short ones are counted");
    }
}
