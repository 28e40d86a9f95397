//! One layer's way through the [crew](super::crew): its bytes are read once, for all that is wanted of them, and not at all where an
//! older layer began the same.

use std::collections::BTreeMap;
use std::io;

use longshore_oci::{BlobWriter, Content, DiffId, Progress, Sha256, Step, Store, StoreError};

use super::buffer::Buffer;
use super::chunk::{self, Blobs, Chunk};
use super::codec::Encoder;
use super::keys::Keys;
use super::reuse::{self, Range, Sum};
use super::state::{self, Packed, State};
use super::{Codec, Error, Recipe, record};

/// What all passes of a crew share.
pub(super) struct Means<'a> {
    pub store: &'a Store,
    /// What blobs are made with; none are without.
    pub codec: Option<Codec>,
    pub progress: &'a dyn Progress,
}

/// A layer to be made.
pub(super) struct Pass<'a> {
    pub recipe: &'a Recipe,
    /// What its tar is, where that is known.
    pub expected: Option<Content>,
}

/// What a layer came to.
pub(super) struct Made {
    pub tar: Content,
    pub blob: Option<Content>,
}

/// What everybody at a layer reads.
pub(super) struct Line {
    /// Its chunks; where nothing is compressed, pieces that are hashed faster.
    pieces: Vec<Chunk>,
    /// None of a small layer, of which nothing is kept but what it came to.
    keys: Option<Keys>,
    /// Pieces that the layer can be gone on with, and the chunk that each begins.
    points: BTreeMap<usize, usize>,
    /// Where the chunks are in older blobs.
    ranges: Vec<Option<Range>>,
    /// The piece that it is gone on with.
    from: usize,
}

/// What whoever adds to a layer changes.
pub(super) struct End {
    tar: Sha256,
    blob: Option<Blob>,
    states: Vec<State>,
    step: Box<dyn Step>,
}

/// The compressed side of it.
struct Blob {
    draft: BlobWriter,
    /// Of every chunk of a layer with keys.
    sums: Vec<Sum>,
    hash: Sha256,
}

/// What a thread uses for every chunk.
pub(super) struct Tools<'a> {
    blobs: Blobs<'a>,
    encoder: Option<Encoder>,
}

/// A part of a tar on its way: its bytes and their compressed form.
#[derive(Default)]
pub(super) struct Piece {
    plain: Buffer,
    packed: Buffer,
    /// None where nothing is kept of it.
    sum: Option<Sum>,
}

/// A piece whose turn it is.
pub(super) struct Turn<'a> {
    pub pass: &'a Pass<'a>,
    pub line: &'a Line,
    pub index: usize,
    pub piece: &'a Piece,
    pub end: &'a mut End,
}

/// Adds each piece to its layer.
pub(super) fn add(mut turns: Vec<Turn<'_>>) -> Vec<Result<(), Error>> {
    for turn in &mut turns {
        turn.remember();
    }
    // Several hashes take less time than one after the other.
    let mut hashes: Vec<(&mut Sha256, &[u8])> = Vec::new();
    for Turn { piece, end: End { tar, blob, .. }, .. } in &mut turns {
        hashes.push((tar, &piece.plain));
        hashes.extend(blob.as_mut().map(|blob| (blob.draft.hash_mut(), &*piece.packed)));
    }
    Sha256::update_each(&mut hashes);
    turns.iter_mut().map(Turn::write).collect()
}

impl Turn<'_> {
    /// Writes what is hashed.
    fn write(&mut self) -> Result<(), Error> {
        let End { blob, step, .. } = &mut *self.end;
        if let Some(blob) = blob {
            blob.write(self.piece).map_err(|error| self.pass.kept(error.into()))?;
        }
        step.advance(self.piece.plain.len() as u64);
        Ok(())
    }

    /// Keeps how far the layer is, where there may be something to go on with later.
    fn remember(&mut self) {
        let Self { line, index, end, .. } = self;
        if let Some(&at) = line.points.get(index)
            && *index > line.from
        {
            let blob = end.blob.as_ref().map(Blob::state);
            end.states.push(State { at, tar: end.tar.clone(), blob });
        }
    }
}

