//! Everything that looks random comes from one seeded generator, so that one seed makes one tenant.
//!
//! [`Ids`] makes Okta-looking ids that grow with time, like Okta's own: a listing in id order is a listing in order of
//! creation, and an object made while a listing runs lands behind its cursor.

use std::fmt;

use serde::{Serialize, Serializer};

/// Digits in ASCII order, so that ids sort like the numbers they encode.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A small, fast generator (`SplitMix64`); not for secrets that must resist anyone.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator for one purpose: the same seed and purpose give the same sequence.
    pub fn new(seed: u64, purpose: &str) -> Random {
        let mix = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mix)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u128::try_from(end).unwrap_or(0);
        usize::try_from((u128::from(self.next()) * end) >> 64).unwrap_or(0)
    }

    /// Whether something of this likelihood happens: never at 0, always at 1.
    pub fn chance(&mut self, likelihood: f64) -> bool {
        let drawn = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(drawn) / 4_294_967_296.0 < likelihood
    }

    /// One of the choices, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Letters and digits.
    pub fn text(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(BASE62))).collect()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// A request id, 32 hexadecimal digits.
    pub fn request_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }
}

/// An Okta id: 20 characters, the first three tell the type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 20]);

impl Id {
    /// Reads an id; anything that is not 20 letters and digits is none.
    pub fn parse(text: &str) -> Option<Id> {
        let bytes: [u8; 20] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Id(bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Makes ids in growing order.
#[derive(Debug)]
pub struct Ids {
    last: u64,
    random: Random,
}

impl Ids {
    /// A sequence of ids for one seed.
    pub fn new(seed: u64) -> Ids {
        Ids { last: 62_u64.pow(7) * 40, random: Random::new(seed, "ids") }
    }

    /// A sequence of its own for one purpose: what it makes changes no other id.
    pub fn of(seed: u64, purpose: &str) -> Ids {
        Ids { random: Random::new(seed, purpose), ..Ids::new(seed) }
    }

    /// The next id of a type, for example `00u` for users.
    pub fn next(&mut self, prefix: [u8; 3]) -> Id {
        self.last += 1 + self.random.next() % 40_000;
        let mut id = *b"000000000000000005d7";
        id[..3].copy_from_slice(&prefix);
        let mut rest = self.last;
        for place in (3..11).rev() {
            id[place] = BASE62[usize::try_from(rest % 62).unwrap_or(0)];
            rest /= 62;
        }
        for place in &mut id[11..17] {
            *place = *self.random.pick(BASE62);
        }
        Id(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_one_sequence_of_growing_ids() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        let ids: Vec<Id> = (0..1000).map(|_| one.next(*b"00u")).collect();
        assert!(ids.iter().all(|id| *id == two.next(*b"00u")));
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| Id::parse(id.as_str()) == Some(*id)));
        assert_ne!(Ids::new(8).next(*b"00u"), ids[0]);
    }

    #[test]
    fn chances_come_about_as_often_as_they_are_likely() {
        let mut random = Random::new(7, "chances");
        let mut hits = |likelihood| (0..1000).filter(|_| random.chance(likelihood)).count();
        assert_eq!((hits(0.0), hits(1.0)), (0, 1000));
        assert!((200..300).contains(&hits(0.25)));
    }

    #[test]
    fn only_twenty_letters_and_digits_are_an_id() {
        for text in ["", "00u", "00u0000000000000000/", "00u000000000000000000", "00uééééééééé"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}
