//! Sets of images, by their number.

use std::cmp::Ordering;

/// Which images have something, by their place in the list of all images.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ImageSet(Vec<u64>);

impl ImageSet {
    /// One image.
    pub fn one(image: usize) -> Self {
        [image].into_iter().collect()
    }

    /// Adds an image.
    pub fn insert(&mut self, image: usize) {
        let word = image / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (image % 64);
    }

    /// Whether it has no image.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many images it has.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it has `image`.
    pub fn contains(&self, image: usize) -> bool {
        self.0.get(image / 64).is_some_and(|word| word >> (image % 64) & 1 == 1)
    }

    /// Whether `other` has all that it has.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// Takes out what `other` has.
    pub fn remove_all(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= !theirs;
        }
        self.trim();
    }

    /// Equal sets have equal words: none is empty at the end.
    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Whether both have an image.
    pub fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// How many images both have, and how many of them are `among` others.
    pub fn common(&self, other: &Self, among: &Self) -> (usize, usize) {
        let (mut all, mut some) = (0, 0);
        for (place, (mine, theirs)) in self.0.iter().zip(&other.0).enumerate() {
            let both = mine & theirs;
            if both != 0 {
                all += both.count_ones() as usize;
                some += (both & among.0.get(place).unwrap_or(&0)).count_ones() as usize;
            }
        }
        (all, some)
    }

    /// Takes out what `other` has not.
    pub fn keep(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
        self.trim();
    }

    /// Its images, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.checked_sub(1)?;
                Some(at * 64 + bit as usize)
            })
        })
    }
}

impl FromIterator<usize> for ImageSet {
    fn from_iter<I: IntoIterator<Item = usize>>(images: I) -> Self {
        let mut set = Self::default();
        images.into_iter().for_each(|image| set.insert(image));
        set
    }
}

impl Ord for ImageSet {
    /// As the lists of their images.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for ImageSet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_those_of_their_images() {
        let set = |images: &[usize]| images.iter().copied().collect::<ImageSet>();
        let mut both = set(&[3, 64, 200]);
        assert_eq!(both.iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert!(set(&[64]).is_subset(&both) && !set(&[4]).is_subset(&both) && !both.is_subset(&set(&[3])));
        assert_eq!(both.len(), 3);
        assert_eq!(both.common(&set(&[3, 4, 200]), &set(&[3, 64])), (2, 1));
        assert_eq!(both.common(&set(&[3, 64]), &set(&[200])), (2, 0));
        assert_eq!(both.common(&set(&[4, 65, 201]), &both), (0, 0));
        assert!(both.intersects(&set(&[200])) && !both.intersects(&set(&[4, 201])));
        let mut few = both.clone();
        few.keep(&set(&[3, 4]));
        assert_eq!(few, ImageSet::one(3));
        both.remove_all(&set(&[200, 64, 5]));
        assert_eq!(both, ImageSet::one(3));
        both.remove_all(&set(&[3]));
        assert!(both.is_empty());
        assert!(set(&[1, 9]) < set(&[2]) && set(&[2]) < set(&[2, 3]));
    }
}