impl Line {
    /// That of a layer that is cut into `chunks`.
    fn new(recipe: &Recipe, chunks: Vec<Chunk>, codec: Option<Codec>) -> Self {
        let keys = Keys::of(recipe, &chunks);
        let mut points: Vec<usize> = keys.iter().flat_map(Keys::points).collect();
        points.reverse();
        let mut line = Self { pieces: chunks, keys, points: BTreeMap::new(), ranges: Vec::new(), from: 0 };
        if codec.is_some() {
            line.points = points.iter().map(|&at| (at, at)).collect();
            return line;
        }
        let chunks = std::mem::take(&mut line.pieces);
        let mut begun = 0;
        for at in points {
            line.pieces.extend(chunk::pieces(recipe, &chunks[begun..at]));
            line.points.insert(line.pieces.len(), at);
            begun = at;
        }
        line.pieces.extend(chunk::pieces(recipe, &chunks[begun..]));
        line
    }

    /// The piece that the chunk at a point begins with.
    fn piece_of(&self, chunk: usize) -> Option<usize> {
        self.points.iter().find(|(_, at)| **at == chunk).map(|(piece, _)| *piece)
    }

    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The first that there is something to do for.
    pub(super) fn from(&self) -> usize {
        self.from
    }
}

impl End {
    /// Tells that it will not be a layer.
    pub(super) fn fail(&self) {
        self.step.fail();
    }
}

impl Pass<'_> {
    fn kept(&self, source: StoreError) -> Error {
        Error::Store { layer: self.recipe.name().to_owned(), source }
    }

    /// Cuts the layer, and finds out what of it was made before.
    pub(super) fn start(&self, means: &Means<'_>) -> Result<(Line, End), Error> {
        let verb = if means.codec.is_some() { "Compressing" } else { "Packing" };
        let size = self.expected.map(|tar| tar.size);
        let step = means.progress.begin(verb, self.recipe.name(), size);
        let begun = self.begin(means).inspect_err(|_| step.fail());
        let (line, tar, blob) = begun.map_err(|source| self.kept(source))?;
        step.advance(tar.size());
        Ok((line, End { tar, blob, states: Vec::new(), step }))
    }

    fn begin(&self, means: &Means<'_>) -> Result<(Line, Sha256, Option<Blob>), StoreError> {
        let mut line = Line::new(self.recipe, chunk::plan(self.recipe), means.codec);
        let mut tar = Sha256::new();
        let Some(codec) = means.codec else {
            if let Some(keys) = &line.keys
                && let Some(state) = state::of_tar(means.store, keys)?
                && let Some(from) = line.piece_of(state.at)
            {
                (line.from, tar) = (from, state.tar);
            }
            return Ok((line, tar, None));
        };
        let mut blob = Blob { draft: means.store.writer()?, sums: Vec::new(), hash: Sha256::new() };
        if let Some(keys) = &line.keys {
            line.ranges = reuse::find(means.store, codec, keys)?;
            if let Some(state) = blob.resume(means.store, codec, keys, &line.ranges)? {
                (line.from, tar) = (state.at, state.tar);
            }
        }
        Ok((line, tar, Some(blob)))
    }

    /// Reads a piece, and compresses it or finds it compressed.
    pub(super) fn prepare(
        &self,
        means: &Means<'_>,
        line: &Line,
        index: usize,
        tools: &mut Tools<'_>,
        piece: &mut Piece,
    ) -> Result<(), Error> {
        chunk::fill(&mut tools.blobs, self.recipe, &line.pieces[index], &mut piece.plain)?;
        let Some(codec) = means.codec else { return Ok(()) };
        let (plain, packed) = (&piece.plain, &mut piece.packed);
        let range = line.ranges.get(index).copied().flatten().filter(|range| range.compresses(plain));
        if let Some(range) = range.filter(|range| range.read(means.store, packed)) {
            piece.sum = Some(range.sum);
            return Ok(());
        }
        tools
            .encode(codec, plain, packed)
            .map_err(|source| Error::Compress { layer: self.recipe.name().to_owned(), source })?;
        piece.sum = line.keys.is_some().then(|| Sum::of(plain, packed));
        Ok(())
    }

    /// Checks and keeps what the layer came to.
    pub(super) fn finish(&self, means: &Means<'_>, line: &Line, end: End) -> Result<Made, Error> {
        let End { tar, blob, states, step } = end;
        let tar = tar.finish();
        let checked = Error::unless_same(self.recipe.name(), self.expected.unwrap_or(tar), tar);
        let keep = |()| self.keep(means, line, tar, blob, &states).map_err(|source| self.kept(source));
        checked.and_then(keep).inspect_err(|_| step.fail())
    }

    fn keep(
        &self,
        means: &Means<'_>,
        line: &Line,
        tar: Content,
        blob: Option<Blob>,
        states: &[State],
    ) -> Result<Made, StoreError> {
        let store = means.store;
        if self.expected.is_none() {
            record::keep_tar(self.recipe, tar, store)?;
        }
        let mut made = Made { tar, blob: None };
        if let (Some(codec), Some(Blob { draft, sums, .. })) = (means.codec, blob) {
            let content = draft.commit()?;
            record::record(DiffId(tar.digest), codec, content, store)?;
            if let Some(keys) = &line.keys {
                reuse::keep(store, codec, keys, &sums, content)?;
            }
            made.blob = Some(content);
        }
        if let Some(keys) = &line.keys {
            state::keep(store, means.codec, keys, states)?;
        }
        Ok(made)
    }
}

