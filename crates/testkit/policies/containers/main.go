// What podman and skopeo ask before they take an image: `allowed POLICY_JSON REGISTRIES_D IMAGE`, with their own library.
package main

import (
	"context"
	"log"
	"os"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
)

func main() {
	log.SetFlags(0)
	system := &types.SystemContext{
		SignaturePolicyPath:         os.Args[1],
		RegistriesDirPath:           os.Args[2],
		DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
	}
	context := context.Background()
	policy, err := signature.DefaultPolicy(system)
	if err != nil {
		log.Fatal(err)
	}
	asked, err := signature.NewPolicyContext(policy)
	if err != nil {
		log.Fatal(err)
	}
	reference, err := docker.ParseReference("//" + os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	source, err := reference.NewImageSource(context, system)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := asked.IsRunningImageAllowed(context, image.UnparsedInstance(source, nil)); err != nil {
		log.Fatal("refused: ", err)
	}
}
