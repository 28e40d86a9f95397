# What stands for nixpkgs where that can't be had: packages and builders of the same names, which busybox makes. `bb/bin` and, for
# `rustPlatform`, `longshore/` and `libraries/` are put beside this file by testkit.
{
  description = "As much of nixpkgs as tests need";

  outputs =
    { self }:
    let
      packagesFor =
        system:
        let
          busybox = builtins.path {
            path = ./bb;
            name = "busybox-static";
          };
          made =
            attributes: script:
            let
              made = derivation (
                {
                  inherit system;
                  name = "${attributes.pname}-${attributes.version}";
                  builder = "${busybox}/bin/sh";
                  args = [
                    "-euc"
                    script
                  ];
                  PATH = "${busybox}/bin";
                }
                // attributes
              );
            in
            made // { meta = { }; };
          # Programs that say what they are.
          programs =
            pname: version: names:
            made { inherit pname version; } ''
              mkdir -p $out/bin
              for name in ${toString names}; do
                printf "#!${busybox}/bin/sh\necho $name ${version} \"\$@\"\n" > $out/bin/$name
                chmod 555 $out/bin/$name
              done
            '';
          program = pname: version: programs pname version [ pname ];
          # Of a closure with more than one path.
          data =
            pname: version: script:
            made { inherit pname version; } script;
          callPackage =
            file: more:
            let
              function = if builtins.isFunction file then file else import file;
            in
            function (builtins.intersectAttrs (builtins.functionArgs function) (packages // more));
          # The program under test, whose libraries and loader are at the place that it was told.
          libraries = builtins.path {
            path = ./libraries;
            name = "libraries";
          };
          packages = {
            inherit callPackage libraries;
            stdenv.hostPlatform.system = system;
            lib = {
              fetchers.proxyImpureEnvVars = [ ];
              fileset.toSource = { root, ... }: root;
              fileset.unions = paths: paths;
              filterAttrs = keeps: set: builtins.removeAttrs set (builtins.filter (name: !keeps name set.${name}) (builtins.attrNames set));
              last = list: builtins.elemAt list (builtins.length list - 1);
              licenses = {
                asl20.spdxId = "Apache-2.0";
                mit.spdxId = "MIT";
              };
              platforms.linux = [ system ];
              splitString = separator: text: builtins.filter builtins.isString (builtins.split separator text);
            };

            rustPlatform.buildRustPackage =
              { pname, version, ... }:
              if pname == "longshore" then
                made {
                  inherit pname version libraries;
                  program = ./longshore;
                } "mkdir -p $out/bin; cp $program/longshore $out/bin/"
              else
                programs pname version [
                  "betrace-backend"
                  "betrace-loadgen"
                ];
            importNpmLock = {
              __functor = _: { ... }: "lock";
              npmConfigHook = "hook";
            };
            buildNpmPackage =
              { pname, version, ... }:
              data pname version ''
                mkdir -p $out/assets
                echo '<title>${pname}</title>' > $out/index.html
                echo '{"id": "${pname}"}' > $out/plugin.json
                echo 'export {}' > $out/assets/index.js
              '';
            nodejs = program "nodejs" "24.0.0";
            runCommand = name: attributes: script: data name "0" script;
            writeShellScriptBin =
              name: text:
              data name "0" ''
                mkdir -p $out/bin
                cat > $out/bin/${name} <<'END'
                #!${busybox}/bin/sh
                ${text}
                END
                chmod 555 $out/bin/${name}
              '';

            hello = program "hello" "2.12.2";
            caddy = program "caddy" "2.10.2";
            grafana-alloy = program "alloy" "1.11.2";
            grafana-loki = program "loki" "3.5.8";
            prometheus = program "prometheus" "3.7.2";
            pyroscope = program "pyroscope" "1.15.0";
            tempo = program "tempo" "2.9.0";
            grafana = data "grafana" "12.3.0" ''
              mkdir -p $out/bin $out/share/grafana/conf $out/share/grafana/public
              printf '#!${busybox}/bin/sh\necho grafana "$@"\n' > $out/bin/grafana
              chmod 555 $out/bin/grafana
              echo '; defaults' > $out/share/grafana/conf/defaults.ini
            '';
            cacert = data "nss-cacert" "3.117" ''
              mkdir -p $out/etc/ssl/certs
              echo '# none' > $out/etc/ssl/certs/ca-bundle.crt
            '';
            tzdata = data "tzdata" "2025b" ''
              mkdir -p $out/share/zoneinfo/Etc
              echo TZif > $out/share/zoneinfo/UTC
              echo TZif > $out/share/zoneinfo/Etc/UTC
            '';
            nested.tools.hello = program "nested-hello" "1.0";
            # Two outputs, of which one is not for those who do not ask.
            split =
              let
                both = derivation {
                  inherit system;
                  name = "split-1.0";
                  outputs = [
                    "out"
                    "data"
                  ];
                  builder = "${busybox}/bin/sh";
                  args = [
                    "-euc"
                    "mkdir -p $out/bin $data/share; echo out > $out/bin/split; chmod 555 $out/bin/split; echo data > $data/share/split"
                  ];
                  PATH = "${busybox}/bin";
                };
              in
              both;
          };
        in
        packages;
    in
    {
      legacyPackages.x86_64-linux = packagesFor "x86_64-linux";
      legacyPackages.aarch64-linux = packagesFor "aarch64-linux";
    };
}
