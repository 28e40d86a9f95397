//! What a command finds, and can't.

use std::net::TcpListener;
use std::path::PathBuf;

use longshore_sandbox::{Access, Mount, Network};

use crate::world::{World, cpus, run, shell};

#[test]
fn no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Hangs up on everybody; ends with the tests.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let world = World::new();
    let connect = format!("nc -w 2 127.0.0.1 {port} </dev/null && echo connected || echo refused");
    assert!(world.script(&connect).ends_with("refused\n"));
    assert_eq!(world.script("ls /sys 2>/dev/null; sed 1,2d /proc/net/dev | awk '{print $1}'"), "lo:\n");
    assert_eq!(world.script("ifconfig"), "", "an interface is up");
    assert_eq!(world.script("sed 1d /proc/net/route"), "");
    // The same test finds a network where there is one.
    let mut sandbox = world.sandbox();
    sandbox.network = Network::Host;
    let ran = run(&sandbox, &connect).unwrap();
    assert!(ran.log.ends_with("connected\n"), "{}", ran.log);
}

#[test]
fn nothing_of_the_machine() {
    let world = World::new();
    assert_eq!(world.script("ls /"), "bin\nbuild\ndev\netc\nproc\nsrc\ntmp\n");
    assert_eq!(world.script("ls -A /etc; ls -A /tmp"), "");
    assert_eq!(world.script("hostname; cat /proc/sys/kernel/domainname"), "box\n(none)\n");
    assert_eq!(world.script("ls /proc/self/fd"), "0\n1\n2\n3\n", "3 is the folder being listed");
    assert_eq!(world.script("readlink /proc/self/fd/0"), "/dev/null\n");
    // Not the first process either, whose command line is the caller's.
    assert_eq!(world.script("echo /proc/[0-9]*"), "/proc/2\n");
    assert_eq!(world.script("cat /proc/1/cmdline /proc/1/environ 2>&1 | grep -c 'No such file'"), "2\n");
}

#[test]
fn devices() {
    let world = World::new();
    let expected = "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n";
    assert_eq!(world.script("ls /dev"), expected);
    assert_eq!(
        world.script("echo lost >/dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c"),
        "3\n5\n"
    );
    assert_eq!(
        world.script("echo said >/dev/stdout; echo shared >/dev/shm/x; cat /dev/shm/x"),
        "said\nshared\n"
    );
    assert!(world.script("touch /dev/x 2>&1 || true").contains("Read-only file system"));
    assert!(world.script("(: </dev/tty) 2>&1 || true").contains("No such device"), "a terminal is in reach");
}

