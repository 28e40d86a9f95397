//! From what was read to the sections of the index: names and packages sorted, numbers replaced by places.

use super::{Builder, Record, Word, id};
use crate::deb::index::package::{self, RECORD};
use crate::deb::index::{Index, NONE, SECTIONS, Section};
use crate::deb::version;

impl Builder<'_> {
    /// Sorts names and packages and writes all sections.
    pub(super) fn finish(mut self) -> Index {
        let mut sorted: Vec<u32> =
            (0..id(self.about.len())).filter(|name| self.about[*name as usize].kept).collect();
        sorted.sort_unstable_by_key(|name| self.names.all[*name as usize]);
        let mut place = vec![NONE; self.about.len()];
        for (at, name) in sorted.iter().enumerate() {
            place[*name as usize] = id(at);
        }
        let base = id(sorted.len());
        let string = |number: u32| if number == NONE { NONE } else { base + number };

        let mut order: Vec<u32> = (0..id(self.records.len())).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&self.records[*a as usize], &self.records[*b as usize]);
            let text = |record: &Record| self.strings.all[record.version as usize];
            place[a.name as usize]
                .cmp(&place[b.name as usize])
                .then_with(|| version::compare(text(b), text(a)))
        });
        let mut moved = vec![0; order.len()];
        for (at, record) in order.iter().enumerate() {
            moved[*record as usize] = id(at);
        }

        let mut names = Starts::new(sorted.len());
        let mut packages = Vec::with_capacity(order.len() * RECORD as usize);
        for at in &order {
            let record = &mut self.records[*at as usize];
            names.count(place[record.name as usize]);
            for field in [
                package::ARCHITECTURE,
                package::SECTION,
                package::SOURCE_NAME,
                package::SOURCE_VERSION,
                package::FOLDER,
                package::FILE,
            ] {
                record.words[field as usize] = string(record.words[field as usize]);
            }
            record.words[package::NAME as usize] = place[record.name as usize];
            record.words[package::VERSION as usize] = string(record.version);
            packages.extend(record.words);
        }

        let mut provides: Vec<_> = self
            .provides
            .iter()
            .map(|(name, record, version)| (place[*name as usize], moved[*record as usize], string(*version)))
            .collect();
        provides.sort_unstable();
        provides.dedup();
        let mut provided = Starts::new(sorted.len());
        provides.iter().for_each(|(name, ..)| provided.count(*name));

        let relations = self.relations.iter().map(|word| match word {
            Word::Name { name, bits } => place[*name as usize] << package::NAME_SHIFT | bits,
            Word::Version(version) => string(*version),
        });
        let texts =
            sorted.iter().map(|name| self.names.all[*name as usize]).chain(self.strings.all.iter().copied());
        let mut text = Vec::new();
        let mut offsets = vec![0];
        for one in texts {
            text.extend_from_slice(one.as_bytes());
            offsets.push(id(text.len()));
        }
        let ranks = sorted.iter().map(|name| self.about[*name as usize].rank.unwrap_or(NONE));
        write([
            bytes(offsets),
            text,
            bytes(names.finish()),
            bytes(provided.finish()),
            bytes(ranks),
            bytes(provides.iter().flat_map(|(_, package, version)| [*package, *version])),
            bytes(packages),
            bytes(relations),
            bytes(self.suites.iter().flat_map(|(source, suite)| [string(*source), string(*suite)])),
        ])
    }
}

/// Where the things of each name start, counted while they are listed in order.
struct Starts(Vec<u32>);

impl Starts {
    fn new(names: usize) -> Self {
        Self(vec![0; names + 1])
    }

    fn count(&mut self, name: u32) {
        self.0[name as usize + 1] += 1;
    }

    fn finish(mut self) -> Vec<u32> {
        let mut sum = 0;
        for start in &mut self.0 {
            sum += *start;
            *start = sum;
        }
        self.0
    }
}

fn bytes(words: impl IntoIterator<Item = u32>) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn write(sections: [Vec<u8>; SECTIONS]) -> Index {
    let mut body = bytes(sections.iter().map(|section| id(section.len())));
    let mut places = [Section::default(); SECTIONS];
    for (place, section) in places.iter_mut().zip(&sections) {
        *place = Section { start: body.len(), end: body.len() + section.len() };
        body.extend_from_slice(section);
    }
    Index { body, sections: places }
}
