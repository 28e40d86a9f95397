// Which vulnerabilities an OpenVEX document says to be fixed, as OpenVEX's own library understands it:
//
//	openvex DOCUMENT PRODUCT PART...
//
// prints the names of those that it says so of the parts of the product, each a package URL as a scanner would write it.
package main

import (
	"fmt"
	"os"

	"github.com/openvex/go-vex/pkg/vex"
)

func main() {
	document, err := vex.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, statement := range document.Statements {
		if err := statement.Validate(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		name := string(statement.Vulnerability.Name)
		for _, part := range os.Args[3:] {
			for _, found := range document.Matches(name, os.Args[2], []string{part}) {
				fmt.Println(name, found.Status, part)
			}
		}
	}
}
