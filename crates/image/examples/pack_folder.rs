//! What packing a folder costs: `pack_folder STORE FOLDER JOBS diff-ids|gzip|fast|zstd [LAYERS]`, and with `floor` for LAYERS what can't be
//! saved of it: reading the files, hashing them, compressing a MiB at a time and hashing that, on as many threads and for nothing.
//!
//! The folder's files are put into the store, its entries dealt into LAYERS layers of one size but for the first, which has half of all;
//! then they are packed, and the time and the processor time of that alone are told. With STORE there already, so is what was made before.
#![allow(clippy::unwrap_used, reason = "a tool for measuring fails loudly")]
#![allow(clippy::disallowed_methods, reason = "it reads its arguments and a folder")]
#![allow(clippy::print_stdout, reason = "it has nothing else to tell with")]

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use longshore_image::pack::{Codec, Recipe, Wanted, compress_all, layers};
use longshore_oci::{Content, Entry, Epoch, Sha256, Silent, Store, Tree, TreePath};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, folder, jobs, wanted, rest @ ..] = &arguments[..] else {
        panic!("pack_folder STORE FOLDER JOBS diff-ids|gzip|fast|zstd [LAYERS]")
    };
    let store = Store::open(store).unwrap();
    let codec = match wanted.as_str() {
        "diff-ids" => None,
        "gzip" => Some(Codec::Gzip),
        "fast" => Some(Codec::GzipFast),
        "zstd" => Some(Codec::Zstd),
        other => panic!("`{other}` is no codec"),
    };
    let jobs: usize = jobs.parse().unwrap();
    let mut tree = Tree::new();
    add(&mut tree, &store, Path::new(folder), &TreePath::root());
    if rest.first().is_some_and(|word| word == "floor") {
        return floor(&tree, &store, codec, jobs);
    }
    let count: usize = rest.first().map_or(1, |count| count.parse().unwrap());
    let recipes: Vec<_> = dealt(&tree, count)
        .into_iter()
        .enumerate()
        .map(|(i, paths)| Recipe::new(&format!("layer {i}"), &tree, paths, Epoch(0)).unwrap())
        .collect();
    // From here on the most memory is told.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (began, before) = (Instant::now(), processor_time());
    let made = layers(recipes, codec.map_or(Wanted::DiffIds, Wanted::Blobs), &store, jobs, &Silent).unwrap();
    let blobs = codec.map(|codec| compress_all(&made, codec, &store, jobs, &Silent).unwrap());
    let wall = began.elapsed().as_secs_f64();
    let after = processor_time();
    let (user, system) = (after.0 - before.0, after.1 - before.1);
    let used = user + system;
    let size: u64 = made.iter().map(|layer| layer.size).sum();
    let packed: u64 = blobs.iter().flatten().map(|blob| blob.descriptor.size).sum();
    println!(
        "{size} bytes to {packed}: {wall:.2} s, {user:.2} + {system:.2} s of processor, {:.2} s of it a GB; {} MiB of memory at most",
        used / (size as f64 / 1e9),
        memory() >> 10,
    );
    for layer in made.iter().take(3) {
        println!("{} {}", layer.name(), layer.diff_id);
    }
    for blob in blobs.iter().flatten().take(3) {
        println!("{}", blob.descriptor.digest);
    }
}

fn floor(tree: &Tree, store: &Store, codec: Option<Codec>, jobs: usize) {
    let files: Vec<_> = tree.contents().collect();
    let next = AtomicUsize::new(0);
    let before = processor_time();
    // Threads share a processor's caches, or even the processor: what each costs depends on the others.
    let sizes: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let work = || Floor::new(codec).of(store, || files.get(next.fetch_add(1, Ordering::Relaxed)));
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let after = processor_time();
    let (user, system) = (after.0 - before.0, after.1 - before.1);
    let plain: u64 = sizes.iter().map(|(plain, _)| plain).sum();
    let packed: u64 = sizes.iter().map(|(_, packed)| packed).sum();
    println!(
        "floor {plain} bytes to {packed}: {user:.2} + {system:.2} s of processor, {:.2} s of it a GB",
        (user + system) / (plain as f64 / 1e9)
    );
}

