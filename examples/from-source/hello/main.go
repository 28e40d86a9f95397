// Hello says a word of wisdom from a published module.
package main

import (
	"fmt"
	"runtime"

	"rsc.io/quote"
)

func main() { fmt.Println(quote.Go(), runtime.GOARCH) }
