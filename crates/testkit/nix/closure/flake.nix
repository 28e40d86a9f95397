# A closure of some thirty store paths without any input: a static busybox makes all of them. `bb/bin` is put beside this
# file by testkit, since store paths follow busybox's bytes.
{
  description = "Store paths of every kind, for tests";

  outputs =
    { self }:
    let
      pathsFor =
        system:
        let
          inherit (builtins) bitAnd elemAt genList;
          # The builder lies in a folder and is called `sh`: busybox goes by the name it is called by.
          busybox = builtins.path {
            path = ./bb;
            name = "busybox-static";
          };
          made =
            name: dependencies: script:
            derivation {
              inherit name system;
              builder = "${busybox}/bin/sh";
              args = [
                "-euc"
                script
              ];
              PATH = "${busybox}/bin";
              deps = map (dependency: "${dependency}") dependencies;
            };

          # Without a reference, and with a hard link inside of the path.
          library =
            number:
            let
              n = toString number;
            in
            made "lib${n}-1.${n}" [ ] ''
              mkdir -p $out/lib $out/share/doc
              i=0
              while [ $i -lt ${toString (number * 40)} ]; do echo "line $i of lib${n}"; i=$((i+1)); done > $out/lib/lib${n}.so.1.${n}
              ln -s lib${n}.so.1.${n} $out/lib/lib${n}.so
              ln $out/lib/lib${n}.so.1.${n} $out/share/doc/hardlink
              : > $out/share/doc/empty
            '';
          libraries = genList library 8;

          # Each refers to libraries, to busybox and to itself.
          tool =
            number:
            let
              n = toString number;
              needed = [
                (elemAt libraries (bitAnd number 7))
                (elemAt libraries (bitAnd (number * 3 + 1) 7))
                (elemAt libraries 0)
              ];
            in
            made "tool${n}-0.${n}" needed ''
              mkdir -p $out/bin $out/etc
              { echo "#!${busybox}/bin/sh"; echo "echo tool${n} $deps"; echo "# self $out"; } > $out/bin/tool${n}
              chmod 555 $out/bin/tool${n}
              for d in $deps; do echo $d; done > $out/etc/deps
              ln -s ${elemAt needed 0}/lib $out/lib
              ln -s ../bin $out/etc/bin-rel
            '';
          tools = genList tool 14;

          # Paths that are no folders.
          conf = made "app.conf" [ ] "echo 'greeting = hello' > $out";
          link = made "current-conf" [ conf ] "ln -s ${conf} $out";

          # Names that are hard to carry: spaces, letters beyond ASCII, more than tar's 100 and 255 bytes.
          odd = made "odd-names" [ ] ''
            mkdir -p "$out/sp ace" "$out/ünï" $out/a/b/c $out/emptydir
            echo x > "$out/sp ace/f i l e"
            echo y > "$out/ünï/ö"
            ln -s dangling $out/broken
            echo z > $out/a/b/c/z
            n=$(printf '%0120d' 7)
            mkdir -p $out/$n/$n
            echo long > $out/$n/$n/file
          '';

          service =
            number:
            let
              n = toString number;
              nth = at: elemAt tools (if at > 13 then at - 8 else at);
            in
            made "service${n}" (genList (i: nth (bitAnd (number * 5 + i) 15)) 5) ''
              mkdir -p $out/bin
              { echo "#!${busybox}/bin/sh"; echo ". ${link}"; for d in $deps; do echo "$d/bin/*"; done; } > $out/bin/service${n}
              chmod 555 $out/bin/service${n}
            '';
          services = genList service 3;

          stack = made "stack-1.0" (services ++ [ odd ] ++ tools) ''
            mkdir -p $out/bin
            for d in $deps; do for f in $d/bin/*; do if [ -e "$f" ]; then ln -s $f $out/bin/; fi; done; done
            echo $deps > $out/manifest
          '';
        in
        {
          inherit
            conf
            link
            odd
            stack
            ;
          default = stack;
          service0 = elemAt services 0;
          service1 = elemAt services 1;
          service2 = elemAt services 2;
          tool0 = elemAt tools 0;
          lib7 = elemAt libraries 7;
        };
    in
    {
      packages.x86_64-linux = pathsFor "x86_64-linux";
      packages.aarch64-linux = pathsFor "aarch64-linux";
    };
}