impl Blob {
    fn write(&mut self, piece: &Piece) -> io::Result<()> {
        if let Some(sum) = piece.sum {
            sum.add_to(&mut self.hash);
            self.sums.push(sum);
        }
        self.draft.write_unhashed(&piece.packed)
    }

    fn state(&self) -> Packed {
        Packed { hash: self.draft.hash().clone(), sums: self.hash.clone() }
    }

    /// Copies as many chunks as there is a state behind, and gives that.
    fn resume(
        &mut self,
        store: &Store,
        codec: Codec,
        keys: &Keys,
        ranges: &[Option<Range>],
    ) -> Result<Option<State>, StoreError> {
        let mut known: Vec<Range> = ranges.iter().map_while(|range| *range).collect();
        let mut buffer = Buffer::default();
        while let Some(state) = state::of_blob(store, codec, keys, &known)? {
            let Some(Packed { hash, sums }) = state.blob.clone() else { break };
            let mut right = 0;
            while right < state.at && known[right].read(store, &mut buffer) {
                self.draft.write_unhashed(&buffer)?;
                right += 1;
            }
            if right == state.at {
                *self.draft.hash_mut() = hash;
                self.sums = known.iter().take(state.at).map(|range| range.sum).collect();
                self.hash = sums;
                return Ok(Some(state));
            }
            known.truncate(right);
            self.draft.restart()?;
        }
        Ok(None)
    }
}

impl<'a> Tools<'a> {
    pub(super) fn new(means: &Means<'a>) -> Self {
        Self { blobs: Blobs::new(means.store), encoder: None }
    }

    fn encode(&mut self, codec: Codec, plain: &[u8], packed: &mut Buffer) -> io::Result<()> {
        // All passes of a crew have the same codec.
        if self.encoder.is_none() {
            self.encoder = Some(Encoder::new(codec)?);
        }
        match &mut self.encoder {
            Some(encoder) => encoder.encode(plain, packed),
            None => Ok(()),
        }
    }
}
