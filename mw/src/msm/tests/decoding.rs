//! The decoder accepts exactly what `curve25519-dalek` accepts, and gives the same element.

use super::*;
use curve25519_dalek::ristretto::CompressedRistretto;
use rand_core::RngCore;

/// RFC 9496, appendix A.3: not canonical; negative; x² not a square; x·y negative; y = 0.
const REFUSED: [&str; 29] = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
    "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
    "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
    "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
    "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
    "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
    "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
    "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
    "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
    "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
    "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
    "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
    "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn bytes(hex: &str) -> [u8; 32] {
    core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

/// Decoded by dalek; and that every back end agrees, whatever the lane.
pub(super) fn agreed(encoding: [u8; 32]) -> Option<Element> {
    let theirs = CompressedRistretto(encoding).decompress();
    for backend in Backend::available() {
        for lane in [0, 5, 8, 15] {
            let mut all = [[0; 32]; 17];
            all[lane] = encoding;
            let ours = decode(backend, &all);
            assert_eq!(ours.is_some(), theirs.is_some(), "{backend:?} {lane} {encoding:x?}");
        }
        // The same element: P − P = 0 with dalek's encoding of −P.
        if let Some(p) = theirs {
            let points = decode(backend, &[encoding, encoded(&-p)]).unwrap();
            assert!(Sum::of_products(backend, &points, &[[1, 0, 0, 0]; 2]).is_identity());
            let is_identity = Sum::of_products(backend, &points[..1], &[[1, 0, 0, 0]]).is_identity();
            assert_eq!(is_identity, encoding == [0; 32]);
        }
    }
    theirs
}

#[test]
fn what_the_rfc_refuses() {
    REFUSED.iter().for_each(|hex| assert_eq!(agreed(bytes(hex)), None, "{hex}"));
}

#[test]
fn small_numbers_and_numbers_near_p() {
    let mut accepted = 0;
    for i in 0..600u16 {
        let mut small = [0; 32];
        small[..2].copy_from_slice(&i.to_le_bytes());
        let mut large = [0xff; 32];
        large[..2].copy_from_slice(&(u16::MAX - i).to_le_bytes());
        accepted += usize::from(agreed(small).is_some()) + usize::from(agreed(large).is_some());
        large[31] = 0x7f;
        accepted += usize::from(agreed(large).is_some());
    }
    assert!(accepted > 100);
}

#[test]
fn random_strings() {
    let mut rng = rng(1);
    let mut accepted = 0;
    for _ in 0..2000 {
        let mut s = [0; 32];
        rng.fill_bytes(&mut s);
        // Half of them without the two bits that refuse most.
        if s[1] & 1 == 0 {
            (s[0], s[31]) = (s[0] & 0xfe, s[31] & 0x7f);
        }
        accepted += usize::from(agreed(s).is_some());
    }
    assert!(accepted > 150);
}

#[test]
fn random_elements() {
    let mut rng = rng(2);
    for _ in 0..300 {
        assert!(agreed(encoded(&Element::random(&mut rng))).is_some());
    }
}

/// One bad encoding anywhere in a batch is seen, and order is kept.
#[test]
fn every_place_counts() {
    let mut rng = rng(3);
    for n in [1, 7, 8, 9, 16, 17, 63, 64, 65, 130] {
        let points: Vec<Element> = (0..n).map(|_| Element::random(&mut rng)).collect();
        let good: Vec<_> = points.iter().map(encoded).collect();
        for backend in Backend::available() {
            let decoded = decode(backend, &good).unwrap();
            for (i, p) in points.iter().enumerate() {
                let minus = decode(backend, &[encoded(&-p)]).unwrap();
                let sum = Sum::of_products(backend, &[decoded[i], minus[0]], &[[1, 0, 0, 0]; 2]);
                assert!(sum.is_identity());
                let mut bad = good.clone();
                bad[i][0] ^= 1;
                assert!(decode(backend, &bad).is_none());
            }
        }
    }
    assert!(Backend::available().all(|b| decode(b, &[]).is_some_and(|d| d.is_empty())));
}
