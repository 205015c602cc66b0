// Command testsum reads the output of go test -json: it prints what failed and a line
// a package, or with -total the count of all tests in a file of such output.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

type key struct{ pkg, test string }

func main() {
	total := flag.String("total", "", "a file of go test -json output to count")
	flag.Parse()
	failed, err := run(*total)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func run(path string) (failed bool, err error) {
	var in io.Reader = os.Stdin
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return false, err
		}
		defer f.Close()
		in = f
	}
	counts := map[string]int{}
	output := map[key]string{}
	packages := 0
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Print(string(line)) // a compiler's words, say
			} else {
				failed = count(e, counts, output, path == "", &packages) || failed
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, err
		}
	}
	if path != "" {
		fmt.Printf("%d passed, %d failed, %d skipped\n", counts["pass"], counts["fail"], counts["skip"])
	}
	return failed || packages == 0, nil
}

// count adds an event up, prints what is worth it, and says whether it is a failure.
func count(e event, counts map[string]int, output map[key]string, show bool, packages *int) bool {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		output[k] += e.Output
		return false
	case "build-output":
		if show {
			fmt.Print(e.Output)
		}
		return false
	case "build-fail":
		return true
	case "pass", "fail", "skip":
	default:
		return false
	}
	if e.Test != "" {
		counts[e.Action]++
		if show && e.Action == "fail" {
			fmt.Print(output[k])
		}
		delete(output, k)
		return e.Action == "fail"
	}
	*packages++
	if show {
		if e.Action == "fail" {
			for other, text := range output { // that of a test which never ended is there, too
				if other.pkg == e.Package {
					fmt.Print(text)
				}
			}
		}
		if e.Action != "skip" {
			fmt.Printf("%-4s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
		}
	}
	delete(output, k)
	return e.Action == "fail"
}