/// What one thread needs.
struct Floor {
    codec: Option<Codec>,
    deflate: libdeflater::Compressor,
    fast: longshore_deflate::Deflater,
    zstd: zstd::bulk::Compressor<'static>,
    packed: Vec<u8>,
    tar: Sha256,
    blob: Sha256,
}

impl Floor {
    fn new(codec: Option<Codec>) -> Self {
        Self {
            codec,
            deflate: libdeflater::Compressor::new(libdeflater::CompressionLvl::new(6).unwrap()),
            fast: longshore_deflate::Deflater::new(),
            zstd: zstd::bulk::Compressor::new(3).unwrap(),
            packed: vec![0; 2 << 20],
            tar: Sha256::new(),
            blob: Sha256::new(),
        }
    }

    /// Bytes of the files, and of what they are compressed to.
    fn of<'a>(mut self, store: &Store, next: impl Fn() -> Option<&'a Content>) -> (u64, u64) {
        let (mut plain, mut filled) = (vec![0; 1 << 20], 0);
        while let Some(content) = next() {
            let mut file = std::fs::File::open(store.blob_path(&content.digest)).unwrap();
            loop {
                match file.read(&mut plain[filled..]).unwrap() {
                    0 => break,
                    read => filled += read,
                }
                if filled == plain.len() {
                    self.flush(&plain);
                    filled = 0;
                }
            }
        }
        self.flush(&plain[..filled]);
        (self.tar.size(), self.blob.size())
    }

    fn flush(&mut self, plain: &[u8]) {
        self.tar.update(plain);
        let size = match self.codec {
            None => 0,
            Some(Codec::Zstd) => self.zstd.compress_to_buffer(plain, &mut self.packed[..]).unwrap(),
            Some(Codec::Gzip) => self.deflate.gzip_compress(plain, &mut self.packed).unwrap(),
            Some(Codec::GzipFast) => {
                let mut size = 0;
                self.fast.compress(plain, |piece| {
                    self.packed[size..][..piece.len()].copy_from_slice(piece);
                    size += piece.len();
                });
                size
            }
        };
        self.blob.update(&self.packed[..size]);
    }
}

fn add(tree: &mut Tree, store: &Store, folder: &Path, at: &TreePath) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = at.join(entry.file_name().as_bytes()).unwrap();
        let meta = entry.metadata().unwrap();
        let made = if meta.is_dir() {
            add(tree, store, &entry.path(), &path);
            Entry::directory(0o755)
        } else if meta.is_symlink() {
            Entry::symlink(std::fs::read_link(entry.path()).unwrap().as_os_str().as_bytes())
        } else {
            Entry::file(
                (meta.mode() & 0o7777) as u16,
                store.put(&std::fs::read(entry.path()).unwrap()).unwrap(),
            )
        };
        tree.insert(path, made);
    }
}

/// The paths of each layer.
fn dealt(tree: &Tree, count: usize) -> Vec<Vec<&TreePath>> {
    let all: Vec<_> = tree.iter().map(|(path, _)| path).collect();
    if count == 1 {
        return vec![all];
    }
    let (first, rest) = all.split_at(all.len() / 2);
    let each = rest.len().div_ceil(count - 1).max(1);
    std::iter::once(first.to_vec()).chain(rest.chunks(each).map(<[_]>::to_vec)).collect()
}

/// Seconds of processor time that this process used, and the kernel for it.
fn processor_time() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let seconds = |field: &str| field.parse::<f64>().unwrap() / 100.0;
    (seconds(fields[11]), seconds(fields[12]))
}

/// The most memory that this process had, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