#[test]
fn writes_only_where_allowed() {
    let world = World::new();
    for path in
        ["/x", "/bin/x", "/etc/x", "/src/x", "/proc/x", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"]
    {
        let script = format!("(echo x >{path}) 2>/dev/null && echo written || echo kept");
        assert_eq!(world.script(&script), "kept\n", "{path}");
    }
    let sysctl = "(echo x >/proc/sys/kernel/core_pattern) 2>&1 || true";
    assert!(world.script(sysctl).contains("Read-only file system"));
    assert_eq!(world.script("cat /src/file >/build/copy; echo y >/tmp/y; cat /tmp/y"), "y\n");
    assert_eq!(fs_err::read_to_string(world.path("build/copy")).unwrap(), "source\n");
    // `/tmp` is new each time.
    assert_eq!(world.script("ls /tmp"), "");
    // Another namespace of one's own gives no way out of that.
    let nested = "unshare -Umr sh -c 'mount -o remount,rw /proc/sys; mount -o remount,rw /; umount /proc/sys; \
                  mount -t proc proc /proc' 2>/dev/null; touch /x 2>/dev/null || echo kept";
    assert_eq!(world.script(nested), "kept\n");
    let nested = "unshare -Umpfr sh -c 'mount -t proc proc /tmp && echo new; umount /proc/kcore && echo bare; \
                  mount -o remount,bind,rw / && echo writable' 2>/dev/null; true";
    assert_eq!(world.script(nested), "");
}

#[test]
fn secrets_of_proc_are_empty() {
    let world = World::new();
    assert_eq!(world.script("cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c"), "0\n");
    assert_eq!(world.script("ls /proc/acpi /proc/scsi 2>/dev/null | sed '/:$/d;/^$/d'"), "");
}

#[test]
fn no_privileges() {
    let world = World::new();
    let script = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status | awk '{print $1 $2}'";
    let none = "0000000000000000";
    let expected =
        format!("CapInh:{none}\nCapPrm:{none}\nCapEff:{none}\nCapBnd:{none}\nCapAmb:{none}\nNoNewPrivs:1\n");
    assert_eq!(world.script(script), expected);
    // Nor for who is called root.
    let mut sandbox = world.sandbox();
    sandbox.ids = (0, 0);
    assert_eq!(run(&sandbox, script).unwrap().log, expected);
    assert_eq!(
        run(&sandbox, "id -u; id -g; mount -t tmpfs x /tmp 2>/dev/null || echo refused").unwrap().log,
        "0\n0\nrefused\n"
    );
}

#[test]
fn same_everywhere() {
    let world = World::new();
    assert_eq!(world.script("id -u; id -g; umask; pwd"), "1000\n1000\n0022\n/build\n");
    // The shell itself adds `_`, and sets PWD.
    let mut log = Vec::new();
    let mut command = shell("");
    command.argv = ["/bin/env"].map(String::from).to_vec();
    world.sandbox().run(&command, &mut log).unwrap();
    assert_eq!(String::from_utf8(log).unwrap(), "HOME=/homeless\nPATH=/bin\n");
    assert_eq!(world.script("echo made >/build/made; stat -c '%a %u %g' /build/made"), "644 1000 1000\n");
    assert_eq!(
        world.script("cat /proc/self/status | grep -E '^Sig(Blk|Ign)' | awk '{print $2}'"),
        "0000000000000000\n".repeat(2)
    );
    assert_eq!(world.script("ulimit -c"), "0\n");
}

#[test]
fn cpus_are_counted() {
    let world = World::new();
    let mut sandbox = world.sandbox();
    sandbox.limits.cpus = cpus(1);
    assert_eq!(run(&sandbox, "nproc").unwrap().log, "1\n");
    sandbox.limits.cpus = cpus(100_000);
    let all = std::thread::available_parallelism().unwrap();
    assert_eq!(run(&sandbox, "nproc").unwrap().log, format!("{all}\n"));
}

#[test]
fn files_and_nested_mounts() {
    let world = World::new();
    fs_err::write(world.path("hosts"), "127.0.0.1 localhost\n").unwrap();
    fs_err::write(world.path("root/etc/hosts"), "").unwrap();
    fs_err::create_dir(world.path("build/deep")).unwrap();
    let mut sandbox = world.sandbox();
    let mount =
        |from: &str, to: &str| Mount { from: world.path(from), to: PathBuf::from(to), access: Access::Read };
    // The one below comes first here and is mounted after.
    sandbox.mounts.insert(0, mount("src", "/build/deep"));
    sandbox.mounts.push(mount("hosts", "/etc/hosts"));
    assert_eq!(
        run(&sandbox, "cat /etc/hosts /build/deep/file").unwrap().log,
        "127.0.0.1 localhost\nsource\n"
    );
    assert_eq!(run(&sandbox, "(echo x >/etc/hosts) 2>/dev/null || echo kept").unwrap().log, "kept\n");
}

#[test]
fn links_in_the_root_stay_in_it() {
    let world = World::new();
    fs_err::remove_dir(world.path("root/src")).unwrap();
    std::os::unix::fs::symlink("/inner", world.path("root/src")).unwrap();
    fs_err::create_dir(world.path("root/inner")).unwrap();
    assert_eq!(world.script("cat /inner/file; cat /src/file"), "source\nsource\n");
}

#[test]
fn as_an_ordinary_user() {
    let world = World::new();
    let script = "id -u; cat /src/file; echo mine >/build/mine; (echo x >/src/file) 2>/dev/null || echo kept; \
                  grep CapBnd /proc/self/status; echo /proc/[0-9]*; ifconfig; hostname";
    let root = rustix::process::geteuid().is_root();
    let output = world.helper(root.then_some(12_345), script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "1000\nsource\nkept\nCapBnd:\t0000000000000000\n/proc/2\nbox\n");
    let owner = std::os::unix::fs::MetadataExt::uid(&fs_err::metadata(world.path("build/mine")).unwrap());
    assert_eq!(owner, if root { 12_345 } else { rustix::process::geteuid().as_raw() });
}
