# The store paths that a Flox environment installs on a system, by its lock (`.flox/env/manifest.lock`).
{
  # The folder that `.flox` is in.
  folder,
  system,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    isList
    map
    ;
  lock = builtins.fromJSON (builtins.readFile (folder + "/.flox/env/manifest.lock"));
  # The outputs of a package: as the manifest says, or whoever locked it, or all.
  chosen =
    package:
    let
      written = lock.manifest.install.${package.install_id}.outputs or null;
      lists = filter isList [
        written
        (
          let
            requested = package.requested-outputs-to-install or [ ];
          in
          if requested == [ ] then null else requested
        )
        (package.outputs_to_install or null)
        (package.outputs-to-install or null)
      ];
    in
    if written == "all" || lists == [ ] then attrNames package.outputs else builtins.head lists;
  paths =
    package:
    if package.store_path or null != null then
      [ package.store_path ]
    else
      map (output: package.outputs.${output}) (chosen package);
in
concatMap paths (filter (package: package.system == system) lock.packages)
