//! What a fixed tree is packed to, with every codec: `packed_digests STORE`. On every machine it says the same; a test runs it on
//! processors of other models and another architecture.
#![allow(clippy::unwrap_used, reason = "a test tool fails loudly")]
#![allow(clippy::disallowed_methods, reason = "it reads its arguments")]
#![allow(clippy::print_stdout, reason = "it has nothing else to tell with")]

use longshore_image::pack::{Codec, Recipe, Wanted, compress, layers};
use longshore_oci::{Entry, Epoch, Silent, Store, Tree, TreePath};

fn main() {
    let store = Store::open(std::env::args_os().nth(1).unwrap()).unwrap();
    let mut tree = Tree::new();
    for (name, bytes) in files() {
        tree.insert(TreePath::new(name).unwrap(), Entry::file(0o644, store.put(&bytes).unwrap()));
    }
    let recipe = Recipe::new("all", &tree, tree.iter().map(|(path, _)| path), Epoch(0)).unwrap();
    let layer = layers(vec![recipe], Wanted::DiffIds, &store, 2, &Silent).unwrap().remove(0);
    println!("tar {} {}", layer.diff_id, layer.size);
    for codec in [Codec::Gzip, Codec::GzipFast, Codec::Zstd] {
        let blob = compress(&layer, codec, &store, 2, &Silent).unwrap().descriptor;
        println!("{codec:?} {} {}", blob.digest, blob.size);
    }
    // How many layers are hashed at once depends on the processor.
    let alone = tree.iter().map(|(path, _)| Recipe::new("one", &tree, [path], Epoch(0)).unwrap()).collect();
    for layer in layers(alone, Wanted::DiffIds, &store, 2, &Silent).unwrap() {
        println!("alone {} {}", layer.diff_id, layer.size);
    }
}

/// Files of every kind that codecs treat differently: text, numbers in columns, code, nothing but noise, nothing but zeros; small
/// ones and some that are cut.
fn files() -> Vec<(String, Vec<u8>)> {
    let words = ["layer", "digest", "of", "the", "root", "stack", "lock", "image", "and", "file", "\n"];
    let mut random = Random(1);
    let mut files = Vec::new();
    for i in 0..40 {
        let text: String =
            (0..2000 + i * 300).map(|_| format!("{} ", words[random.below(words.len())])).collect();
        files.push((format!("text-{i:02}"), text.into_bytes()));
    }
    let columns = (0..60_000_u32).flat_map(|i| [i.to_le_bytes(), (i * i / 7).to_le_bytes()].concat());
    files.push(("columns".to_owned(), columns.collect()));
    // As machine code is: short sequences that come again with other numbers in them.
    let code = (0..150_000).flat_map(|_| {
        let operation = [0x48, 0x8b, [0x05, 0x0d, 0x15, 0x3d][random.below(4)]];
        let address = (random.below(64) * 4096 + random.below(16) * 8) as u32;
        [&operation[..], &address.to_le_bytes()].concat()
    });
    files.push(("code".to_owned(), code.collect()));
    files.push(("noise".to_owned(), (0..1_500_000).map(|_| random.below(256) as u8).collect()));
    files.push(("zeros".to_owned(), vec![0; 3 << 20]));
    files.push(("empty".to_owned(), Vec::new()));
    files
}

/// A linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
