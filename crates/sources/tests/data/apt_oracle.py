"""Asks apt what it would install into an empty root.

    apt_oracle.py DIR SUITE        fetches main, updates and security of SUITE into DIR; prints the files, a line each
    apt_oracle.py DIR closures     reads package names, a line each; prints a JSON object of name to null where apt finds
                                   no way, else to the packages {name: version} and whether it took something
                                   out again that it had put in

Everything is below DIR; of the machine only the mirrors and how they are reached are taken.
"""

import json
import os
import subprocess
import sys


def machine_mirrors():
    """The addresses of the archive and of its security updates, from the machine's own apt settings."""
    with open("/etc/os-release") as file:
        release = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    targets = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"]
    lines = subprocess.run(targets, check=True, capture_output=True, text=True).stdout.split("\n")
    uris = dict(line.split(" ", 1) for line in lines if line)
    try:
        return uris[codename], uris[codename + "-security"]
    except KeyError as missing:
        sys.exit(f"apt of this machine has no suite {missing}: add the archive and its security suite to /etc/apt")


def prepare(folder, suite):
    """Writes DIR/apt.conf and the sources."""
    main, security = machine_mirrors()
    for name in ["etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "var/log"]:
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    open(os.path.join(folder, "var/lib/dpkg/status"), "w").close()
    signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    with open(os.path.join(folder, "etc/apt/sources.list"), "w") as file:
        file.write(f"deb {signed} {main} {suite} main\n")
        file.write(f"deb {signed} {main} {suite}-updates main\n")
        file.write(f"deb {signed} {security} {suite}-security main\n")
    dump = ["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', "Acquire"]
    settings = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    with open(os.path.join(folder, "apt.conf"), "w") as file:
        # Other indexes than package lists are not wanted here.
        file.writelines(line + "\n" for line in settings.split("\n") if not line.startswith("Acquire::IndexTargets"))
        file.write(f"""
Dir "{folder}";
Dir::State "{folder}/var/lib/apt";
Dir::State::status "{folder}/var/lib/dpkg/status";
Dir::State::extended_states "{folder}/var/lib/apt/extended_states";
Dir::Cache "{folder}/var/cache/apt";
Dir::Etc "{folder}/etc/apt";
Dir::Log "{folder}/var/log";
Dir::Bin::dpkg "/usr/bin/dpkg";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures {{ "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::Retries "3";
""")


def update(folder, suite):
    prepare(folder, suite)
    environment = dict(os.environ, APT_CONFIG=os.path.join(folder, "apt.conf"))
    subprocess.run(["apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update"], check=True, env=environment)
    targets = ["apt-get", "indextargets", "--format", "$(FILENAME)", "Created-By: Packages"]
    print(subprocess.run(targets, check=True, capture_output=True, text=True, env=environment).stdout, end="")


def closures(folder):
    os.environ["APT_CONFIG"] = os.path.join(folder, "apt.conf")
    import apt_pkg

    apt_pkg.init()
    cache = apt_pkg.Cache(None)
    depcache = apt_pkg.DepCache(cache)
    answers = {}
    for name in sys.stdin.read().split():
        # A process for each: making the state afresh takes ten times as long as the answer.
        reader, writer = os.pipe()
        if os.fork() == 0:
            with os.fdopen(writer, "w") as pipe:
                json.dump(closure(apt_pkg, cache, depcache, name), pipe)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            answers[name] = json.load(pipe)
        os.wait()
    json.dump(answers, sys.stdout)


def closure(apt_pkg, cache, depcache, name):
    root = cache[name]
    with apt_pkg.ActionGroup(depcache):
        depcache.mark_install(root, True, True)
    if depcache.broken_count or not depcache.marked_install(root):
        resolver = apt_pkg.ProblemResolver(depcache)
        resolver.clear(root)
        resolver.protect(root)
        try:
            resolver.resolve(True)
        except apt_pkg.Error:
            return None
    if depcache.broken_count or not depcache.marked_install(root):
        return None
    # From package to package, not through all there are.
    found, queue, seen = {}, [root], []
    while queue:
        package = queue.pop()
        if package.name in found or not depcache.marked_install(package):
            continue
        version = depcache.get_candidate_ver(package)
        found[package.name] = version.ver_str
        for kind in ("PreDepends", "Depends"):
            for group in version.depends_list.get(kind, []):
                for dependency in group:
                    targets = [target.parent_pkg for target in dependency.all_targets()]
                    queue.extend(targets)
                    seen.extend(targets)
    if len(found) != depcache.inst_count:
        found = {p.name: depcache.get_candidate_ver(p).ver_str for p in cache.packages if depcache.marked_install(p)}
    # What was installed for another package and then taken out again keeps its mark.
    repaired = any(depcache.is_auto_installed(p) and not depcache.marked_install(p) for p in seen)
    return {"packages": found, "repaired": repaired}


if __name__ == "__main__":
    if sys.argv[2] == "closures":
        closures(sys.argv[1])
    else:
        update(sys.argv[1], sys.argv[2])
